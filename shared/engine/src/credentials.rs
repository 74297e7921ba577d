//! Seals the credentials of webhooks before they are stored, and opens them where they are shown to their owner or sent to their webhook. On their way
//! through a queue they stay sealed.
//!
//! Sealed is a text of its own form: `sealed.1.<id of the key>.<nonce, ciphertext and tag in Base64>` (AES-256-GCM). It opens only at its place: the
//! task, the webhook and its URL are authenticated along, so that nobody who can write to the store has credentials shown to another owner or sent
//! elsewhere. What was stored before there were keys is no such text, and is taken as it is.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use protocol::types::TaskPushNotificationConfig;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    hkdf,
    rand::{SecureRandom, SystemRandom},
};

use crate::{
    Engine,
    deliver_push::{AUTHORIZATION, NOTIFICATION_TOKEN},
    ports::{PushConfig, ReadyPost, StoreError},
};

/// How a sealed text begins; another number would be another form.
const SEALED: &str = "sealed.1.";
/// Of a key's name, in bytes.
const ID_LEN: usize = 8;

/// A key of AES-256-GCM and what it is called. Nonces are random: one key is good for 2^32 texts.
pub struct CredentialKey {
    id: String,
    key: LessSafeKey,
}

impl CredentialKey {
    /// Derived (HKDF-SHA256) from a secret, which may be for other purposes too: of at least 32 bytes that nobody can guess. The same secret is the same
    /// key of the same id.
    ///
    /// # Errors
    /// Where the cryptographic library refuses, which it has no reason to.
    pub fn derived_from(secret: &str) -> Result<Self, StoreError> {
        let derived = || {
            let base = hkdf::Salt::new(hkdf::HKDF_SHA256, b"a2a webhook credentials").extract(secret.as_bytes());
            let mut id = [0; 32];
            base.expand(&[b"id"], hkdf::HKDF_SHA256)?.fill(&mut id)?;
            let key = UnboundKey::from(base.expand(&[b"key"], &AES_256_GCM)?);
            let id = id[..ID_LEN].iter().map(|byte| format!("{byte:02x}")).collect();
            Ok::<_, Unspecified>(CredentialKey { id, key: LessSafeKey::new(key) })
        };
        derived().map_err(|Unspecified| StoreError::Failed("no key can be derived for the credentials of webhooks".into()))
    }

    /// A new secret for [`Self::derived_from`], to be kept.
    ///
    /// # Errors
    /// Where the machine has no randomness.
    pub fn new_secret() -> Result<String, StoreError> {
        let mut secret = [0; 32];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|Unspecified| StoreError::Failed("no key can be made for the credentials of webhooks".into()))?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(secret))
    }

    /// Says which key it is, and nothing about it.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn seal(&self, text: &str, place: &str) -> Result<String, Unspecified> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce)?;
        let mut sealed = text.as_bytes().to_vec();
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)?;
        let whole = [&nonce[..], &sealed].concat();
        Ok(format!("{SEALED}{}.{}", self.id, BASE64_URL_SAFE_NO_PAD.encode(whole)))
    }

    /// `None` for what this key didn't seal for this place.
    fn open(&self, sealed: &str, place: &str) -> Option<String> {
        let mut whole = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = whole.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.key.open_in_place(nonce, Aad::from(place), text).ok()?;
        str::from_utf8(text).ok().map(str::to_owned)
    }
}

/// Never the key.
impl fmt::Debug for CredentialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Engine {
    /// The webhook as it may be stored.
    ///
    /// # Errors
    /// Where there is no key to be had.
    pub(crate) async fn sealed(&self, mut config: PushConfig) -> Result<PushConfig, StoreError> {
        let Some(keys) = &self.settings().credential_keys else { return Ok(config) };
        let task_id = config.config.task_id.clone();
        for (place, text) in credentials(&task_id, &mut config.config) {
            let sealed = keys.newest().await?.seal(text, &place);
            *text = sealed.map_err(|Unspecified| StoreError::Failed("the credentials of a webhook can't be sealed".into()))?;
        }
        Ok(config)
    }

    /// A webhook of that task with credentials that can be read.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where the key is gone, or they were sealed for another place; else as [`crate::ports::CredentialKeys`].
    pub(crate) async fn opened(&self, task_id: &str, mut config: PushConfig) -> Result<PushConfig, StoreError> {
        let config_id = config.config.id.clone().unwrap_or_default();
        for (place, text) in credentials(task_id, &mut config.config) {
            *text = self.open(task_id, &config_id, text, &place).await?;
        }
        Ok(config)
    }

    /// The headers of a post with credentials that can be read.
    ///
    /// # Errors
    /// As [`Self::opened`].
    pub(crate) async fn opened_headers(&self, post: &ReadyPost) -> Result<Vec<(String, String)>, StoreError> {
        let mut headers = post.headers.clone();
        for (name, value) in &mut headers {
            let what = match name.as_str() {
                AUTHORIZATION => "credentials",
                NOTIFICATION_TOKEN => "token",
                _ => continue,
            };
            // After the scheme. What is sealed has no spaces.
            let start = value.rfind(' ').map_or(0, |space| space + 1);
            let place = place(what, &post.task_id, &post.config_id, &post.url);
            let opened = self.open(&post.task_id, &post.config_id, &value[start..], &place).await?;
            value.replace_range(start.., &opened);
            value.truncate(value.trim_end().len());
        }
        Ok(headers)
    }

    /// What isn't sealed is taken as it is.
    async fn open(&self, task_id: &str, config_id: &str, text: &str, place: &str) -> Result<String, StoreError> {
        let (Some(keys), Some(sealed)) = (&self.settings().credential_keys, text.strip_prefix(SEALED)) else { return Ok(text.to_owned()) };
        let refuse = |why: &str| StoreError::Failed(format!("the credentials of the webhook `{config_id}` of task `{task_id}` {why}").into());
        let (id, sealed) = sealed.split_once('.').ok_or_else(|| refuse("are damaged"))?;
        let key = keys.of_id(id).await?.ok_or_else(|| refuse(&format!("were sealed with the key `{id}`, which isn't there any more")))?;
        key.open(sealed, place).ok_or_else(|| refuse("were sealed for another place, or are damaged"))
    }
}

/// Each secret of a webhook and the only place where it opens.
fn credentials<'a>(task_id: &str, config: &'a mut TaskPushNotificationConfig) -> impl Iterator<Item = (String, &'a mut String)> + use<'a> {
    let place = |what| place(what, task_id, config.id.as_deref().unwrap_or_default(), &config.url);
    let (of_token, of_credentials) = (place("token"), place("credentials"));
    let token = config.token.as_mut().map(|token| (of_token, token));
    let credentials = config.authentication.as_mut().and_then(|authentication| authentication.credentials.as_mut());
    token.into_iter().chain(credentials.map(|credentials| (of_credentials, credentials)))
}

/// Lengths first: no two places are spelled the same.
fn place(what: &str, task_id: &str, config_id: &str, url: &str) -> String {
    format!("{what} {} {} {} {task_id}{config_id}{url}", task_id.len(), config_id.len(), url.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_sealed_it_opens_at_its_place_alone() {
        let key = CredentialKey::derived_from("a secret that has enough bytes to it").unwrap();
        let sealed = key.seal("hunter2 — ключ", "here").unwrap();
        let (id, text) = sealed.strip_prefix(SEALED).unwrap().split_once('.').unwrap();
        assert_eq!(id, key.id());
        assert_eq!(key.open(text, "here").as_deref(), Some("hunter2 — ключ"));
        assert_eq!(key.open(text, "there"), None);
        assert_ne!(key.seal("hunter2 — ключ", "here").unwrap(), sealed, "the nonce is another each time");
        let other = CredentialKey::derived_from("another secret of as many bytes or more").unwrap();
        assert_ne!(other.id(), key.id());
        assert_eq!(other.open(text, "here"), None);
        for damaged in ["", "AAAA", "%%%", &text[..text.len() - 2], &format!("A{}", &text[1..])] {
            if damaged != text {
                assert_eq!(key.open(damaged, "here"), None, "{damaged}");
            }
        }
    }

    #[test]
    fn the_same_secret_is_the_same_key_in_each_version_of_this_software() {
        let key = CredentialKey::derived_from("0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(key.id(), "d478a3f4b61d6c61");
        assert_eq!(key.open("ZKiczs3h6xgI9ohFaWL1RTr_l8tvI8XWhiUm0dkvFZI", "place").as_deref(), Some("text"));
        assert_eq!(format!("{key:?}"), format!("CredentialKey {{ id: {:?}, .. }}", key.id()));
    }

    #[test]
    fn places_that_only_look_alike_are_different() {
        let mut places = Vec::new();
        for (task, id, url) in [("a", "bc", "d"), ("ab", "c", "d"), ("a", "b", "cd"), ("a", "b", "c")] {
            let mut config = TaskPushNotificationConfig {
                url: url.into(),
                id: Some(id.into()),
                task_id: "whatever".into(),
                token: Some("t".into()),
                authentication: Some(protocol::types::AuthenticationInfo { scheme: "Bearer".into(), credentials: Some("c".into()) }),
                tenant: None,
            };
            places.extend(credentials(task, &mut config).map(|(place, _)| place));
        }
        assert_eq!(places.len(), 8);
        places.sort();
        places.dedup();
        assert_eq!(places.len(), 8);
    }
}
