//! Tells who listens what happened to a task. Best effort and fast: the store is the truth.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::{SequencedEvent, StoreError};

/// Fan-out of signals about tasks between runners and subscribers, perhaps in other processes.
#[async_trait]
pub trait EventBus: Send + Sync + 'static {
    /// Sends to all who listen to that task now. Failure is logged by the backend, not returned: the store has it all.
    async fn publish(&self, task_id: &str, signal: Signal);

    /// Hears everything that is published on that task from now on, in order. What was published just before may come too, and a
    /// signal may come again.
    async fn subscribe(&self, task_id: &str) -> BoxStream<'static, Signal>;

    /// Whether signals are meant to reach other processes.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether other processes can be reached, for health checks. A bus that nothing can come between has nothing to check.
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What is said about a task.
#[derive(Debug, Clone)]
pub enum Signal {
    /// Events that are stored, in order.
    Events(Arc<[SequencedEvent]>),
    /// The runner should stop and confirm, if the task was its own at that version: a later run is not meant.
    Cancel {
        /// The task's version as whoever cancels saw it.
        version: u64,
    },
    /// Something was missed, or may have been: read the store.
    Gap,
}
