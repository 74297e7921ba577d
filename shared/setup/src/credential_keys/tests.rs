//! Which key seals, and which still opens.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering::SeqCst};

use super::*;
use crate::{
    Settings,
    secrets::testing::{change, keep, moto, nobody},
};

const TOKENS: &str = "the key of tokens, 32 bytes of it";
const FIRST: &str = "first-key-first-key-first-key-first";
const SECOND: &str = "second-key-second-key-second-key-sec";

/// A clock that a test moves, in seconds.
#[derive(Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + self.0.load(SeqCst), 0).unwrap()
    }
}

fn keys(variables: &[(&str, &str)], aws: AwsConfig, clock: &Arc<Hand>) -> KnownCredentialKeys {
    let security = Settings::from_vars(variables.iter().copied()).unwrap().security;
    let kept: KeptSecret = Box::new(|| Box::pin(async { Ok("kept-with-the-database-kept-with-the-".to_owned()) }));
    KnownCredentialKeys::new(&security, kept, aws, clock.clone())
}

async fn newest(keys: &KnownCredentialKeys) -> String {
    keys.newest().await.unwrap().id().to_owned()
}

#[tokio::test]
async fn the_operators_own_key_seals_or_that_of_tokens_or_the_databases() {
    let clock = Arc::default();
    let kept = newest(&keys(&[], nobody, &clock)).await;
    let tokens = newest(&keys(&[("A2A_SECRET_KEY", TOKENS)], nobody, &clock)).await;
    let all = keys(&[("A2A_SECRET_KEY", TOKENS), ("A2A_CREDENTIALS_KEY", &format!("{SECOND}, {FIRST}"))], nobody, &clock);
    let own = newest(&all).await;
    assert_eq!(own, CredentialKey::derived_from(SECOND).unwrap().id());
    for older in [&kept, &tokens, CredentialKey::derived_from(FIRST).unwrap().id()] {
        assert_ne!(&own, older);
        assert_eq!(all.of_id(older).await.unwrap().unwrap().id(), older);
    }
    assert!(all.of_id("0123456789abcdef").await.unwrap().is_none());
}

#[tokio::test]
async fn a_key_that_is_new_in_secrets_manager_seals_after_five_minutes_and_opens_at_once() {
    let arn = keep(FIRST).await;
    let clock = Arc::<Hand>::default();
    let keys = keys(&[("A2A_CREDENTIALS_KEY", &arn)], moto, &clock);
    let first = newest(&keys).await;
    change(&arn, &format!("{SECOND},{FIRST}")).await;
    let second = CredentialKey::derived_from(SECOND).unwrap().id().to_owned();
    assert_eq!(keys.of_id(&second).await.unwrap().unwrap().id(), second, "another process seals with it already");
    clock.0.store(299, SeqCst);
    assert_eq!(newest(&keys).await, first);
    clock.0.store(301, SeqCst);
    assert_eq!(newest(&keys).await, second);
    assert!(keys.of_id(&first).await.unwrap().is_some());
}

#[tokio::test]
async fn without_secrets_manager_nothing_is_sealed_with_another_key() {
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:nothing-abcdef";
    let short = keep("short").await;
    for (arn, aws) in [(arn, moto as AwsConfig), (arn, nobody), (&short, moto)] {
        let keys = keys(&[("A2A_CREDENTIALS_KEY", arn), ("A2A_SECRET_KEY", TOKENS)], aws, &Arc::default());
        assert!(matches!(keys.newest().await, Err(StoreError::Unavailable(_))));
        assert!(matches!(keys.of_id("0123456789abcdef").await, Err(StoreError::Unavailable(_))));
    }
}

#[tokio::test]
async fn a_key_that_is_gone_is_not_looked_for_at_each_try() {
    let clock = Arc::<Hand>::default();
    let asked = Arc::new(AtomicU32::new(0));
    let counted = asked.clone();
    let kept: KeptSecret = Box::new(move || {
        counted.fetch_add(1, SeqCst);
        Box::pin(async { Ok("kept-with-the-database-kept-with-the-".to_owned()) })
    });
    let security = Settings::from_vars([("A2A_CREDENTIALS_KEY", FIRST)]).unwrap().security;
    let keys = KnownCredentialKeys::new(&security, kept, nobody, clock.clone());
    for (second, expected) in [(0, 1), (1, 1), (29, 1), (31, 2)] {
        clock.0.store(second, SeqCst);
        assert!(keys.of_id("0123456789abcdef").await.unwrap().is_none());
        assert_eq!(asked.load(SeqCst), expected, "after {second} s");
    }
}
