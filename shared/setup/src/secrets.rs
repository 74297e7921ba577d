//! The keys that credentials are checked against: from the settings, or kept by AWS Secrets Manager. Those are fetched when somebody first
//! shows credentials, when they are old, and when credentials were refused that a newer key may take.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use aws_sdk_secretsmanager::{Client, Config, config::timeout::TimeoutConfig, error::DisplayErrorContext};
use chrono::{DateTime, Utc};
use engine::{
    WebhookKey,
    ports::{Clock, StoreError},
};
use futures::future::BoxFuture;
use guard::{BootstrapKeys, Guard, GuardSettings, IdentityProvider, KeptKeys, KeyRing, KeysAway, TokenKey};
use tokio::sync::{Mutex, OnceCell};

use crate::{
    aws::AwsConfig,
    provider::HttpKeySet,
    settings::{
        SecretValue, SecuritySettings,
        security::{API_KEY_TAKES, SECRET_KEY_TAKES, is_api_key, is_secret_key},
    },
};

/// Fetched secrets are good for so long.
const KEPT_FOR: Duration = Duration::from_secs(5 * 60);
/// Refused credentials have the secrets fetched again, but not more often than this, whoever sends them. So does a fetch that failed.
const FETCHED_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Somebody waits: one attempt, and all of them.
const ATTEMPT: Duration = Duration::from_millis(1500);
const OPERATION: Duration = Duration::from_secs(4);

/// The guard, and the key that webhooks are signed with.
pub(crate) fn guard(settings: &SecuritySettings, keys: KeyRing, aws: AwsConfig, clock: Arc<dyn Clock>) -> Result<(Guard, Option<WebhookKey>)> {
    let authentication = settings.authentication;
    let provider = settings.provider.clone();
    let provider = provider.map(|provider| IdentityProvider::new(Arc::new(HttpKeySet::new(provider.jwks_url)), provider.issuer, provider.audience));
    let wanted = [&settings.secret_key, &settings.admin_api_key, &settings.system_api_key];
    if !wanted.iter().any(|secret| matches!(secret, Some(SecretValue::Kept { .. }))) {
        let [secret_key, admin_api_key, system_api_key] = wanted.map(|secret| match secret {
            Some(SecretValue::Given(secret)) => Some(secret.clone()),
            _ => None,
        });
        let webhook_key = secret_key.as_deref().map(|key| WebhookKey::Known(webhook_key(key)));
        let token_key = secret_key.as_deref().map(TokenKey::new).transpose().context("A2A_SECRET_KEY")?;
        let known = GuardSettings { authentication, token_key, provider, keys: Some(keys), admin_api_key, system_api_key, kept: None };
        return Ok((Guard::new(known), webhook_key));
    }
    let kept = Arc::new(KeptSecrets { wanted: wanted.map(Clone::clone), aws, clock, client: OnceCell::new(), held: Mutex::default() });
    let signs = kept.clone();
    let bring = move || -> BoxFuture<'static, Result<Arc<[u8]>, StoreError>> {
        let kept = signs.clone();
        Box::pin(async move {
            let held = kept.held().await.map_err(|KeysAway| StoreError::Unavailable("the secrets can't be fetched".into()))?;
            held.webhook_key.ok_or_else(|| StoreError::Failed("there is no A2A_SECRET_KEY".into()))
        })
    };
    let webhook_key = settings.secret_key.as_ref().map(|_| WebhookKey::Kept(Arc::new(bring)));
    let guard = Guard::new(GuardSettings { authentication, provider, keys: Some(keys), kept: Some(kept), ..GuardSettings::default() });
    Ok((guard, webhook_key))
}

/// Those who check signatures know this key, and must not be able to make tokens with it.
fn webhook_key(secret_key: &str) -> Arc<[u8]> {
    guard::derived_key(secret_key, "webhook signatures").into()
}

/// The key of access tokens, wherever it is; `None` where there is none.
///
/// # Errors
/// Where Secrets Manager doesn't answer, or keeps something that is no key.
pub async fn secret_key(settings: &SecuritySettings) -> Result<Option<String>> {
    match &settings.secret_key {
        None => Ok(None),
        Some(secret) => value(crate::aws::config, secret).await.map(Some),
    }
}

/// A secret, wherever it is; fetched anew where it is in Secrets Manager.
pub(crate) async fn value(aws: AwsConfig, secret: &SecretValue) -> Result<String> {
    match secret {
        SecretValue::Given(secret) => Ok(secret.clone()),
        SecretValue::Kept { arn } => fetch(&client(aws).await, arn).await,
    }
}

/// Secrets of which at least one is in Secrets Manager: that of tokens, of the admin, of the system.
struct KeptSecrets {
    wanted: [Option<SecretValue>; 3],
    aws: AwsConfig,
    clock: Arc<dyn Clock>,
    client: OnceCell<Client>,
    /// Locked while they are fetched, so that one fetch is for all who wait.
    held: Mutex<Option<Held>>,
}

#[derive(Clone)]
struct Held {
    keys: Arc<BootstrapKeys>,
    webhook_key: Option<Arc<[u8]>>,
    /// When they came, and when they were asked for last.
    fetched: DateTime<Utc>,
    asked: DateTime<Utc>,
}

impl Held {
    /// # Errors
    /// The first secret that can't be what it is for.
    fn new([token, admin, system]: [Option<String>; 3], now: DateTime<Utc>) -> Result<Self> {
        let checks = [
            (&token, "A2A_SECRET_KEY", SECRET_KEY_TAKES, is_secret_key as fn(&str) -> bool),
            (&admin, "A2A_ADMIN_API_KEY", API_KEY_TAKES, is_api_key),
            (&system, "A2A_SYSTEM_API_KEY", API_KEY_TAKES, is_api_key),
        ];
        for (secret, name, takes, is_usable) in checks {
            ensure!(secret.as_deref().is_none_or(is_usable), "the secret of {name} isn't {takes}");
        }
        let key = token.as_deref().map(TokenKey::new).transpose()?;
        let webhook_key = token.as_deref().map(webhook_key);
        Ok(Held { keys: Arc::new(BootstrapKeys::new(key, admin.as_deref(), system.as_deref())), webhook_key, fetched: now, asked: now })
    }
}

impl KeptSecrets {
    async fn held(&self) -> Result<Held, KeysAway> {
        self.held_for(KEPT_FOR).await
    }

    /// What is here, or fetched now if it is older than that. What is here outlasts a Secrets Manager that is away.
    async fn held_for(&self, age: Duration) -> Result<Held, KeysAway> {
        let now = self.clock.now();
        let is_younger = |than: Duration, time: DateTime<Utc>| now.signed_duration_since(time).to_std().is_ok_and(|age| age < than);
        let mut held = self.held.lock().await;
        if let Some(held) = &*held
            && (is_younger(age, held.fetched) || is_younger(FETCHED_AGAIN_AFTER, held.asked))
        {
            return Ok(held.clone());
        }
        match self.fetch_all(now).await {
            Ok(fetched) => Ok(held.insert(fetched).clone()),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the secrets can't be fetched");
                let held = held.as_mut().ok_or(KeysAway)?;
                held.asked = now;
                Ok(held.clone())
            }
        }
    }

    async fn fetch_all(&self, now: DateTime<Utc>) -> Result<Held> {
        let client = self.client.get_or_init(async || client(self.aws).await).await;
        let value = async |secret: &Option<SecretValue>| match secret {
            None => Ok(None),
            Some(SecretValue::Given(secret)) => Ok(Some(secret.clone())),
            Some(SecretValue::Kept { arn }) => fetch(client, arn).await.map(Some),
        };
        let [token, admin, system] = &self.wanted;
        let (token, admin, system) = tokio::try_join!(value(token), value(admin), value(system))?;
        Held::new([token, admin, system], now)
    }
}

impl KeptKeys for KeptSecrets {
    fn keys(&self) -> BoxFuture<'_, Result<Arc<BootstrapKeys>, KeysAway>> {
        Box::pin(async { Ok(self.held().await?.keys) })
    }

    fn newer_than<'a>(&'a self, keys: &Arc<BootstrapKeys>) -> BoxFuture<'a, Option<Arc<BootstrapKeys>>> {
        let keys = keys.clone();
        Box::pin(async move {
            let held = self.held_for(FETCHED_AGAIN_AFTER).await.ok()?;
            Some(held.keys).filter(|newer| !Arc::ptr_eq(newer, &keys))
        })
    }

    fn takes_tokens(&self) -> bool {
        self.wanted[0].is_some()
    }

    fn takes_api_keys(&self) -> bool {
        self.wanted[1..].iter().any(Option::is_some)
    }
}

async fn client(aws: AwsConfig) -> Client {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION).build();
    Client::from_conf(Config::new(&aws().await).to_builder().timeout_config(timeouts).build())
}

async fn fetch(client: &Client, arn: &str) -> Result<String> {
    let fetched = client.get_secret_value().secret_id(arn).send().await;
    let fetched = fetched.map_err(|error| anyhow::anyhow!("the secret `{arn}`: {}", DisplayErrorContext(error)))?;
    fetched.secret_string.map(|secret| secret.trim().to_owned()).with_context(|| format!("the secret `{arn}` is no text"))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
