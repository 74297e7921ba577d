//! The agent cards: assembled from what the agents say of themselves, rendered and signed once for each place they are asked for at.

mod assemble;
mod cache;
mod signer;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use engine::ports::AgentProfile;
use guard::Guard;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, VARY},
};
use protocol::{
    A2aError,
    card::{self, CardForm},
    types::AgentCard,
};
use sha2::{Digest, Sha256};

use self::{
    assemble::Credentials,
    cache::Cache,
    signer::{Away, Signer},
};
use crate::{Body, Response, signing::SigningKeySource};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Clients ask again after five minutes, and hear then whether anything changed.
const MAX_AGE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// When a key that can't be read is worth another try.
const RETRY_AFTER_SECONDS: u64 = 5;

/// The card for a client that names no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DefaultCard {
    /// v1.0 with the fields of v0.3 beside.
    #[default]
    Hybrid,
    /// Exactly v1.0.
    V1_0,
    /// Exactly v0.3.
    V0_3,
}

/// Every card that this server shows.
pub(crate) struct Cards {
    profiles: Vec<AgentProfile>,
    /// Without API keys, and with them.
    credentials: [Credentials; 2],
    default_card: DefaultCard,
    signer: Signer,
    started: DateTime<Utc>,
    last_modified: HeaderValue,
    /// For each of the credentials.
    caches: [Cache; 2],
}

/// What a card depends on besides its form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// The URL that everything here is below, as the client knows it.
    pub base_url: &'a str,
    /// The one agent that it is of.
    pub tenant: Option<&'a str>,
    /// Whether there are API keys.
    pub api_keys: bool,
}

/// A document as it goes out.
#[derive(Clone)]
struct Rendered {
    body: Bytes,
    etag: HeaderValue,
}

impl Cards {
    /// The cards of these agents, the default one first; they count as changed when the process started.
    pub fn new(
        profiles: Vec<AgentProfile>,
        guard: &Guard,
        default_card: DefaultCard,
        signing_key: Option<SigningKeySource>,
        started: DateTime<Utc>,
    ) -> Self {
        let last_modified = HeaderValue::from_str(&started.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        Cards {
            caches: [(); 2].map(|()| Cache::new(profiles.len())),
            profiles,
            credentials: [false, true].map(|takes_api_keys| Credentials::of(guard, takes_api_keys)),
            default_card,
            signer: Signer::new(signing_key),
            started,
            last_modified: last_modified.unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT")),
        }
    }

    /// Has the signer ready; where that fails it was logged.
    pub async fn fetch_signing_key(&self) {
        let _ = self.signer.ready().await;
    }

    /// `/.well-known/agent-card.json` for a client of that version.
    pub async fn agent_card(&self, place: Shown<'_>, version: &str, request: &HeaderMap) -> Response {
        let form = match (version, self.default_card) {
            (version, _) if version == "1.0" || version.starts_with("1.0.") => CardForm::V1_0,
            (version, _) if version == "0.3" || version.starts_with("0.3.") => CardForm::V0_3,
            (_, DefaultCard::Hybrid) => CardForm::Hybrid,
            (_, DefaultCard::V1_0) => CardForm::V1_0,
            (_, DefaultCard::V0_3) => CardForm::V0_3,
        };
        self.card(place, form, request).await
    }

    /// `/.well-known/agent.json`, for clients before v0.3.
    pub async fn first_agent_card(&self, place: Shown<'_>, request: &HeaderMap) -> Response {
        self.card(place, CardForm::V0_1, request).await
    }

    /// `/.well-known/jwks.json`
    ///
    /// # Errors
    /// [`A2aError::Unavailable`] where the key can't be read: an empty set would be kept, and signatures taken for forged.
    pub async fn keys(&self, request: &HeaderMap) -> Result<Response, A2aError> {
        let away = |Away| A2aError::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS };
        self.signer.ready().await.map_err(away)?;
        Ok(self.respond(self.signer.key_set(), request))
    }

    /// The card with the skills that only authenticated callers see (spec section 3.1.11).
    pub async fn extended(&self, place: Shown<'_>) -> AgentCard {
        let Shown { base_url, tenant, api_keys } = place;
        let mut card = assemble::card(self.of(tenant), tenant.is_some(), base_url, &self.credentials[usize::from(api_keys)]);
        card.skills.extend(self.of(tenant).iter().flat_map(|profile| profile.extended_skills.iter().cloned()));
        // Without the key it goes out without a signature.
        let _ = self.signer.ready().await;
        self.signer.sign(&mut card, base_url);
        card
    }

    /// From the cache, unless its key is away: a card without a signature is for once.
    async fn card(&self, place: Shown<'_>, form: CardForm, request: &HeaderMap) -> Response {
        let Shown { base_url, tenant, api_keys } = place;
        let make = || {
            let mut card = assemble::card(self.of(tenant), tenant.is_some(), base_url, &self.credentials[usize::from(api_keys)]);
            if form == CardForm::V0_1 {
                // That generation knows no other way in, and takes a list without it for a broken one.
                assemble::add_bearer(&mut card);
            }
            let unsigned = card::render(&card, form).to_string();
            self.signer.sign(&mut card, base_url);
            // Each process signs with other random numbers: the card is the same for that.
            Rendered::tagged_by(card::render(&card, form).to_string(), &[unsigned.as_bytes(), &self.signer.key_set().body])
        };
        match self.signer.ready().await {
            Ok(()) => {
                let number = tenant.and_then(|tenant| self.profiles.iter().position(|profile| profile.id == tenant));
                self.respond(self.caches[usize::from(api_keys)].get(base_url, number, form, make), request)
            }
            Err(Away) => {
                let mut response = self.respond(make(), request);
                response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                response
            }
        }
    }

    /// One agent's profile, or all of them on the default tenant.
    fn of(&self, tenant: Option<&str>) -> &[AgentProfile] {
        match tenant.and_then(|tenant| self.profiles.iter().position(|profile| profile.id == tenant)) {
            Some(number) => &self.profiles[number..=number],
            None => &self.profiles,
        }
    }

    /// The document, or 304 to who has it already (RFC 9110, sections 13.1.2 and 13.1.3).
    fn respond(&self, document: Rendered, request: &HeaderMap) -> Response {
        let unchanged = match request.get(IF_NONE_MATCH) {
            Some(tags) => has_tag(tags, &document.etag),
            None => request.get(IF_MODIFIED_SINCE).is_some_and(|since| self.is_unchanged_since(since)),
        };
        let mut response = Response::new(if unchanged { Body::empty() } else { Body::from(document.body) });
        if unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.reserve(16);
        headers.insert(ETAG, document.etag);
        headers.insert(CACHE_CONTROL, MAX_AGE);
        headers.insert(LAST_MODIFIED, self.last_modified.clone());
        headers.insert(VARY, HeaderValue::from_static("A2A-Version"));
        if !unchanged {
            headers.insert(CONTENT_TYPE, JSON);
        }
        response
    }

    fn is_unchanged_since(&self, since: &HeaderValue) -> bool {
        let since = since.to_str().ok().and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        since.is_some_and(|since| since.timestamp() >= self.started.timestamp())
    }
}

impl Rendered {
    fn new(text: String) -> Self {
        let hash = Sha256::digest(&text);
        Self::tagged(text, &hash)
    }

    /// With a tag that changes when one of these does.
    fn tagged_by(text: String, parts: &[&[u8]]) -> Self {
        let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
        Self::tagged(text, &hash)
    }

    fn tagged(text: String, hash: &[u8]) -> Self {
        let tag: String = hash[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        // Hexadecimal digits are fine in a header.
        let etag = HeaderValue::from_str(&format!("\"{tag}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Rendered { body: Bytes::from(text), etag }
    }
}

/// Whether a list of tags has this one, weak or not.
fn has_tag(tags: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(tags), Ok(tag)) = (tags.to_str(), tag.to_str()) else { return false };
    tags.split(',').map(str::trim).any(|candidate| candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag)
}
