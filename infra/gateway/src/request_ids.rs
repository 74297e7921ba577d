//! Ids of requests: unique, and cheap enough to give one to each.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};

/// Half of an id is this process's, drawn at random; the other half counts.
pub struct RequestIds {
    process: u64,
    count: AtomicU64,
}

impl RequestIds {
    /// Ids that no other process gives.
    pub fn new() -> Self {
        RequestIds { process: Uuid::new_v4().as_u64_pair().0, count: AtomicU64::new(0) }
    }

    /// In the form of API Gateway's, a UUID.
    pub fn next(&self) -> String {
        let count = u128::from(self.count.fetch_add(1, Ordering::Relaxed));
        Builder::from_custom_bytes((u128::from(self.process) << 64 | count).to_be_bytes()).into_uuid().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_and_differ_within_and_between_processes() {
        let (one, other) = (RequestIds::new(), RequestIds::new());
        let ids = [one.next(), one.next(), other.next(), other.next()];
        assert!(ids.iter().all(|id| Uuid::parse_str(id).is_ok()), "{ids:?}");
        assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 4);
    }
}
