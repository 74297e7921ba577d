//! The keys that seal the credentials of webhooks: the operator's own, or derived from the key of access tokens, or made once and kept with the database.
//!
//! Whatever seals now, what any of the three sealed before can be opened as long as it is there. The operator's own change by a new one in front of the
//! old ones. In AWS it is a secret in Secrets Manager under a KMS key of the stack: there are few who may read it, and Secrets Manager has KMS seal
//! and open it, so that neither a client of KMS nor a way to it from within a VPC is needed.

use std::{collections::HashMap, io, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::{
    CredentialKey,
    ports::{Clock, CredentialKeys, StoreError},
};
use futures::future::BoxFuture;
use store::SharedSecrets;
use tokio::sync::Mutex;

use crate::{
    aws::AwsConfig,
    kept_file::kept,
    secrets,
    settings::{
        SecretValue, SecuritySettings,
        security::{CREDENTIALS_KEY_TAKES, credentials_keys},
    },
};

/// After so long the newest key is asked for again.
const KEPT_FOR: Duration = Duration::from_secs(5 * 60);
/// A key that isn't there is looked for again, but not more often than this.
const SOUGHT_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// What the secret is called among a database's secrets.
const NAME: &str = "credentials-key";

/// Brings the secret that is kept with the database.
pub(crate) type KeptSecret = Box<dyn Fn() -> BoxFuture<'static, Result<String, StoreError>> + Send + Sync>;

/// A secret in this file, made if there is none.
pub(crate) fn beside(path: PathBuf) -> KeptSecret {
    Box::new(move || {
        let secret = kept(&path, || CredentialKey::new_secret().map_err(io::Error::other));
        let secret = secret.map_err(|error| StoreError::Failed(format!("the key of webhooks' credentials in `{}`: {error}", path.display()).into()));
        Box::pin(async { secret })
    })
}

/// A secret of all who share a database, made if there is none.
pub(crate) fn shared(database: impl SharedSecrets + Clone) -> KeptSecret {
    Box::new(move || {
        let database = database.clone();
        Box::pin(async move { database.shared_secret(NAME, CredentialKey::new_secret()?).await })
    })
}

/// See the file's first words.
pub(crate) struct KnownCredentialKeys {
    own: Option<SecretValue>,
    secret_key: Option<SecretValue>,
    kept: KeptSecret,
    aws: AwsConfig,
    clock: Arc<dyn Clock>,
    /// Locked while keys are fetched, so that one fetch is for all who wait.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    newest: Option<(Arc<CredentialKey>, DateTime<Utc>)>,
    known: HashMap<String, Arc<CredentialKey>>,
    /// When a key was last looked for and not found.
    missed: Option<DateTime<Utc>>,
}

impl KnownCredentialKeys {
    /// `kept` is asked where there is no other key, or when something was sealed with none of the others.
    pub(crate) fn new(settings: &SecuritySettings, kept: KeptSecret, aws: AwsConfig, clock: Arc<dyn Clock>) -> Self {
        let (own, secret_key) = (settings.credentials_key.clone(), settings.secret_key.clone());
        KnownCredentialKeys { own, secret_key, kept, aws, clock, held: Mutex::default() }
    }

    /// Those of the operator, the newest first.
    async fn own(&self) -> Result<Vec<String>> {
        let Some(value) = &self.own else { return Ok(Vec::new()) };
        let text = secrets::value(self.aws, value).await?;
        let keys = credentials_keys(&text);
        ensure!(keys.is_some(), "the secret of A2A_CREDENTIALS_KEY isn't {CREDENTIALS_KEY_TAKES}");
        Ok(keys.unwrap_or_default())
    }

    async fn newest_secret(&self) -> Result<String, StoreError> {
        if let Some(first) = self.own().await.map_err(away)?.into_iter().next() {
            return Ok(first);
        }
        match &self.secret_key {
            Some(value) => secrets::value(self.aws, value).await.map_err(away),
            None => (self.kept)().await,
        }
    }

    /// All there are. Of those that aren't needed to seal, one that can't be had is done without.
    async fn all_secrets(&self) -> Result<Vec<String>, StoreError> {
        let mut secrets = self.own().await.map_err(away)?;
        if let Some(value) = &self.secret_key {
            match secrets::value(self.aws, value).await {
                Err(error) if secrets.is_empty() => return Err(away(error)),
                secret => secrets.extend(secret),
            }
        }
        match (self.kept)().await {
            Err(error) if secrets.is_empty() => return Err(error),
            secret => secrets.extend(secret),
        }
        Ok(secrets)
    }

    fn is_younger(&self, than: Duration, time: DateTime<Utc>) -> bool {
        self.clock.now().signed_duration_since(time).to_std().is_ok_and(|age| age < than)
    }
}

/// Worth another try: Secrets Manager may be away, or its secret be put right.
fn away(error: anyhow::Error) -> StoreError {
    tracing::error!(error = format!("{error:#}"), "the keys of webhooks' credentials can't be fetched");
    StoreError::Unavailable("the keys of webhooks' credentials can't be fetched".into())
}

impl Held {
    fn learn(&mut self, secret: &str) -> Result<Arc<CredentialKey>, StoreError> {
        let key = Arc::new(CredentialKey::derived_from(secret)?);
        Ok(self.known.entry(key.id().to_owned()).or_insert(key).clone())
    }
}

#[async_trait]
impl CredentialKeys for KnownCredentialKeys {
    async fn newest(&self) -> Result<Arc<CredentialKey>, StoreError> {
        let mut held = self.held.lock().await;
        if let Some((key, fetched)) = &held.newest
            && self.is_younger(KEPT_FOR, *fetched)
        {
            return Ok(key.clone());
        }
        let key = match (self.newest_secret().await, &held.newest) {
            (Ok(secret), _) => held.learn(&secret)?,
            // What is here outlasts a Secrets Manager that is away.
            (Err(_), Some((key, _))) => key.clone(),
            (Err(error), None) => return Err(error),
        };
        held.newest = Some((key.clone(), self.clock.now()));
        Ok(key)
    }

    async fn of_id(&self, id: &str) -> Result<Option<Arc<CredentialKey>>, StoreError> {
        let mut held = self.held.lock().await;
        let missed_just_now = held.missed.is_some_and(|time| self.is_younger(SOUGHT_AGAIN_AFTER, time));
        if !held.known.contains_key(id) && !missed_just_now {
            for secret in self.all_secrets().await? {
                held.learn(&secret)?;
            }
            held.missed = (!held.known.contains_key(id)).then(|| self.clock.now());
        }
        Ok(held.known.get(id).cloned())
    }
}

#[cfg(test)]
mod tests;
