//! The ports whose calls are measured: each call is the backend's own.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{
    Change, Committed, PushConfig, RememberedMessage, Scope, SequencedEvent, StoreError, StoredTask, TaskFilter, TaskPage, TaskStore, View,
    WebhookError, WebhookRequest, WebhookSender,
};
use metrics::{Histogram, counter};
use telemetry::metric;

/// What the calls of a store are measured as: few names, because each is a metric of its own, which costs something in CloudWatch.
struct Durations {
    commit: Histogram,
    read: Histogram,
    list: Histogram,
    events: Histogram,
    push_configs: Histogram,
    upkeep: Histogram,
    ping: Histogram,
}

/// Measures what the calls of a store take, failed ones too.
pub(crate) struct MeasuredTaskStore {
    inner: Arc<dyn TaskStore>,
    durations: Durations,
}

impl MeasuredTaskStore {
    pub(crate) fn new(inner: Arc<dyn TaskStore>) -> Self {
        // A long stream has hundreds of commits in one invocation.
        let of = |operation: &'static str| telemetry::histogram(metric::STORE_DURATION, "operation", operation);
        let durations = Durations {
            commit: of("commit"),
            read: of("read"),
            list: of("list"),
            events: of("events"),
            push_configs: of("push-configs"),
            upkeep: of("upkeep"),
            ping: of("ping"),
        };
        MeasuredTaskStore { inner, durations }
    }
}

async fn measured<T>(duration: &Histogram, call: impl Future<Output = T>) -> T {
    let asked = Instant::now();
    let answered = call.await;
    duration.record(asked.elapsed());
    answered
}

#[async_trait]
impl TaskStore for MeasuredTaskStore {
    async fn commit(&self, change: Arc<Change>) -> Result<Committed, StoreError> {
        measured(&self.durations.commit, self.inner.commit(change)).await
    }

    async fn task(&self, scope: &Scope, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        measured(&self.durations.read, self.inner.task(scope, task_id, view)).await
    }

    async fn task_of_any_owner(&self, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        measured(&self.durations.read, self.inner.task_of_any_owner(task_id, view)).await
    }

    async fn list(&self, scope: &Scope, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
        measured(&self.durations.list, self.inner.list(scope, filter)).await
    }

    async fn remembered(&self, owner: &str, message: &RememberedMessage) -> Result<Option<String>, StoreError> {
        measured(&self.durations.read, self.inner.remembered(owner, message)).await
    }

    async fn events(&self, task_id: &str, after: u64, limit: u32) -> Result<Vec<SequencedEvent>, StoreError> {
        measured(&self.durations.events, self.inner.events(task_id, after, limit)).await
    }

    async fn expired_leases(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<StoredTask>, StoreError> {
        measured(&self.durations.upkeep, self.inner.expired_leases(now, limit)).await
    }

    async fn next_lease_expiry(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        measured(&self.durations.upkeep, self.inner.next_lease_expiry()).await
    }

    async fn delete_finished(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        measured(&self.durations.upkeep, self.inner.delete_finished(before, limit)).await
    }

    async fn active_tasks(&self) -> Result<u64, StoreError> {
        measured(&self.durations.upkeep, self.inner.active_tasks()).await
    }

    async fn waiting_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        measured(&self.durations.upkeep, self.inner.waiting_since()).await
    }

    async fn put_push_config(&self, scope: &Scope, config: PushConfig) -> Result<bool, StoreError> {
        measured(&self.durations.push_configs, self.inner.put_push_config(scope, config)).await
    }

    async fn push_configs(&self, scope: &Scope, task_id: &str) -> Result<Option<Vec<PushConfig>>, StoreError> {
        measured(&self.durations.push_configs, self.inner.push_configs(scope, task_id)).await
    }

    async fn push_configs_of_any_owner(&self, task_id: &str) -> Result<Vec<PushConfig>, StoreError> {
        measured(&self.durations.push_configs, self.inner.push_configs_of_any_owner(task_id)).await
    }

    async fn delete_push_config(&self, scope: &Scope, task_id: &str, config_id: &str) -> Result<bool, StoreError> {
        measured(&self.durations.push_configs, self.inner.delete_push_config(scope, task_id, config_id)).await
    }

    async fn advance_push_cursor(&self, task_id: &str, config_id: &str, from: u64, to: u64) -> Result<bool, StoreError> {
        measured(&self.durations.push_configs, self.inner.advance_push_cursor(task_id, config_id, from, to)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        measured(&self.durations.ping, self.inner.ping()).await
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        self.inner.migrate().await
    }
}

/// Counts posts by what became of them.
pub(crate) struct MeasuredWebhookSender {
    inner: Arc<dyn WebhookSender>,
}

impl MeasuredWebhookSender {
    pub(crate) fn new(inner: Arc<dyn WebhookSender>) -> Self {
        MeasuredWebhookSender { inner }
    }
}

#[async_trait]
impl WebhookSender for MeasuredWebhookSender {
    fn check(&self, url: &str) -> Result<(), WebhookError> {
        self.inner.check(url)
    }

    async fn post(&self, request: WebhookRequest) -> Result<(), WebhookError> {
        let posted = self.inner.post(request).await;
        let outcome = match &posted {
            Ok(()) => "delivered",
            Err(WebhookError::Refused { .. }) => "refused",
            Err(WebhookError::Failed { .. }) => "failed",
        };
        counter!(metric::PUSH_DELIVERIES, "outcome" => outcome).increment(1);
        posted
    }
}
