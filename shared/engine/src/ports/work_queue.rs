//! Work that outlasts a request. Delivered at least once.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::StoreError;

/// Hands queued [`Work`] to workers.
///
/// Work is put in by [`super::TaskStore::commit`], in the transaction of the change that asks for it.
#[async_trait]
pub trait WorkQueue: Send + Sync + 'static {
    /// Says that work was committed: wakes workers, or carries it from the outbox to where they look.
    async fn announce(&self, work: &[Work]) -> Result<(), StoreError>;

    /// Others may have committed work without a word here: who waits looks now.
    fn look(&self) {}

    /// Takes up to `max` pieces and hides them from others for `visibility`. Waits up to `wait` for the first.
    async fn receive(&self, queue: QueueName, max: u32, visibility: Duration, wait: Duration) -> Result<Vec<Delivery>, StoreError>;

    /// Still being done: hidden from now for `visibility`. A worker says so again and again, so that its work comes again soon after it died.
    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<(), StoreError>;

    /// Done: it never comes again, unless the same work was queued anew meanwhile.
    async fn complete(&self, delivery: &Delivery) -> Result<(), StoreError>;

    /// Not done: it comes again after `delay`.
    async fn retry(&self, delivery: &Delivery, delay: Duration) -> Result<(), StoreError>;

    /// Given up: it goes to the dead letters with `reason`.
    async fn park(&self, delivery: &Delivery, reason: &str) -> Result<(), StoreError>;

    /// A message that this process can't read, from the queue that has this name where it is kept: handed out a few times, in case that another
    /// version can, it goes to the dead letters as it is. Says whether it did. Queues of rows hold no such thing.
    async fn put_away(&self, queue: &str, receipt: &str, body: &str, attempt: u32) -> Result<bool, StoreError> {
        let _ = (queue, receipt, body, attempt);
        Ok(false)
    }

    /// Gives a post to those who call webhooks where this process can't; twice is once. A process that calls them itself takes none.
    ///
    /// # Errors
    /// Where it may have got through or not.
    async fn hand_over(&self, post: &ReadyPost) -> Result<HandedOver, StoreError> {
        let _ = post;
        Ok(HandedOver::No)
    }

    /// Carries on what was committed and never announced, because whoever committed it died in between. The sweep calls it.
    async fn recover(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Since when the piece waits that is taken next, for health; `None` where none waits, or the queue doesn't say.
    async fn waiting_since(&self, queue: QueueName) -> Result<Option<DateTime<Utc>>, StoreError> {
        let _ = queue;
        Ok(None)
    }

    /// Waiting and running pieces, for health and metrics.
    async fn depth(&self, queue: QueueName) -> Result<u64, StoreError>;
}

/// The two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueName {
    /// Tasks to run.
    RunTask,
    /// Webhooks to call.
    DeliverPush,
}

impl QueueName {
    /// As in template.yaml and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            QueueName::RunTask => "run-task",
            QueueName::DeliverPush => "deliver-push",
        }
    }
}

/// A piece of work. It is a wire format: old forms stay readable until queues are drained.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Work {
    /// Run the present turn of a task.
    RunTask {
        /// The task.
        task_id: String,
    },
    /// Deliver what a webhook hasn't had.
    DeliverPush {
        /// The task.
        task_id: String,
        /// The webhook.
        config_id: String,
    },
    /// Post what is ready: for a worker that reaches the webhook and not the database.
    PostWebhook(ReadyPost),
}

/// All that it takes to tell a webhook of an event, but for the signature, which says when it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadyPost {
    /// The task.
    pub task_id: String,
    /// The webhook. Its posts are made one after the other.
    pub config_id: String,
    /// Of the last event that the body tells.
    pub sequence: u64,
    /// Of the client's config.
    pub url: String,
    /// Names and values, credentials among them, which are sealed as they are stored.
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: String,
}

/// What became of a post that was to be handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandedOver {
    /// It will be made, or tried for a day.
    Yes,
    /// It is to be made here.
    No,
    /// Nobody can take it.
    Never {
        /// Why.
        reason: String,
    },
}

impl Work {
    /// Which queue it goes to.
    pub const fn queue(&self) -> QueueName {
        match self {
            Work::RunTask { .. } => QueueName::RunTask,
            Work::DeliverPush { .. } | Work::PostWebhook(_) => QueueName::DeliverPush,
        }
    }

    /// Whether it goes on waiting, after a failure, when it is queued again. A webhook doesn't answer sooner because there is more to tell it:
    /// a busy task must not make its pauses short nor its day of tries longer.
    pub const fn keeps_its_pause(&self) -> bool {
        matches!(self, Work::DeliverPush { .. } | Work::PostWebhook(_))
    }

    /// The same work queued twice is one piece: this says what is the same.
    pub fn key(&self) -> String {
        match self {
            Work::RunTask { task_id } => format!("run-task/{task_id}"),
            Work::DeliverPush { task_id, config_id } => format!("deliver-push/{task_id}/{config_id}"),
            Work::PostWebhook(ReadyPost { task_id, config_id, sequence, .. }) => format!("post-webhook/{task_id}/{config_id}/{sequence}"),
        }
    }
}

/// Work in a worker's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The backend's handle of this very delivery.
    pub receipt: String,
    /// What to do.
    pub work: Work,
    /// From 1: how often it was handed out since it was last queued.
    pub attempt: u32,
    /// When it was first queued.
    pub queued_at: DateTime<Utc>,
}
