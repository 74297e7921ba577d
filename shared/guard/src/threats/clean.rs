//! Values that were searched before and found clean: clients send the same headers with each of their requests.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{Context, Threat, inspect};

/// So many values are remembered, 8 KB of hashes; one more takes the place of another.
const SLOTS: usize = 1_024;

/// What is remembered of values that name something: a hash of 63 bits under a key of this process, which nobody outside can aim at.
pub struct CleanValues {
    hasher: RandomState,
    slots: Box<[AtomicU64]>,
}

impl Default for CleanValues {
    fn default() -> Self {
        CleanValues { hasher: RandomState::new(), slots: (0..SLOTS).map(|_| AtomicU64::default()).collect() }
    }
}

impl CleanValues {
    /// As [`inspect`] of a name, but doesn't search again what was clean before.
    pub fn inspect(&self, value: &[u8]) -> Option<Threat> {
        // Never that of an empty slot.
        let hash = self.hasher.hash_one(value) | 1;
        let slot = &self.slots[(hash >> 1) as usize % SLOTS];
        if slot.load(Ordering::Relaxed) == hash {
            return None;
        }
        let threat = inspect(&String::from_utf8_lossy(value), Context::Name);
        if threat.is_none() {
            slot.store(hash, Ordering::Relaxed);
        }
        threat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered(values: &CleanValues) -> usize {
        values.slots.iter().filter(|slot| slot.load(Ordering::Relaxed) != 0).count()
    }

    #[test]
    fn what_was_clean_is_remembered_and_what_was_not_is_found_each_time() {
        let values = CleanValues::default();
        for _ in 0..2 {
            assert_eq!(values.inspect(b"application/json"), None);
            assert_eq!(values.inspect(b"text/event-stream, application/json;q=0.9"), None);
            assert_eq!(values.inspect(b"${jndi:ldap://x/a}"), inspect("${jndi:ldap://x/a}", Context::Name));
            assert!(values.inspect(b"${jndi:ldap://x/a}").is_some());
        }
        assert_eq!(remembered(&values), 2);
    }

    #[test]
    fn no_more_than_1024_values_are_remembered() {
        let values = CleanValues::default();
        for number in 0..20_000 {
            assert_eq!(values.inspect(format!("client {number}").as_bytes()), None);
        }
        assert_eq!((remembered(&values), SLOTS), (1_024, 1_024));
    }
}
