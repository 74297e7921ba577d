//! Secrets as moto's Secrets Manager keeps them.

use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use engine::Role;
use http::HeaderMap;
use protocol::A2aError;

use super::{
    testing::{change, keep, moto, nobody},
    *,
};
use crate::Settings;

/// A clock that a test moves, in seconds.
#[derive(Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + self.0.load(SeqCst), 0).unwrap()
    }
}

fn security(variables: &[(&str, &str)]) -> SecuritySettings {
    Settings::from_vars(variables.iter().copied()).unwrap().security
}

/// Keys that operators make: none.
fn ring() -> KeyRing {
    KeyRing::new(Arc::new(store::SqliteDatabase::temporary().unwrap()))
}

async fn role(guard: &Guard, clock: &Hand, key: &str) -> Result<Role, A2aError> {
    let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-api-key"), key.parse().unwrap())]);
    guard.authenticate(&headers, clock.now()).await.map(|identity| identity.caller.role)
}

#[tokio::test]
async fn a_secret_is_fetched_kept_for_five_minutes_and_then_fetched_again() {
    let arn = keep("first-admin-key").await;
    let clock = Arc::new(Hand::default());
    let (guard, _) = guard(&security(&[("A2A_ADMIN_API_KEY", &arn), ("A2A_SYSTEM_API_KEY", "system-key")]), ring(), moto, clock.clone()).unwrap();
    assert_eq!(role(&guard, &clock, "first-admin-key").await, Ok(Role::Admin));
    assert_eq!(role(&guard, &clock, "system-key").await, Ok(Role::System));
    change(&arn, "second-admin-key").await;
    clock.0.store(299, SeqCst);
    assert_eq!(role(&guard, &clock, "first-admin-key").await, Ok(Role::Admin));
    clock.0.store(301, SeqCst);
    assert!(role(&guard, &clock, "first-admin-key").await.is_err());
    assert_eq!(role(&guard, &clock, "second-admin-key").await, Ok(Role::Admin));
}

#[tokio::test]
async fn refused_credentials_have_secrets_fetched_again_but_not_at_each_try() {
    let arn = keep("first-admin-key").await;
    let clock = Arc::new(Hand::default());
    let (guard, _) = guard(&security(&[("A2A_ADMIN_API_KEY", &arn)]), ring(), moto, clock.clone()).unwrap();
    assert_eq!(role(&guard, &clock, "first-admin-key").await, Ok(Role::Admin));
    change(&arn, "second-admin-key").await;
    // They came a moment ago.
    clock.0.store(29, SeqCst);
    assert!(role(&guard, &clock, "second-admin-key").await.is_err());
    clock.0.store(31, SeqCst);
    assert_eq!(role(&guard, &clock, "second-admin-key").await, Ok(Role::Admin));
    change(&arn, "third-admin-key").await;
    assert!(role(&guard, &clock, "third-admin-key").await.is_err());
}

#[tokio::test]
async fn without_secrets_manager_nobody_is_let_in_and_nobody_is_called_a_fraud() {
    let variables = [("A2A_SECRET_KEY", "arn:aws:secretsmanager:us-east-1:123456789012:secret:nothing-abcdef")];
    let clock = Arc::new(Hand::default());
    for aws in [moto as AwsConfig, nobody] {
        let (guard, webhook_key) = guard(&security(&variables), ring(), aws, clock.clone()).unwrap();
        assert!(matches!(role(&guard, &clock, "admin-key").await, Err(A2aError::Unavailable { .. })));
        assert!(guard.takes_tokens());
        let Some(WebhookKey::Kept(bring)) = webhook_key else { panic!() };
        assert!(matches!(bring().await, Err(StoreError::Unavailable(_))));
    }
}

#[tokio::test]
async fn a_kept_key_checks_tokens_and_signs_webhooks_as_one_that_is_given() {
    let key = "0123456789abcdef0123456789abcdef";
    let arn = keep(key).await;
    let clock = Arc::new(Hand::default());
    let (kept, webhook_key) = guard(&security(&[("A2A_SECRET_KEY", &arn)]), ring(), moto, clock.clone()).unwrap();
    let token = guard::issue_token(&TokenKey::new(key).unwrap(), "ann", Role::Authenticated, Duration::from_secs(9), clock.now()).unwrap();
    let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap())]);
    assert_eq!(kept.authenticate(&headers, clock.now()).await.map(|identity| identity.caller.owner), Ok("sub:ann".into()));
    let (_, given) = guard(&security(&[("A2A_SECRET_KEY", key)]), ring(), moto, clock).unwrap();
    let (Some(WebhookKey::Kept(bring)), Some(WebhookKey::Known(given))) = (webhook_key, given) else { panic!() };
    assert_eq!(bring().await.unwrap(), given);
}

#[tokio::test]
async fn a_secret_that_is_no_key_lets_nobody_in() {
    let arn = keep("short").await;
    let clock = Arc::new(Hand::default());
    let (guard, _) = guard(&security(&[("A2A_ADMIN_API_KEY", &arn)]), ring(), moto, clock.clone()).unwrap();
    assert!(matches!(role(&guard, &clock, "short").await, Err(A2aError::Unavailable { .. })));
}
