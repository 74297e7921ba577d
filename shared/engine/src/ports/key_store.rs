//! Keeps API keys: never the keys themselves, only their digests.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::Role;

/// What is known of an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Names it, and the owner of what is made with it; stays when the key is rotated.
    pub id: String,
    /// SHA-256 of the key, in lowercase hexadecimal digits.
    pub digest: String,
    /// What operators call it.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From then on it is worth nothing.
    pub expires_at: DateTime<Utc>,
    /// Since then it is worth nothing.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Requests that its bearer may make in a minute; `None` for what everyone may.
    pub rate_limit_per_minute: Option<u32>,
}

impl ApiKey {
    /// Whether it lets its bearer in.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// Where they are. All methods fail with [`StoreError::Unavailable`] while the database is away.
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// Adds a key whose id and digest are new; `false` if one of them isn't, and nothing is changed.
    async fn add_key(&self, key: &ApiKey) -> Result<bool, StoreError>;

    /// The key of a digest, revoked and expired ones too.
    async fn key_of_digest(&self, digest: &str) -> Result<Option<ApiKey>, StoreError>;

    /// All keys, the oldest first.
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Puts `new` in place of the key of its id, if that has `digest` still and isn't revoked; `false` otherwise, and nothing is changed.
    async fn replace_key(&self, digest: &str, new: &ApiKey) -> Result<bool, StoreError>;
}
