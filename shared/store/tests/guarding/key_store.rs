//! What every store of API keys must do.

use std::sync::Arc;

use chrono::DateTime;
use engine::{
    Role,
    ports::{ApiKey, KeyStore},
};
use futures::future::join_all;

/// The store under test.
type Store = Arc<dyn KeyStore>;

every_backend! {
    a_key_is_found_by_its_digest_as_it_was_added,
    an_id_or_a_digest_is_there_once,
    keys_are_listed_the_oldest_first,
    a_revoked_key_stays_and_never_changes_again,
    a_rotated_key_is_found_by_its_new_digest_alone,
    of_many_who_rotate_a_key_one_wins,
}

fn key(id: &str, digest: &str) -> ApiKey {
    ApiKey {
        id: id.into(),
        digest: digest.repeat(64),
        name: format!("the key \"{id}\" of Zoë"),
        role: Role::System,
        created_at: DateTime::from_timestamp_millis(1_000_001).unwrap(),
        expires_at: DateTime::from_timestamp_millis(2_000_002).unwrap(),
        revoked_at: None,
        rate_limit_per_minute: Some(u32::MAX),
    }
}

async fn a_key_is_found_by_its_digest_as_it_was_added(store: Store) {
    let (limited, free) = (key("a", "1"), ApiKey { rate_limit_per_minute: None, role: Role::Authenticated, ..key("b", "2") });
    for key in [&limited, &free] {
        assert!(store.add_key(key).await.unwrap());
        assert_eq!(store.key_of_digest(&key.digest).await.unwrap().as_ref(), Some(key));
    }
    assert_eq!(store.key_of_digest(&"3".repeat(64)).await.unwrap(), None);
    assert_eq!(store.key_of_digest("").await.unwrap(), None);
}

async fn an_id_or_a_digest_is_there_once(store: Store) {
    assert!(store.add_key(&key("a", "1")).await.unwrap());
    for other in [key("a", "2"), key("b", "1"), key("a", "1")] {
        assert!(!store.add_key(&other).await.unwrap(), "{other:?}");
    }
    assert_eq!(store.keys().await.unwrap(), [key("a", "1")]);
}

async fn keys_are_listed_the_oldest_first(store: Store) {
    assert_eq!(store.keys().await.unwrap(), []);
    let later = ApiKey { created_at: DateTime::from_timestamp_millis(1_000_002).unwrap(), ..key("a", "1") };
    for key in [&later, &key("c", "2"), &key("b", "3")] {
        assert!(store.add_key(key).await.unwrap());
    }
    assert_eq!(store.keys().await.unwrap(), [key("b", "3"), key("c", "2"), later]);
}

async fn a_revoked_key_stays_and_never_changes_again(store: Store) {
    let (first, other) = (key("a", "1"), key("b", "2"));
    assert!(store.add_key(&first).await.unwrap() && store.add_key(&other).await.unwrap());
    let revoked = ApiKey { revoked_at: DateTime::from_timestamp_millis(1_500_000), ..first.clone() };
    assert!(store.replace_key(&first.digest, &revoked).await.unwrap());
    assert_eq!(store.key_of_digest(&first.digest).await.unwrap().as_ref(), Some(&revoked));
    assert!(!store.replace_key(&first.digest, &first).await.unwrap());
    assert_eq!(store.keys().await.unwrap(), [revoked, other]);
    assert!(!store.replace_key(&first.digest, &key("missing", "1")).await.unwrap());
}

async fn a_rotated_key_is_found_by_its_new_digest_alone(store: Store) {
    assert!(store.add_key(&key("a", "1")).await.unwrap());
    let rotated = key("a", "2");
    assert!(store.replace_key(&key("a", "1").digest, &rotated).await.unwrap());
    assert_eq!(store.key_of_digest(&key("a", "1").digest).await.unwrap(), None);
    assert_eq!(store.key_of_digest(&rotated.digest).await.unwrap().as_ref(), Some(&rotated));
    assert_eq!(store.keys().await.unwrap(), [rotated]);
    assert!(!store.replace_key(&key("a", "1").digest, &key("a", "3")).await.unwrap(), "who knows an old digest is too late");
}

async fn of_many_who_rotate_a_key_one_wins(store: Store) {
    let first = key("a", "0");
    assert!(store.add_key(&first).await.unwrap());
    let digits = ["1", "2", "3", "4", "5"];
    let outcomes = join_all(digits.map(|digit| {
        let (store, old) = (store.clone(), first.digest.clone());
        async move { store.replace_key(&old, &key("a", digit)).await.unwrap() }
    }))
    .await;
    let winners: Vec<_> = digits.iter().zip(outcomes).filter(|(_, won)| *won).map(|(digit, _)| key("a", digit)).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(store.keys().await.unwrap(), winners);
}
