//! Keeps what happened that bears on security: who did what, from where, and what came of it. Never a credential nor a message's text.

use std::borrow::Cow;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::StoreError;

/// Something that happened, once or several times alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// When it happened first, in whole milliseconds.
    pub time: DateTime<Utc>,
    /// Tells it from others of the same millisecond, in whose order it stands.
    pub id: String,
    /// What it was.
    #[serde(rename = "type")]
    pub kind: AuditKind,
    /// How much it matters.
    pub level: AuditLevel,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// Who did it: an owner or the id of an API key, `anonymous`, or `cli`.
    pub subject: String,
    /// From where; `None` on the command line.
    pub address: Option<String>,
    /// In which request, the first of several.
    pub request_id: Option<String>,
    /// The method or the place that the request was for.
    pub method: Cow<'static, str>,
    /// What it was done to: the id of an API key, an address.
    pub object: Option<String>,
    /// More of it, in fixed words.
    pub detail: Cow<'static, str>,
    /// How often it happened.
    pub count: u32,
}

impl AuditRecord {
    /// Its place among all.
    pub fn place(&self) -> AuditPlace {
        AuditPlace { time: self.time, id: self.id.clone() }
    }
}

/// Gives an enum its words, in JSON, in the store and in filters.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Each of them.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word),+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().copied().find(|known| known.as_str() == word);
                found.ok_or_else(|| format!("`{word}` is none of {}", Self::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", ")))
            }
        }
    };
}

words! {
    /// What happened.
    AuditKind {
        /// Somebody showed credentials, or should have.
        Authentication = "authentication",
        /// Somebody asked for what their role doesn't allow.
        Denial = "denial",
        /// Somebody asked too often.
        Limit = "limit",
        /// An address was blocked.
        Block = "block",
        /// A block was lifted.
        Unblock = "unblock",
        /// An API key was made.
        KeyCreated = "key-created",
        /// An API key got another secret.
        KeyRotated = "key-rotated",
        /// An API key was revoked.
        KeyRevoked = "key-revoked",
        /// An admin looked at something.
        AdminRead = "admin-read",
        /// A request looked like an attack.
        Threat = "threat",
    }
}

words! {
    /// How much it matters.
    AuditLevel {
        /// As it should be.
        Info = "info",
        /// Worth counting.
        Low = "low",
        /// Worth a look.
        Medium = "medium",
        /// Worth looking at now.
        High = "high",
    }
}

words! {
    /// What came of it.
    AuditOutcome {
        /// It went on.
        Allowed = "allowed",
        /// It didn't.
        Refused = "refused",
        /// Something was changed.
        Done = "done",
    }
}

/// A record's place: the latest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPlace {
    /// [`AuditRecord::time`].
    pub time: DateTime<Utc>,
    /// [`AuditRecord::id`].
    pub id: String,
}

/// Which records to list: those to which all that is set applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Earlier than this time.
    pub to: Option<DateTime<Utc>>,
    /// Of this kind.
    pub kind: Option<AuditKind>,
    /// Of this subject.
    pub subject: Option<String>,
}

/// Some of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The latest first; perhaps fewer than were asked for, or none, where there are more all the same.
    pub records: Vec<AuditRecord>,
    /// After which place the next page begins; `None` where this is the last.
    pub next: Option<AuditPlace>,
}

/// What happened in some time at levels above [`AuditLevel::Info`], counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditSummary {
    /// Ordered by what they count.
    pub counts: Vec<AuditCount>,
    /// The addresses that most came from, with how many; the greatest first.
    pub addresses: Vec<(String, u64)>,
}

/// How often something happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "as in `AuditRecord`")]
pub struct AuditCount {
    pub kind: AuditKind,
    pub detail: String,
    pub level: AuditLevel,
    pub outcome: AuditOutcome,
    pub count: u64,
}

/// Where they are. All methods fail with [`StoreError::Unavailable`] while the database is away.
#[async_trait]
pub trait AuditLog: Send + Sync + 'static {
    /// Adds these records, at most [`MOST_AT_ONCE`]; those that are there already stay as they are.
    async fn record(&self, records: &[AuditRecord]) -> Result<(), StoreError>;

    /// At most `limit` records, those after the place `after`.
    async fn list(&self, filter: &AuditFilter, after: Option<&AuditPlace>, limit: u32) -> Result<AuditPage, StoreError>;

    /// Counts what happened from a time on, with at most so many addresses.
    async fn summary(&self, from: DateTime<Utc>, addresses: u32) -> Result<AuditSummary, StoreError>;

    /// Deletes records of before a time, at most `limit`; says how many.
    async fn delete_before(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}

/// Records in one batch.
pub const MOST_AT_ONCE: usize = 100;
