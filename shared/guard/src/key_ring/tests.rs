//! Facts of API keys, over a store in memory.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::*;

#[derive(Default)]
struct InMemory {
    keys: Mutex<Vec<ApiKey>>,
    reads: AtomicUsize,
}

#[async_trait]
impl KeyStore for InMemory {
    async fn add_key(&self, key: &ApiKey) -> Result<bool, StoreError> {
        self.keys.lock().push(key.clone());
        Ok(true)
    }

    async fn key_of_digest(&self, digest: &str) -> Result<Option<ApiKey>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        Ok(self.keys.lock().iter().find(|key| key.digest == digest).cloned())
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        Ok(self.keys.lock().clone())
    }

    async fn replace_key(&self, digest: &str, new: &ApiKey) -> Result<bool, StoreError> {
        let mut keys = self.keys.lock();
        let found = keys.iter_mut().find(|key| key.id == new.id && key.digest == digest && key.revoked_at.is_none());
        Ok(found.map(|key| *key = new.clone()).is_some())
    }
}

fn ring() -> (Arc<InMemory>, KeyRing) {
    let store = Arc::new(InMemory::default());
    (store.clone(), KeyRing::new(store))
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
}

fn new(name: &str) -> NewKey {
    NewKey { name: name.into(), role: Role::Authenticated, days: 1, rate_limit_per_minute: None }
}

#[tokio::test]
async fn a_key_is_shown_once_and_only_its_digest_is_kept() {
    let (store, ring) = ring();
    let issued = ring.create(NewKey { role: Role::Admin, rate_limit_per_minute: Some(600), ..new("  ci  ") }, at(0)).await.unwrap();
    let random = issued.secret.strip_prefix("a2a_").unwrap();
    assert!(random.len() == 32 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{random}");
    let kept = format!("{:?}", store.keys.lock());
    assert!(!kept.contains(random) && kept.contains(&hex_digest(&issued.secret)), "{kept}");
    assert_eq!((issued.key.name.as_str(), issued.key.rate_limit_per_minute), ("ci", Some(600)));
    let bearer = ring.bearer(&issued.secret, at(1)).await.unwrap();
    let caller = Caller { owner: format!("key:{}", issued.key.id), role: Role::Admin };
    assert_eq!(bearer, Some(Identity { caller, own_limit: Some(600) }));
}

#[tokio::test]
async fn no_two_keys_are_alike() {
    let (_, ring) = ring();
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let issued = ring.create(new("k"), at(0)).await.unwrap();
        assert!(seen.insert(issued.secret) && seen.insert(issued.key.id));
    }
}

#[test]
fn every_character_of_a_key_is_as_likely_as_any_other() {
    let text = random(62_000, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz").unwrap();
    for character in ('0'..='9').chain('A'..='Z').chain('a'..='z') {
        let count = text.chars().filter(|c| *c == character).count();
        // A thousand, give or take seven standard deviations.
        assert!((780..=1_220).contains(&count), "`{character}` {count} times");
    }
}

#[tokio::test]
async fn a_key_costs_one_read_in_five_seconds() {
    let (store, ring) = ring();
    let secret = ring.create(new("k"), at(0)).await.unwrap().secret;
    for second in [0, 0, 1, 4] {
        assert!(ring.bearer(&secret, at(second)).await.unwrap().is_some());
    }
    assert_eq!(store.reads.load(Ordering::SeqCst), 1);
    assert!(ring.bearer(&secret, at(5)).await.unwrap().is_some());
    assert_eq!(store.reads.load(Ordering::SeqCst), 2);
    // A wrong key costs as much, and what is no key nothing.
    let wrong = format!("a2a_{}", "x".repeat(32));
    for text in [wrong.as_str(), &wrong, "a2a_short", "", "x", &format!("{wrong}x"), &format!("a2a_{}", "é".repeat(16))] {
        assert_eq!(ring.bearer(text, at(5)).await.unwrap(), None, "{text}");
    }
    assert_eq!(store.reads.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_key_holds_until_it_expires_though_it_is_believed() {
    let (_, ring) = ring();
    let secret = ring.create(new("k"), at(0)).await.unwrap().secret;
    assert!(ring.bearer(&secret, at(86_399)).await.unwrap().is_some());
    assert!(ring.bearer(&secret, at(86_400)).await.unwrap().is_none());
    let over = ring.create(NewKey { days: 0, ..new("k") }, at(0)).await.unwrap().secret;
    assert!(ring.bearer(&over, at(0)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_revoked_key_is_worth_nothing_here_at_once_and_elsewhere_within_five_seconds() {
    let (store, ring) = ring();
    let elsewhere = KeyRing::new(store);
    let IssuedKey { secret, key } = ring.create(new("k"), at(0)).await.unwrap();
    assert!(ring.bearer(&secret, at(0)).await.unwrap().is_some() && elsewhere.bearer(&secret, at(0)).await.unwrap().is_some());
    assert_eq!(ring.revoke(&key.id, at(1)).await.unwrap().revoked_at, Some(at(1)));
    assert!(ring.bearer(&secret, at(1)).await.unwrap().is_none());
    assert!(elsewhere.bearer(&secret, at(5)).await.unwrap().is_none());
    assert!(matches!(ring.revoke(&key.id, at(2)).await, Err(KeyError::NotFound(_))));
    assert!(matches!(ring.rotate(&key.id, at(2)).await, Err(KeyError::NotFound(_))));
}

#[tokio::test]
async fn a_rotated_key_has_the_same_owner_and_another_secret() {
    let (_, ring) = ring();
    let first = ring.create(NewKey { rate_limit_per_minute: Some(5), ..new("ci") }, at(0)).await.unwrap();
    let owner = ring.bearer(&first.secret, at(0)).await.unwrap();
    let second = ring.rotate("ci", at(100)).await.unwrap();
    assert_eq!(ring.bearer(&first.secret, at(100)).await.unwrap(), None);
    assert_eq!(ring.bearer(&second.secret, at(100)).await.unwrap(), owner);
    assert_eq!((second.key.rate_limit_per_minute, second.key.expires_at), (Some(5), at(100 + 86_400)));
    assert_eq!(ring.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_is_called_by_its_name_where_that_is_enough() {
    let (_, ring) = ring();
    let one = ring.create(new("ci"), at(0)).await.unwrap().key;
    let other = ring.create(new("ci"), at(0)).await.unwrap().key;
    assert!(matches!(ring.revoke("ci", at(1)).await, Err(KeyError::Ambiguous(_))));
    assert!(matches!(ring.revoke("c", at(1)).await, Err(KeyError::NotFound(_))));
    assert_eq!(ring.revoke(&one.id, at(1)).await.unwrap().id, one.id);
    assert_eq!(ring.revoke("ci", at(1)).await.unwrap().id, other.id);
    assert!(!ring.has_keys(at(1)).await.unwrap());
}

#[tokio::test]
async fn what_can_not_be_made_says_which_field() {
    let (_, ring) = ring();
    for (wrong, named) in [
        (new(""), "name"),
        (new(" \t"), "name"),
        (new("a\nb"), "name"),
        (new(&"x".repeat(101)), "name"),
        (NewKey { role: Role::Public, ..new("k") }, "role"),
        (NewKey { days: 3_651, ..new("k") }, "expiresDays"),
        (NewKey { rate_limit_per_minute: Some(0), ..new("k") }, "rateLimitPerMinute"),
    ] {
        assert!(matches!(ring.create(wrong.clone(), at(0)).await, Err(KeyError::Invalid { field, .. }) if field == named), "{wrong:?}");
    }
    assert!(ring.create(NewKey { days: 3_650, ..new(&"ü".repeat(100)) }, at(0)).await.is_ok());
}

#[tokio::test]
async fn there_are_a_thousand_keys_in_use_at_most() {
    let (store, ring) = ring();
    let one = ring.create(new("k"), at(0)).await.unwrap().key;
    store.keys.lock().extend((1..MAX_KEYS).map(|n| ApiKey { id: n.to_string(), digest: n.to_string(), ..one.clone() }));
    assert!(matches!(ring.create(new("k"), at(0)).await, Err(KeyError::Invalid { .. })));
    assert!(ring.create(new("k"), at(86_400)).await.is_ok(), "those have expired");
    assert_eq!(MAX_KEYS, 1_000);
}
