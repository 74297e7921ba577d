//! API keys that operators make: each is shown once, and known by its digest from then on.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    Caller, Role,
    ports::{ApiKey, KeyStore, StoreError},
};
use parking_lot::RwLock;
use quick_cache::sync::Cache;
use ring::rand::{SecureRandom, SystemRandom};

use crate::{Identity, secret::hex_digest};

/// What every key begins with.
pub const KEY_PREFIX: &str = "a2a_";
/// So many random letters and digits follow, of 62: 190 bits.
pub const KEY_CHARACTERS: usize = 32;
/// How long a process believes what it has read of a key. A revoked one lets nobody in any more after that.
pub const KEY_BELIEVED_FOR: TimeDelta = TimeDelta::seconds(5);
/// Keys that a process knows at a time, guesses among them.
const MAX_KNOWN: usize = 10_000;
/// The most keys at a time that are neither expired nor revoked.
pub const MAX_KEYS: usize = 1_000;
/// The longest time for which a key can be made.
pub const MAX_KEY_DAYS: u32 = 3_650;
/// The time for which a key is made where nobody says another.
pub const DEFAULT_KEY_DAYS: u32 = 90;
/// The most characters of a key's name.
const MAX_NAME_CHARACTERS: usize = 100;

/// What a new key shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What operators call it: 1 to 100 characters, none of them a control character.
    pub name: String,
    /// What it allows; not [`Role::Public`].
    pub role: Role,
    /// Days from now until it expires, at most [`MAX_KEY_DAYS`]. A key with none has expired at once.
    pub days: u32,
    /// Requests that its bearer may make in a minute, at least 1; `None` for what everyone may.
    pub rate_limit_per_minute: Option<u32>,
}

/// Why a key isn't made, changed or told.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A field that can't be used.
    #[error("{field}: {description}")]
    Invalid {
        /// As in the specification's JSON.
        field: &'static str,
        /// What is wrong, and what would be right.
        description: String,
    },
    /// No key that can be used has this id or name.
    #[error("there is no API key `{0}` that is in use")]
    NotFound(String),
    /// Several keys have this name.
    #[error("several API keys are called `{0}`: say which by its id")]
    Ambiguous(String),
    /// Somebody else changed it at the same moment.
    #[error("the API key was changed at the same moment: look at it again")]
    Changed,
    /// There is no randomness to be had.
    #[error("no key could be made")]
    NotMade,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A key with what nobody will see again.
#[derive(Debug)]
pub struct IssuedKey {
    /// The key itself.
    pub secret: String,
    /// What is kept.
    pub key: ApiKey,
}

#[derive(Clone)]
struct Known {
    key: Option<Arc<ApiKey>>,
    read_at: DateTime<Utc>,
}

#[derive(Clone, Copy)]
struct HasKeys {
    any: bool,
    read_at: DateTime<Utc>,
}

/// All API keys of a database. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing {
    store: Arc<dyn KeyStore>,
    /// By digest, so that neither the keys themselves lie about nor the time of a look tells anything of them.
    known: Arc<Cache<String, Known>>,
    /// Whether there is a key in use.
    has_keys: Arc<RwLock<Option<HasKeys>>>,
}

impl KeyRing {
    /// The keys in this store.
    pub fn new(store: Arc<dyn KeyStore>) -> Self {
        KeyRing { store, known: Arc::new(Cache::new(MAX_KNOWN)), has_keys: Arc::default() }
    }

    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError::Invalid`], or what the database says.
    pub async fn create(&self, new: NewKey, now: DateTime<Utc>) -> Result<IssuedKey, KeyError> {
        let expires_at = check(&new, now)?;
        if self.store.keys().await?.iter().filter(|key| key.holds(now)).count() >= MAX_KEYS {
            return Err(invalid("name", format!("there are {MAX_KEYS} keys in use: revoke some")));
        }
        let secret = secret()?;
        let key = ApiKey {
            id: random(12, b"0123456789abcdef")?,
            digest: hex_digest(&secret),
            name: new.name.trim().to_owned(),
            role: new.role,
            created_at: now,
            expires_at,
            revoked_at: None,
            rate_limit_per_minute: new.rate_limit_per_minute,
        };
        let added = self.store.add_key(&key).await?;
        *self.has_keys.write() = None;
        if added { Ok(IssuedKey { secret, key }) } else { Err(KeyError::Changed) }
    }

    /// All keys, the oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list(&self) -> Result<Vec<ApiKey>, KeyError> {
        Ok(self.store.keys().await?)
    }

    /// Makes a key worthless, here at once and elsewhere within [`KEY_BELIEVED_FOR`]. It is named by its id, or by its name where no other in use has it.
    ///
    /// # Errors
    /// [`KeyError::NotFound`], [`KeyError::Ambiguous`], or what the database says.
    pub async fn revoke(&self, named: &str, now: DateTime<Utc>) -> Result<ApiKey, KeyError> {
        let key = self.named(named).await?;
        let revoked = ApiKey { revoked_at: Some(now), ..key.clone() };
        self.replace(&key, &revoked).await?;
        Ok(revoked)
    }

    /// Puts a new secret in place of a key's old one, which is worthless then as a revoked key is. Everything else stays, but a key that has expired
    /// holds as long again as it did.
    ///
    /// # Errors
    /// As [`Self::revoke`].
    pub async fn rotate(&self, named: &str, now: DateTime<Utc>) -> Result<IssuedKey, KeyError> {
        let (key, secret) = (self.named(named).await?, secret()?);
        let new = ApiKey { digest: hex_digest(&secret), created_at: now, expires_at: now + (key.expires_at - key.created_at), ..key.clone() };
        self.replace(&key, &new).await?;
        Ok(IssuedKey { secret, key: new })
    }

    /// Whether anyone could be let in by a key; as it was within [`KEY_BELIEVED_FOR`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn has_keys(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let known = *self.has_keys.read();
        if let Some(known) = known.filter(|known| is_believed(known.read_at, now)) {
            return Ok(known.any);
        }
        let any = self.store.keys().await?.iter().any(|key| key.holds(now));
        *self.has_keys.write() = Some(HasKeys { any, read_at: now });
        Ok(any)
    }

    /// Whether it is a key of ours, though it may have expired or been revoked; `false` where that can't be told.
    pub(crate) async fn knew(&self, text: &str, now: DateTime<Utc>) -> bool {
        looks_like_a_key(text) && self.kept(text, now).await.is_ok_and(|key| key.is_some())
    }

    /// Who bears this key; `None` for what is no key of ours, or one that expired or was revoked.
    pub(crate) async fn bearer(&self, text: &str, now: DateTime<Utc>) -> Result<Option<Identity>, StoreError> {
        if !looks_like_a_key(text) {
            return Ok(None);
        }
        let key = self.kept(text, now).await?;
        Ok(key
            .filter(|key| key.holds(now))
            .map(|key| Identity { caller: Caller { owner: ["key:", &key.id].concat(), role: key.role }, own_limit: key.rate_limit_per_minute }))
    }

    /// What is kept of a key, as it was within [`KEY_BELIEVED_FOR`].
    async fn kept(&self, text: &str, now: DateTime<Utc>) -> Result<Option<Arc<ApiKey>>, StoreError> {
        let digest = hex_digest(text);
        if let Some(known) = self.known.get(&digest).filter(|known| is_believed(known.read_at, now)) {
            return Ok(known.key);
        }
        let key = self.store.key_of_digest(&digest).await?.map(Arc::new);
        self.known.insert(digest, Known { key: key.clone(), read_at: now });
        Ok(key)
    }

    async fn replace(&self, old: &ApiKey, new: &ApiKey) -> Result<(), KeyError> {
        let replaced = self.store.replace_key(&old.digest, new).await?;
        self.known.remove(&old.digest);
        *self.has_keys.write() = None;
        if replaced { Ok(()) } else { Err(KeyError::Changed) }
    }

    async fn named(&self, named: &str) -> Result<ApiKey, KeyError> {
        let mut keys = self.store.keys().await?;
        keys.retain(|key| key.revoked_at.is_none());
        if let Some(number) = keys.iter().position(|key| key.id == named) {
            return Ok(keys.swap_remove(number));
        }
        let mut of_that_name = keys.into_iter().filter(|key| key.name == named);
        match (of_that_name.next(), of_that_name.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(KeyError::NotFound(named.to_owned())),
            _ => Err(KeyError::Ambiguous(named.to_owned())),
        }
    }
}

fn is_believed(read_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    read_at <= now && now - read_at < KEY_BELIEVED_FOR
}

/// Gives the time at which it would expire.
fn check(new: &NewKey, now: DateTime<Utc>) -> Result<DateTime<Utc>, KeyError> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARACTERS || name.contains(char::is_control) {
        return Err(invalid("name", format!("must have 1 to {MAX_NAME_CHARACTERS} characters, none of them a control character")));
    }
    if new.role == Role::Public {
        return Err(invalid("role", "must be authenticated, admin or system: nobody needs a key to be anonymous".to_owned()));
    }
    if new.rate_limit_per_minute == Some(0) {
        return Err(invalid("rateLimitPerMinute", "must be at least 1".to_owned()));
    }
    let expires_at = (new.days <= MAX_KEY_DAYS).then(|| now.checked_add_signed(TimeDelta::days(i64::from(new.days)))).flatten();
    expires_at.ok_or_else(|| invalid("expiresDays", format!("must be at most {MAX_KEY_DAYS}")))
}

fn invalid(field: &'static str, description: String) -> KeyError {
    KeyError::Invalid { field, description }
}

fn looks_like_a_key(text: &str) -> bool {
    text.strip_prefix(KEY_PREFIX).is_some_and(|rest| rest.len() == KEY_CHARACTERS && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn secret() -> Result<String, KeyError> {
    Ok(format!("{KEY_PREFIX}{}", random(KEY_CHARACTERS, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")?))
}

/// So many characters, each of these as likely as any other.
fn random(length: usize, alphabet: &[u8]) -> Result<String, KeyError> {
    // Bytes beyond the last whole multiple would make the first characters likelier.
    let fair = 256 / alphabet.len() * alphabet.len();
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 64];
        SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::NotMade)?;
        let characters =
            bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair).map(|byte| char::from(alphabet[byte % alphabet.len()]));
        text.extend(characters.take(length - text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
