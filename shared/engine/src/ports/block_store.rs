//! Keeps which addresses showed wrong credentials lately, and which are blocked.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::StoreError;

/// What is known of an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offender {
    /// As `guard::Address` writes it.
    pub address: String,
    /// How often it was changed: each change is made to the one before.
    pub version: u64,
    /// When wrong credentials came from there lately, the oldest first.
    pub failures: Vec<DateTime<Utc>>,
    /// The latest block, over or not.
    pub block: Option<Block>,
    /// How often in a row it was blocked.
    pub blocks: u32,
    /// From then on nothing of this counts any more.
    pub forget_at: DateTime<Utc>,
}

/// Why and for how long nobody there is heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Its beginning.
    pub since: DateTime<Utc>,
    /// Its end.
    pub until: DateTime<Utc>,
    /// For operators.
    pub reason: String,
    /// Wrong credentials that led to it; none where an admin blocked the address.
    pub failures: u32,
}

impl Offender {
    /// Until when it is blocked, if it is.
    pub fn blocked_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.block.as_ref().map(|block| block.until).filter(|until| *until > now)
    }
}

/// Where they are. All methods fail with [`StoreError::Unavailable`] while the database is away.
#[async_trait]
pub trait BlockStore: Send + Sync + 'static {
    /// What is known of an address; perhaps of one that can be forgotten.
    async fn offender(&self, address: &str) -> Result<Option<Offender>, StoreError>;

    /// Puts it in place of the version before (of version 1: where there is none); `false` where that isn't there, and nothing is changed. Others that
    /// could be forgotten at `now` may be.
    async fn put_offender(&self, offender: &Offender, now: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Those who are blocked, the latest block first.
    async fn blocked(&self, now: DateTime<Utc>) -> Result<Vec<Offender>, StoreError>;

    /// Forgets an address; whether it was known.
    async fn forget_offender(&self, address: &str) -> Result<bool, StoreError>;
}
