//! Quotas in Redis: one number for each, changed by one script, by the clock of Redis.

use async_trait::async_trait;
use events::RedisLink;
use guard::{QuotasAway, Rate, SharedQuotas, Standing};
use redis::{RedisResult, Script};
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
}

#[async_trait]
impl SharedQuotas for RedisQuotas {
    async fn take(&self, client: &str, quota: &str, rate: Rate, requests: u32) -> Result<Standing, QuotasAway> {
        let mut connection = self.link.connection().await.ok_or(QuotasAway)?;
        let mut take = self.script.key(self.key(client, quota));
        take.arg(rate.cost(requests)).arg(rate.depth());
        let taken: RedisResult<(i64, i64)> = take.invoke_async(&mut connection).await;
        let (full_after, passes_after) = taken.map_err(|error| {
            tracing::debug!(%error, "a quota can't be had");
            self.link.suspect();
            QuotasAway
        })?;
        Ok(Standing { rate, full_after, passes_after })
    }
}
