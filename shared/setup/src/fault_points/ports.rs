//! The ports with a fault in them: each call is the backend's own, and some calls have a point before or after it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{
    Change, Committed, Delivery, EventBus, Expect, HandedOver, LeaseChange, PushConfig, QueueName, ReadyPost, RememberedMessage, Scope,
    SequencedEvent, Signal, StoreError, StoredTask, TaskFilter, TaskPage, TaskStore, View, WebhookError, WebhookRequest, WebhookSender, Work,
    WorkQueue,
};
use futures::stream::BoxStream;

use super::{
    FaultPoint::{
        AfterAnnounce, AfterLease, AfterPublish, AfterStore, AfterWebhook, BeforeAnnounce, BeforeComplete, BeforeLease, BeforePublish, BeforeStore,
        BeforeWebhook,
    },
    Trigger,
};

pub(super) struct FaultyTaskStore {
    pub(super) inner: Arc<dyn TaskStore>,
    pub(super) trigger: Arc<Trigger>,
}

#[async_trait]
impl TaskStore for FaultyTaskStore {
    async fn commit(&self, change: Arc<Change>) -> Result<Committed, StoreError> {
        let stores = !change.events.is_empty();
        // Later commits of a run hold its lease on; the first one makes the task or changes nothing else.
        let leases = matches!(change.lease, LeaseChange::Hold { .. }) && (!stores || matches!(change.expect, Expect::New(_)));
        for (applies, point) in [(leases, BeforeLease), (stores, BeforeStore)] {
            if applies {
                self.trigger.reached(point);
            }
        }
        let committed = self.inner.commit(change).await;
        if matches!(committed, Ok(Committed::Done)) {
            for (applies, point) in [(leases, AfterLease), (stores, AfterStore)] {
                if applies {
                    self.trigger.reached(point);
                }
            }
        }
        committed
    }

    async fn task(&self, scope: &Scope, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        self.inner.task(scope, task_id, view).await
    }

    async fn task_of_any_owner(&self, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        self.inner.task_of_any_owner(task_id, view).await
    }

    async fn list(&self, scope: &Scope, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
        self.inner.list(scope, filter).await
    }

    async fn remembered(&self, owner: &str, message: &RememberedMessage) -> Result<Option<String>, StoreError> {
        self.inner.remembered(owner, message).await
    }

    async fn events(&self, task_id: &str, after: u64, limit: u32) -> Result<Vec<SequencedEvent>, StoreError> {
        self.inner.events(task_id, after, limit).await
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

    async fn migrate(&self) -> Result<(), StoreError> {
        self.inner.migrate().await
    }
}

pub(super) struct FaultyEventBus {
    pub(super) inner: Arc<dyn EventBus>,
    pub(super) trigger: Arc<Trigger>,
}

#[async_trait]
impl EventBus for FaultyEventBus {
    async fn publish(&self, task_id: &str, signal: Signal) {
        let events = matches!(signal, Signal::Events(_));
        if events {
            self.trigger.reached(BeforePublish);
        }
        self.inner.publish(task_id, signal).await;
        if events {
            self.trigger.reached(AfterPublish);
        }
    }

    async fn subscribe(&self, task_id: &str) -> BoxStream<'static, Signal> {
        self.inner.subscribe(task_id).await
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}

pub(super) struct FaultyWorkQueue {
    pub(super) inner: Arc<dyn WorkQueue>,
    pub(super) trigger: Arc<Trigger>,
}

#[async_trait]
impl WorkQueue for FaultyWorkQueue {
    async fn announce(&self, work: &[Work]) -> Result<(), StoreError> {
        self.trigger.reached(BeforeAnnounce);
        let announced = self.inner.announce(work).await;
        self.trigger.reached(AfterAnnounce);
        announced
    }

    fn look(&self) {
        self.inner.look();
    }

    async fn receive(&self, queue: QueueName, max: u32, visibility: Duration, wait: Duration) -> Result<Vec<Delivery>, StoreError> {
        self.inner.receive(queue, max, visibility, wait).await
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<(), StoreError> {
        self.inner.extend(delivery, visibility).await
    }

    async fn complete(&self, delivery: &Delivery) -> Result<(), StoreError> {
        self.trigger.reached(BeforeComplete);
        self.inner.complete(delivery).await
    }

    async fn retry(&self, delivery: &Delivery, delay: Duration) -> Result<(), StoreError> {
        self.inner.retry(delivery, delay).await
    }

    async fn park(&self, delivery: &Delivery, reason: &str) -> Result<(), StoreError> {
        self.inner.park(delivery, reason).await
    }

    async fn put_away(&self, queue: &str, receipt: &str, body: &str, attempt: u32) -> Result<bool, StoreError> {
        self.inner.put_away(queue, receipt, body, attempt).await
    }

    async fn hand_over(&self, post: &ReadyPost) -> Result<HandedOver, StoreError> {
        self.inner.hand_over(post).await
    }

    async fn recover(&self) -> Result<(), StoreError> {
        self.inner.recover().await
    }

    async fn waiting_since(&self, queue: QueueName) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.inner.waiting_since(queue).await
    }

    async fn depth(&self, queue: QueueName) -> Result<u64, StoreError> {
        self.inner.depth(queue).await
    }
}

pub(super) struct FaultyWebhookSender {
    pub(super) inner: Arc<dyn WebhookSender>,
    pub(super) trigger: Arc<Trigger>,
}

#[async_trait]
impl WebhookSender for FaultyWebhookSender {
    fn check(&self, url: &str) -> Result<(), WebhookError> {
        self.inner.check(url)
    }

    async fn post(&self, request: WebhookRequest) -> Result<(), WebhookError> {
        self.trigger.reached(BeforeWebhook);
        let posted = self.inner.post(request).await;
        self.trigger.reached(AfterWebhook);
        posted
    }
}
