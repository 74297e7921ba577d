//! Access tokens that this server issues itself: JSON Web Tokens signed with HS256, and with nothing else.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use engine::{Caller, Role};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::use_ring;

/// How many tokens are known by sight; with one more, the others are checked anew.
const MOST_KNOWN: usize = 1_000;

/// The key that signs and checks access tokens.
pub struct TokenKey {
    signs: EncodingKey,
    checks: DecodingKey,
    validation: Validation,
    /// What those say that this key was found to have signed. Clients show theirs with each request, and a signature stays good; a time doesn't.
    known: RwLock<HashMap<String, Claims>>,
}

/// Why a token can't be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Too short to be safe.
    #[error("the secret key has {bytes} bytes, fewer than {}", TokenKey::MIN_BYTES)]
    KeyTooShort {
        /// How many it has.
        bytes: usize,
    },
    /// A token says who its bearer is.
    #[error("the subject is empty")]
    NoSubject,
    /// Nobody needs a token to be anonymous.
    #[error("a token can't have the role `public`")]
    PublicRole,
    /// Beyond any date.
    #[error("the time to live is out of range")]
    TimeToLive,
    /// The crypto library refused.
    #[error("the token couldn't be signed")]
    NotSigned,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
}

impl TokenKey {
    /// The least length of a key, that of the hash.
    pub const MIN_BYTES: usize = 32;

    /// A key of these bytes.
    pub fn new(secret: &str) -> Result<Self, TokenError> {
        if secret.len() < Self::MIN_BYTES {
            return Err(TokenError::KeyTooShort { bytes: secret.len() });
        }
        use_ring();
        let mut validation = Validation::new(Algorithm::HS256);
        // Times are checked against the caller's clock, not the library's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.leeway = 0;
        validation.set_required_spec_claims(&["exp", "sub"]);
        let (signs, checks) = (EncodingKey::from_secret(secret.as_bytes()), DecodingKey::from_secret(secret.as_bytes()));
        Ok(TokenKey { signs, checks, validation, known: RwLock::default() })
    }

    /// Whether it was signed with this key, whatever it says.
    pub(crate) fn signed(&self, token: &str) -> bool {
        jsonwebtoken::decode::<Claims>(token, &self.checks, &self.validation).is_ok()
    }

    /// Who bears this token; `None` for one that is forged, over, not yet valid, or of another kind.
    pub(crate) fn bearer(&self, token: &str, now: DateTime<Utc>) -> Option<Caller> {
        if let Some(claims) = self.known.read().get(token) {
            return claims.bearer(now);
        }
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.checks, &self.validation).ok()?;
        if decoded.header.crit.is_some() {
            return None;
        }
        let bearer = decoded.claims.bearer(now)?;
        let mut known = self.known.write();
        if known.len() == MOST_KNOWN {
            known.clear();
        }
        known.insert(token.to_owned(), decoded.claims);
        Some(bearer)
    }
}

impl Claims {
    /// Who it is, as long as that holds.
    fn bearer(&self, now: DateTime<Utc>) -> Option<Caller> {
        let role = self.role.unwrap_or(Role::Authenticated);
        let now = now.timestamp();
        let holds = self.exp > now && self.nbf.is_none_or(|from| from <= now) && !self.sub.is_empty() && role != Role::Public;
        // The prefix keeps a subject from being taken for an API key or for the anonymous owner.
        holds.then(|| Caller { owner: ["sub:", &self.sub].concat(), role })
    }
}

/// A token that says who its bearer is and what role they have, for a time from `now`. With no time at all it is over at once.
pub fn issue_token(key: &TokenKey, subject: &str, role: Role, time_to_live: Duration, now: DateTime<Utc>) -> Result<String, TokenError> {
    if subject.is_empty() {
        return Err(TokenError::NoSubject);
    }
    if role == Role::Public {
        return Err(TokenError::PublicRole);
    }
    let seconds = i64::try_from(time_to_live.as_secs()).ok().ok_or(TokenError::TimeToLive)?;
    let exp = now.timestamp().checked_add(seconds).ok_or(TokenError::TimeToLive)?;
    let claims = Claims { sub: subject.into(), role: Some(role), exp, nbf: None, iat: Some(now.timestamp()) };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key.signs).map_err(|_| TokenError::NotSigned)
}

#[cfg(test)]
mod tests {
    use ::tests::tokens::SigningKey;
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn key() -> TokenKey {
        TokenKey::new(SECRET).unwrap()
    }

    fn signed(claims: &Value) -> String {
        signed_as("HS256", claims)
    }

    fn signed_as(algorithm: &str, claims: &Value) -> String {
        SigningKey::secret("", SECRET).signed(&json!({"typ": "JWT", "alg": algorithm}), claims)
    }

    #[test]
    fn no_more_than_a_thousand_tokens_are_known_by_sight() {
        let key = key();
        for number in 0..MOST_KNOWN + 10 {
            let owner = format!("sub:{number}");
            let token = issue_token(&key, &owner[4..], Role::Authenticated, Duration::from_secs(60), at(1_000)).unwrap();
            assert_eq!(key.bearer(&token, at(1_000)).unwrap().owner, owner);
        }
        assert_eq!((MOST_KNOWN, key.known.read().len()), (1_000, 10));
        assert_eq!(key.bearer("a.b.c", at(1_000)), None);
        assert_eq!(key.known.read().len(), 10);
    }

    #[test]
    fn a_token_tells_its_bearer_until_it_expires() {
        let token = issue_token(&key(), "ann", Role::Admin, Duration::from_secs(60), at(1_000)).unwrap();
        assert_eq!(key().bearer(&token, at(1_059)), Some(Caller { owner: "sub:ann".into(), role: Role::Admin }));
        assert_eq!(key().bearer(&token, at(1_060)), None);
        // One that is known by sight, too.
        let knows = key();
        for _ in 0..2 {
            assert_eq!(knows.bearer(&token, at(1_059)), Some(Caller { owner: "sub:ann".into(), role: Role::Admin }));
        }
        assert_eq!((knows.known.read().len(), knows.bearer(&token, at(1_060))), (1, None));
        assert_eq!(knows.bearer(&format!("{token}A"), at(1_059)), None);
        let over = issue_token(&key(), "ann", Role::Admin, Duration::ZERO, at(1_000)).unwrap();
        assert_eq!(key().bearer(&over, at(1_000)), None);
    }

    #[test]
    fn a_token_is_not_valid_before_its_time() {
        let token = signed(&json!({"sub": "ann", "exp": 2_000, "nbf": 1_500}));
        assert_eq!(key().bearer(&token, at(1_499)), None);
        assert_eq!(key().bearer(&token, at(1_500)).map(|c| c.role), Some(Role::Authenticated));
    }

    #[test]
    fn a_token_without_expiry_or_subject_or_with_a_strange_role_is_refused() {
        for claims in [
            json!({"sub": "ann", "role": "admin"}),
            json!({"exp": 2_000, "role": "admin"}),
            json!({"sub": "", "exp": 2_000}),
            json!({"sub": "ann", "exp": 2_000, "role": "root"}),
            json!({"sub": "ann", "exp": 2_000, "role": "public"}),
            json!({"sub": "ann", "exp": "never"}),
        ] {
            assert_eq!(key().bearer(&signed(&claims), at(1_000)), None, "{claims}");
        }
    }

    #[test]
    fn another_algorithm_or_none_is_refused() {
        let claims = json!({"sub": "ann", "exp": 2_000});
        assert_eq!(key().bearer(&signed_as("HS256", &claims), at(1_000)).map(|caller| caller.owner), Some("sub:ann".into()));
        assert_eq!(key().bearer(&signed_as("HS512", &claims), at(1_000)), None);
        let unsigned =
            format!("{}.{}.", BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#), BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        assert_eq!(key().bearer(&unsigned, at(1_000)), None);
    }

    #[test]
    fn a_token_of_another_key_or_with_changed_claims_is_refused() {
        let other = TokenKey::new("another-key-of-thirty-two-bytes!").unwrap();
        let token = issue_token(&other, "ann", Role::System, Duration::from_secs(60), at(1_000)).unwrap();
        assert_eq!(key().bearer(&token, at(1_000)), None);

        let token = issue_token(&key(), "ann", Role::Authenticated, Duration::from_secs(60), at(1_000)).unwrap();
        let mut parts: Vec<&str> = token.split('.').collect();
        let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"ann","role":"admin","exp":9999999999}"#);
        parts[1] = &claims;
        assert_eq!(key().bearer(&parts.join("."), at(1_000)), None);
    }

    #[test]
    fn what_can_not_be_issued_says_why() {
        assert_eq!(TokenKey::new("short").err(), Some(TokenError::KeyTooShort { bytes: 5 }));
        let minute = Duration::from_secs(60);
        assert_eq!(issue_token(&key(), "", Role::Admin, minute, at(0)), Err(TokenError::NoSubject));
        assert_eq!(issue_token(&key(), "ann", Role::Public, minute, at(0)), Err(TokenError::PublicRole));
        assert_eq!(issue_token(&key(), "ann", Role::Admin, Duration::from_secs(u64::MAX), at(0)), Err(TokenError::TimeToLive));
    }
}
