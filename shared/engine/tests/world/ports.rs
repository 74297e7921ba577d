//! Ports that tests can look into: a store that counts, a clock that stands, webhooks that remember.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::{
    CredentialKey,
    ports::{
        Change, Clock, Committed, CredentialKeys, EventBus, PushConfig, RememberedMessage, Scope, SequencedEvent, Signal, StoreError, StoredTask,
        TaskFilter, TaskPage, TaskStore, View, WebhookError, WebhookRequest, WebhookSender,
    },
};
use futures::stream::BoxStream;
use store::SqliteTaskStore;

/// The SQLite store, with its commits and reads of tasks counted; commits fail while it is away.
pub struct WatchedStore {
    inner: SqliteTaskStore,
    pub commits: AtomicU32,
    pub reads: AtomicU32,
    away_for: AtomicU32,
    loses: AtomicU32,
}

impl WatchedStore {
    pub fn new(inner: SqliteTaskStore) -> Self {
        WatchedStore { inner, commits: AtomicU32::new(0), reads: AtomicU32::new(0), away_for: AtomicU32::new(0), loses: AtomicU32::new(0) }
    }

    /// So many commits come to nothing from now on.
    pub fn goes_away_for(&self, commits: u32) {
        self.away_for.store(commits, Ordering::SeqCst);
    }

    /// So many commits are made from now on, and their answers are lost.
    pub fn loses_answers_of(&self, commits: u32) {
        self.loses.store(commits, Ordering::SeqCst);
    }

    /// Commits and reads since the last time.
    pub fn counts(&self) -> (u32, u32) {
        (self.commits.swap(0, Ordering::SeqCst), self.reads.swap(0, Ordering::SeqCst))
    }

    fn read(&self) -> &SqliteTaskStore {
        self.reads.fetch_add(1, Ordering::SeqCst);
        &self.inner
    }
}

#[async_trait]
impl TaskStore for WatchedStore {
    async fn commit(&self, change: Arc<Change>) -> Result<Committed, StoreError> {
        if self.away_for.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(StoreError::Unavailable("away".into()));
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        let committed = self.inner.commit(change).await;
        if committed.as_ref().is_ok_and(|committed| *committed == Committed::Done)
            && self.loses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            return Err(StoreError::Unavailable("the connection broke".into()));
        }
        committed
    }

    async fn task(&self, scope: &Scope, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        self.read().task(scope, task_id, view).await
    }

    async fn task_of_any_owner(&self, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        self.read().task_of_any_owner(task_id, view).await
    }

    async fn list(&self, scope: &Scope, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
        self.read().list(scope, filter).await
    }

    async fn remembered(&self, owner: &str, message: &RememberedMessage) -> Result<Option<String>, StoreError> {
        self.read().remembered(owner, message).await
    }

    async fn events(&self, task_id: &str, after: u64, limit: u32) -> Result<Vec<SequencedEvent>, StoreError> {
        self.read().events(task_id, after, limit).await
    }

    async fn expired_leases(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<StoredTask>, StoreError> {
        self.inner.expired_leases(now, limit).await
    }

    async fn next_lease_expiry(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.inner.next_lease_expiry().await
    }

    async fn delete_finished(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.inner.delete_finished(before, limit).await
    }

    async fn active_tasks(&self) -> Result<u64, StoreError> {
        self.inner.active_tasks().await
    }

    async fn waiting_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.inner.waiting_since().await
    }

    async fn put_push_config(&self, scope: &Scope, config: PushConfig) -> Result<bool, StoreError> {
        self.inner.put_push_config(scope, config).await
    }

    async fn push_configs(&self, scope: &Scope, task_id: &str) -> Result<Option<Vec<PushConfig>>, StoreError> {
        self.inner.push_configs(scope, task_id).await
    }

    async fn push_configs_of_any_owner(&self, task_id: &str) -> Result<Vec<PushConfig>, StoreError> {
        self.inner.push_configs_of_any_owner(task_id).await
    }

    async fn delete_push_config(&self, scope: &Scope, task_id: &str, config_id: &str) -> Result<bool, StoreError> {
        self.inner.delete_push_config(scope, task_id, config_id).await
    }

    async fn advance_push_cursor(&self, task_id: &str, config_id: &str, from: u64, to: u64) -> Result<bool, StoreError> {
        self.inner.advance_push_cursor(task_id, config_id, from, to).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}

/// Stands at a moment until it is moved.
pub struct SteadyClock(AtomicI64);

impl Default for SteadyClock {
    fn default() -> Self {
        SteadyClock(AtomicI64::new(1_800_000_000_000))
    }
}

impl SteadyClock {
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Carries nothing, as where there is no bus between processes.
pub struct DeafBus;

#[async_trait]
impl EventBus for DeafBus {
    async fn publish(&self, _task_id: &str, _signal: Signal) {}

    async fn subscribe(&self, _task_id: &str) -> BoxStream<'static, Signal> {
        Box::pin(futures::stream::pending())
    }
}

/// Remembers what was posted; fails while it is told to.
#[derive(Default)]
pub struct RecordedWebhooks {
    pub posted: Mutex<Vec<WebhookRequest>>,
    pub failing: Mutex<Option<WebhookError>>,
}

#[async_trait]
impl WebhookSender for RecordedWebhooks {
    fn check(&self, url: &str) -> Result<(), WebhookError> {
        if url.starts_with("https://") { Ok(()) } else { Err(WebhookError::Refused { reason: "not https".into() }) }
    }

    async fn post(&self, request: WebhookRequest) -> Result<(), WebhookError> {
        if let Some(error) = self.failing.lock().unwrap().clone() {
            return Err(error);
        }
        self.posted.lock().unwrap().push(request);
        Ok(())
    }
}

/// Keys by hand: the last one seals.
pub struct FewKeys(Mutex<Vec<Arc<CredentialKey>>>);

impl Default for FewKeys {
    fn default() -> Self {
        FewKeys(Mutex::new(vec![Arc::new(CredentialKey::derived_from(&CredentialKey::new_secret().unwrap()).unwrap())]))
    }
}

impl FewKeys {
    pub fn change(&self) {
        self.0.lock().unwrap().extend(FewKeys::default().0.into_inner().unwrap());
    }

    /// Takes the only key away.
    pub fn lose(&self) -> Arc<CredentialKey> {
        self.0.lock().unwrap().pop().unwrap()
    }

    pub fn find(&self, key: Arc<CredentialKey>) {
        self.0.lock().unwrap().push(key);
    }
}

#[async_trait]
impl CredentialKeys for FewKeys {
    async fn newest(&self) -> Result<Arc<CredentialKey>, StoreError> {
        Ok(self.0.lock().unwrap().last().unwrap().clone())
    }

    async fn of_id(&self, id: &str) -> Result<Option<Arc<CredentialKey>>, StoreError> {
        Ok(self.0.lock().unwrap().iter().find(|key| key.id() == id).cloned())
    }
}
