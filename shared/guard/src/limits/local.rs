//! Quotas within this process.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
};

use parking_lot::Mutex;

use super::{Rate, Standing};

/// Clients whose hashes end alike share a lock.
const SHARDS: usize = 64;
/// Clients that are remembered, some 100,000 in all. Of more, those who asked least are forgotten.
const CLIENTS_OF_A_SHARD: usize = 1_600;

/// The quotas of clients that asked this process.
pub struct LocalQuotas {
    /// Keyed at random, so that nobody can choose a name that shares somebody's quota.
    hasher: RandomState,
    shards: [Mutex<HashMap<u64, i64>>; SHARDS],
}

impl Default for LocalQuotas {
    fn default() -> Self {
        LocalQuotas { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl LocalQuotas {
    /// Takes so many requests from what a client may. `quota` tells apart the quotas of one client; `now` is microseconds since 1970.
    pub fn take(&self, client: impl Hash, quota: &str, rate: Rate, requests: u32, now: i64) -> Standing {
        let hash = self.hasher.hash_one((client, quota));
        let mut shard = self.shards[hash as usize % SHARDS].lock();
        if let Some(known) = shard.get_mut(&hash) {
            let (ahead, standing) = rate.take(Some(*known), now, requests);
            *known = ahead;
            return standing;
        }
        let (ahead, standing) = rate.take(None, now, requests);
        shard.insert(hash, ahead);
        if shard.len() > CLIENTS_OF_A_SHARD {
            forget(&mut shard, now);
        }
        standing
    }

    /// How many clients are remembered.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether no client is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Forgets who has their whole burst again; of the others, where they are too many, the half that has most of it.
fn forget(clients: &mut HashMap<u64, i64>, now: i64) {
    clients.retain(|_, ahead| *ahead > now);
    if clients.len() > CLIENTS_OF_A_SHARD {
        let mut all: Vec<i64> = clients.values().copied().collect();
        let half = all.len() / 2;
        let median = *all.select_nth_unstable(half).1;
        clients.retain(|_, ahead| *ahead > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000_000;
    const RATE: Rate = Rate { per_minute: 60, burst: 10 };

    #[test]
    fn many_threads_share_one_quota_exactly() {
        let quotas = LocalQuotas::default();
        let passed: usize = std::thread::scope(|scope| {
            let asking = || (0..100).filter(|_| quotas.take("ann", "identity", RATE, 1, NOW).has_passed()).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(asking)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 10);
    }

    #[test]
    fn clients_are_forgotten_when_they_are_many_and_the_busiest_last() {
        let quotas = LocalQuotas::default();
        assert_eq!(quotas.take("busy", "address", RATE, 10, NOW).remaining(), 0);
        for client in 0..1_000_000 {
            quotas.take(client, "address", RATE, 1, NOW);
        }
        assert!(quotas.len() <= SHARDS * (CLIENTS_OF_A_SHARD + 1), "{}", quotas.len());
        assert!(!quotas.take("busy", "address", RATE, 1, NOW).has_passed(), "a flood of addresses must not give anyone a new burst");
    }
}
