//! How often who may ask. Whoever shows credentials that hold is counted by them, everybody else by their address.
//!
//! Processes that share a store of quotas share each quota exactly. While it is away, each of them counts for itself.

mod local;
mod rate;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use protocol::Method;

use crate::{Address, Turn, reach::Reach};

pub use local::LocalQuotas;
pub use rate::{MAX_RATE, Rate, Standing};

/// Of a client that is refused again and again, one refusal in so long is told to operators.
const TOLD: Rate = Rate { per_minute: 1, burst: 1 };

/// What clients may.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitSettings {
    /// Each address without credentials, and each identity that has no limit of its own; `None` for as often as they like.
    pub each: Option<Rate>,
    /// Each of them by single methods, on top of that.
    pub methods: Vec<(Method, Rate)>,
}

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client<'a> {
    /// Someone without credentials, or with wrong ones.
    Address(Address),
    /// Someone whose credentials held.
    Identity {
        /// Whose tasks these are.
        owner: &'a str,
        /// Requests a minute, in place of every other limit.
        own_limit: Option<u32>,
    },
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Which quota it was taken from, and what is left there. `None` where nothing limits the client.
    pub standing: Option<(&'static str, Standing)>,
    /// Whether the shared quotas went or came back with this request.
    pub turn: Option<Turn>,
}

/// Quotas that several processes share.
#[async_trait]
pub trait SharedQuotas: Send + Sync + 'static {
    /// Takes so many requests from what a client may, by the time of whoever keeps the quotas. `quota` tells apart the quotas of one client.
    async fn take(&self, client: &str, quota: &str, rate: Rate, requests: u32) -> Result<Standing, QuotasAway>;
}

/// Nobody says what is left of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the shared quotas are away")]
pub struct QuotasAway;

/// Counts requests.
pub struct Limits {
    settings: LimitSettings,
    local: LocalQuotas,
    shared: Option<Arc<dyn SharedQuotas>>,
    reach: Reach,
}

impl Limits {
    /// Counts in this process, and with others where they share quotas.
    pub fn new(settings: LimitSettings, shared: Option<Arc<dyn SharedQuotas>>) -> Self {
        Limits { settings, local: LocalQuotas::default(), shared, reach: Reach::default() }
    }

    /// Whether everybody is counted, and not only those with a limit of their own.
    pub fn count_everybody(&self) -> bool {
        self.settings.each.is_some()
    }

    /// So many requests of a client.
    pub async fn take(&self, client: Client<'_>, requests: u32, now: DateTime<Utc>) -> Taken {
        let (quota, rate) = match (client, self.settings.each) {
            (Client::Identity { own_limit: Some(own), .. }, _) => ("key", Rate::per_minute(own)),
            (Client::Identity { .. }, Some(rate)) => ("identity", rate),
            (Client::Address(_), Some(rate)) => ("address", rate),
            (_, None) => return Taken { standing: None, turn: None },
        };
        self.take_from(client, quota, rate, requests, now).await
    }

    /// A request for a method that has a limit of its own. Who has one of their own isn't held to it.
    pub async fn take_for(&self, method: Method, client: Client<'_>, now: DateTime<Utc>) -> Taken {
        let rate = self.settings.methods.iter().find(|(limited, _)| *limited == method).map(|(_, rate)| *rate);
        match (rate, client) {
            (None, _) | (_, Client::Identity { own_limit: Some(_), .. }) => Taken { standing: None, turn: None },
            (Some(rate), client) => self.take_from(client, method.name(), rate, 1, now).await,
        }
    }

    /// Whether operators should hear that this client was refused: once a minute for each client.
    pub fn is_worth_telling(&self, client: Client<'_>, now: DateTime<Utc>) -> bool {
        self.take_here(client, "told", TOLD, 1, now).has_passed()
    }

    async fn take_from(&self, client: Client<'_>, quota: &'static str, rate: Rate, requests: u32, now: DateTime<Utc>) -> Taken {
        let (shared, turn) = match &self.shared {
            // In a box: where nothing is shared, no request is to be as large.
            Some(shared) => Box::pin(self.take_there(&**shared, client, quota, rate, requests, now)).await,
            None => (None, None),
        };
        let standing = shared.unwrap_or_else(|| self.take_here(client, quota, rate, requests, now));
        Taken { standing: Some((quota, standing)), turn }
    }

    fn take_here(&self, client: Client<'_>, quota: &str, rate: Rate, requests: u32, now: DateTime<Utc>) -> Standing {
        let now = now.timestamp_micros();
        match client {
            Client::Address(address) => self.local.take(address, quota, rate, requests, now),
            Client::Identity { owner, .. } => self.local.take(owner, quota, rate, requests, now),
        }
    }

    async fn take_there(
        &self,
        shared: &dyn SharedQuotas,
        client: Client<'_>,
        quota: &str,
        rate: Rate,
        requests: u32,
        now: DateTime<Utc>,
    ) -> (Option<Standing>, Option<Turn>) {
        let address;
        let client = match client {
            Client::Address(from) => {
                address = from.to_string();
                &address
            }
            Client::Identity { owner, .. } => owner,
        };
        self.reach.ask(now, shared.take(client, quota, rate, requests)).await
    }
}

#[cfg(test)]
mod tests;
