//! Quotas in Redis: one number for each, changed by one script, by the clock of Redis. And flags of blocked addresses, which expire with the blocks.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use events::RedisLink;
use guard::{QuotasAway, Rate, SharedBlocks, SharedQuotas, Standing};
use redis::{AsyncCommands, RedisResult, Script, SetExpiry, SetOptions};
use sha2::{Digest, Sha256};

/// As [`Rate`] computes it, which a test holds it to. Numbers are written in full, because Lua would round microseconds since 1970.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, depth = tonumber(ARGV[1]), tonumber(ARGV[2])
local ahead = tonumber(redis.call('GET', KEYS[1]) or now)
ahead = math.min(math.max(ahead, now), now + depth)
local passes_after = math.max(ahead + cost - now - depth, 0)
if passes_after == 0 then
  ahead = ahead + cost
  redis.call('SET', KEYS[1], string.format('%.0f', ahead), 'PX', math.ceil((ahead - now) / 1000))
end
return {ahead - now, passes_after}
";

/// The flag of a blocked address beside its quotas.
const BLOCK: &str = "block";

/// Quotas of all who share this Redis and a namespace there.
pub struct RedisQuotas {
    link: RedisLink,
    namespace: String,
    script: Script,
}

impl RedisQuotas {
    /// Quotas by this link. Who has another namespace has other quotas, whatever their clients are called.
    pub fn new(link: RedisLink, namespace: &str) -> Self {
        RedisQuotas { link, namespace: namespace.to_owned(), script: Script::new(TAKE) }
    }

    /// All keys of a client have one hash tag. Digests, because names of clients may be long, hold braces, and are nobody's business there.
    fn key(&self, client: &str, quota: &str) -> String {
        let digest = Sha256::new().chain_update(&self.namespace).chain_update([0]).chain_update(client).finalize();
        let client: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("a2a:quota:{{{client}}}:{quota}")
    }

    /// What became of a command; a connection that failed is looked at.
    fn done<T>(&self, result: RedisResult<T>) -> Result<T, QuotasAway> {
        result.map_err(|error| {
            tracing::debug!(%error, "a quota or a block can't be had");
            self.link.suspect();
            QuotasAway
        })
    }
}

#[async_trait]
impl SharedQuotas for RedisQuotas {
    async fn take(&self, client: &str, quota: &str, rate: Rate, requests: u32) -> Result<Standing, QuotasAway> {
        let mut connection = self.link.connection().await.ok_or(QuotasAway)?;
        let mut take = self.script.key(self.key(client, quota));
        take.arg(rate.cost(requests)).arg(rate.depth());
        let (full_after, passes_after) = self.done(take.invoke_async(&mut connection).await)?;
        Ok(Standing { rate, full_after, passes_after })
    }
}

#[async_trait]
impl SharedBlocks for RedisQuotas {
    async fn blocked_until(&self, address: &str) -> Result<Option<DateTime<Utc>>, QuotasAway> {
        let mut connection = self.link.connection().await.ok_or(QuotasAway)?;
        let until: Option<i64> = self.done(connection.get(self.key(address, BLOCK)).await)?;
        Ok(until.and_then(DateTime::from_timestamp_millis))
    }

    async fn block(&self, address: &str, until: Option<DateTime<Utc>>) -> Result<(), QuotasAway> {
        let mut connection = self.link.connection().await.ok_or(QuotasAway)?;
        let key = self.key(address, BLOCK);
        self.done(match until.map(|until| until.timestamp_millis()) {
            Some(until) => {
                let expires = SetOptions::default().with_expiration(SetExpiry::PXAT(u64::try_from(until).unwrap_or(0)));
                connection.set_options(key, until, expires).await
            }
            None => connection.del(key).await,
        })
    }
}
