//! Tells who listens what happened to a task. Best effort and fast: the store is the truth.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::SequencedEvent;

/// Fan-out of signals about tasks between runners and subscribers, perhaps in other processes.
#[async_trait]
pub trait EventBus: Send + Sync + 'static {
    /// Sends to all who listen to that task now. Failure is logged by the backend, not returned: the store has it all.
    async fn publish(&self, task_id: &str, signal: Signal);

    /// Hears everything that is published on that task from now on, in order.
    async fn subscribe(&self, task_id: &str) -> BoxStream<'static, Signal>;
}

/// What is said about a task.
#[derive(Debug, Clone)]
pub enum Signal {
    /// Events that are stored, in order.
    Events(Arc<[SequencedEvent]>),
    /// The runner should stop and confirm.
    Cancel,
    /// Something was missed, or may have been: read the store.
    Gap,
}
