//! Signs in to RDS with short-lived tokens that are made from AWS credentials.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use aws_config::SdkConfig;
use aws_credential_types::{Credentials, provider::ProvideCredentials};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use chrono::{DateTime, TimeDelta, Utc};
use engine::ports::{Clock, StoreError};
use futures::future::BoxFuture;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::sync::Mutex;

use super::connect::Target;

/// How long RDS takes a token, by AWS's rule.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// A token that is older is made anew before a connection is asked for.
const RENEW_AFTER: TimeDelta = TimeDelta::minutes(10);
/// Up to this age a token does where no new one can be made.
const LAST_RESORT: TimeDelta = TimeDelta::minutes(14);

/// All but what RFC 3986 leaves as it is.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Brings credentials and the region, as AWS's own variables and files say.
pub(super) type AwsConfig = Box<dyn Fn() -> BoxFuture<'static, SdkConfig> + Send + Sync>;

/// Keeps the pool's password fresh.
pub(super) struct IamSignIn {
    options: PgConnectOptions,
    /// `None` for the one that the configuration names.
    region: Option<String>,
    config: AwsConfig,
    clock: Arc<dyn Clock>,
    signed_at: Mutex<Option<DateTime<Utc>>>,
}

impl IamSignIn {
    pub(super) fn new(target: Target, config: AwsConfig, clock: Arc<dyn Clock>) -> Self {
        IamSignIn { options: target.options, region: target.region, config, clock, signed_at: Mutex::new(None) }
    }

    /// Gives the pool a new token if its own is old. Asked before each use of the pool and not by a timer, because a Lambda that was frozen
    /// has missed its timers.
    pub(super) async fn renew(&self, pool: &PgPool) -> Result<(), StoreError> {
        let mut signed_at = self.signed_at.lock().await;
        let now = self.clock.now();
        let age = signed_at.map(|then| now - then);
        // A clock that was set back makes a token worthless too.
        if age.is_some_and(|age| (TimeDelta::zero()..RENEW_AFTER).contains(&age)) {
            return Ok(());
        }
        match self.token(now).await {
            Ok(token) => {
                pool.set_connect_options(self.options.clone().password(&token));
                *signed_at = Some(now);
                Ok(())
            }
            Err(error) if age.is_some_and(|age| (TimeDelta::zero()..LAST_RESORT).contains(&age)) => {
                tracing::warn!(error = &*error, "no new token for the database; the old one is still good");
                Ok(())
            }
            Err(error) => Err(StoreError::Unavailable(error)),
        }
    }

    async fn token(&self, now: DateTime<Utc>) -> Result<String, Box<dyn Error + Send + Sync>> {
        let config = (self.config)().await;
        let region = self.region.as_deref().or(config.region().map(|region| region.as_ref()));
        let region = region.ok_or("no region is known for the database's tokens (AWS_REGION)")?;
        let provider = config.credentials_provider().ok_or("no AWS credentials for the database's tokens")?;
        let credentials = provider.provide_credentials().await?;
        token(&self.options, region, credentials, now)
    }
}

impl fmt::Debug for IamSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IamSignIn").field("host", &self.options.get_host()).field("region", &self.region).finish_non_exhaustive()
    }
}

/// A presigned request for the action `connect`, without its scheme: that is the password.
fn token(options: &PgConnectOptions, region: &str, credentials: Credentials, now: DateTime<Utc>) -> Result<String, Box<dyn Error + Send + Sync>> {
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let query = format!("Action=connect&DBUser={}", utf8_percent_encode(options.get_username(), QUERY));
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(LIFETIME);
    let identity = credentials.into();
    let parameters =
        v4::SigningParams::builder().identity(&identity).region(region).name("rds-db").time(now.into()).settings(settings).build()?.into();
    let url = format!("https://{place}/?{query}");
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(request, &parameters)?.into_parts();
    let mut token = format!("{place}/?{query}");
    for (name, value) in instructions.params() {
        token.extend(["&", name, "=", &utf8_percent_encode(value, QUERY).to_string()]);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU32, Ordering::SeqCst};

    use aws_config::{BehaviorVersion, Region};
    use aws_credential_types::provider::SharedCredentialsProvider;

    use super::*;

    const URL: &str = "postgres://jane_doe+x@db.abc123.eu-west-1.rds.amazonaws.com:5432/a2a?iam=true";

    struct ManualClock(AtomicI64);

    impl Clock for ManualClock {
        fn now(&self) -> DateTime<Utc> {
            DateTime::from_timestamp(1_800_000_000 + self.0.load(SeqCst), 0).unwrap()
        }
    }

    fn credentials() -> Credentials {
        Credentials::new("AKIDEXAMPLE", "secret", Some("session/token".into()), None, "test")
    }

    #[test]
    fn a_token_has_the_shape_that_rds_takes() {
        let target = Target::read(URL).unwrap();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let token = token(&target.options, "eu-west-1", credentials(), now).unwrap();
        let (place, query) = token.split_once("/?").unwrap();
        assert_eq!(place, "db.abc123.eu-west-1.rds.amazonaws.com:5432");
        let mut parameters: Vec<(&str, &str)> = query.split('&').map(|parameter| parameter.split_once('=').unwrap()).collect();
        let signature = parameters.iter().position(|(name, _)| *name == "X-Amz-Signature").map(|at| parameters.remove(at).1).unwrap();
        // As botocore signs the same.
        assert_eq!(signature, "85060ece4c99d8f2e0391af00d7ee8c5f1b1cfc74633ea63e77d99769ad8396c");
        parameters.sort_unstable();
        assert_eq!(
            parameters,
            [
                ("Action", "connect"),
                ("DBUser", "jane_doe%2Bx"),
                ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
                ("X-Amz-Credential", "AKIDEXAMPLE%2F20270115%2Feu-west-1%2Frds-db%2Faws4_request"),
                ("X-Amz-Date", "20270115T080000Z"),
                ("X-Amz-Expires", "900"),
                ("X-Amz-Security-Token", "session%2Ftoken"),
                ("X-Amz-SignedHeaders", "host"),
            ]
        );
    }

    #[tokio::test]
    async fn a_token_is_renewed_by_the_clock_before_it_runs_out() {
        let clock = Arc::new(ManualClock(AtomicI64::new(0)));
        let asked = Arc::new(AtomicU32::new(0));
        let counted = asked.clone();
        let config: AwsConfig = Box::new(move || {
            let gone = counted.fetch_add(1, SeqCst) >= 3;
            let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("eu-central-1"));
            let config = if gone { config } else { config.credentials_provider(SharedCredentialsProvider::new(credentials())) };
            Box::pin(async { config.build() })
        });
        let target = Target::read(URL).unwrap();
        let pool = PgPool::connect_lazy_with(target.options.clone());
        let before = pool.connect_options();
        let sign_in = IamSignIn::new(target, config, clock.clone());
        let pass = async |seconds: i64, expected: u32| {
            clock.0.fetch_add(seconds, SeqCst);
            let renewed = sign_in.renew(&pool).await;
            assert_eq!(asked.load(SeqCst), expected, "after {seconds} s");
            renewed
        };
        pass(0, 1).await.unwrap();
        let first = pool.connect_options();
        assert!(!Arc::ptr_eq(&before, &first));
        pass(599, 1).await.unwrap();
        assert!(Arc::ptr_eq(&first, &pool.connect_options()));
        pass(1, 2).await.unwrap();
        assert!(!Arc::ptr_eq(&first, &pool.connect_options()));
        // After a long sleep.
        pass(86_400, 3).await.unwrap();
        // Without credentials the old token does as long as it can, and no longer.
        pass(700, 4).await.unwrap();
        assert!(matches!(pass(200, 5).await, Err(StoreError::Unavailable(_))));
    }
}
