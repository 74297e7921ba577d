//! Who calls, and under which circumstances.

use std::time::Duration;

use protocol::Dialect;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// An identity with its role, established before the engine is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Owner of what it makes; the same for all anonymous callers.
    pub owner: String,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    /// Someone without credentials.
    pub fn anonymous() -> Self {
        Caller { owner: "anonymous".into(), role: Role::Public }
    }

    /// Whether credentials were shown and held.
    pub fn is_authenticated(&self) -> bool {
        self.role != Role::Public
    }
}

/// The roles (see the table in `guard`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// No credentials.
    Public,
    /// A user.
    Authenticated,
    /// An operator.
    Admin,
    /// A machine of the operator's.
    System,
}

impl Role {
    /// As in tokens and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Public => "public",
            Role::Authenticated => "authenticated",
            Role::Admin => "admin",
            Role::System => "system",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "public" => Ok(Role::Public),
            "authenticated" => Ok(Role::Authenticated),
            "admin" => Ok(Role::Admin),
            "system" => Ok(Role::System),
            other => Err(format!("`{other}` is no role (public, authenticated, admin, system)")),
        }
    }
}

/// Everything about a call but its parameters.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// Who calls.
    pub caller: Caller,
    /// The agent in the path or the params; `None` for the default tenant.
    pub tenant: Option<String>,
    /// Stored with what the call makes.
    pub dialect: Dialect,
    /// URIs in `A2A-Extensions`.
    pub extensions: Vec<String>,
    /// `Last-Event-ID` of a client that resumes a stream.
    pub last_event_id: Option<u64>,
    /// How long a blocking call may take from now.
    pub time_left: Duration,
    /// How long a stream may last from now; `None` where nothing bounds it.
    pub stream_left: Option<Duration>,
    /// The trace that what the call brings about is part of, as W3C's `traceparent`; `None` for none.
    pub traceparent: Option<String>,
}

impl CallContext {
    /// How long a blocking call waits at most: what is left less a margin in which to answer, a tenth of it but a second at most.
    pub(crate) fn patience(&self) -> Duration {
        less_a_margin(self.time_left)
    }

    /// When a stream ends at the latest, with the same margin in which to say so.
    pub(crate) fn stream_until(&self) -> Option<Instant> {
        self.stream_left.map(|left| Instant::now() + less_a_margin(left))
    }
}

fn less_a_margin(time: Duration) -> Duration {
    time - (time / 10).min(Duration::from_secs(1))
}
