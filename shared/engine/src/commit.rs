//! Storing a change, and telling about it afterwards.

use std::{sync::Arc, time::Duration};

use protocol::A2aError;

use crate::{
    Engine,
    draft::Draft,
    ports::{Change, Committed, LeaseChange, Signal, StoreError},
};

/// How often a change is tried while the store is away, the pause doubling from [`FIRST_PAUSE`].
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

impl Engine {
    /// Stores a change, with patience for a store that is away for a moment.
    ///
    /// After such a moment a `Conflict` may mean that an earlier try got through after all.
    pub(crate) async fn store(&self, change: &Arc<Change>) -> Result<Committed, StoreError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.ports().tasks.commit(change.clone()).await {
                Err(StoreError::Unavailable(cause)) => tracing::warn!(task_id = change.task_id, %cause, "the store is away; trying again"),
                other => return other,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.ports().tasks.commit(change.clone()).await
    }

    /// Tells subscribers and workers about a change that is stored.
    pub(crate) async fn tell(&self, change: &Change) {
        if !change.events.is_empty() {
            self.ports().events.publish(&change.task_id, Signal::Events(change.events.clone())).await;
        }
        self.announce(change).await;
    }

    /// Wakes workers for the work of a change that is stored. Without it they find it later by themselves.
    pub(crate) async fn announce(&self, change: &Change) {
        if !change.work.is_empty()
            && let Err(error) = self.ports().queue.announce(&change.work).await
        {
            tracing::warn!(task_id = change.task_id, %error, "workers weren't told of new work; they will find it");
        }
    }

    /// Stores a draft outside of a run, and tells about it.
    pub(crate) async fn settle_draft(&self, draft: &mut Draft, lease: LeaseChange, requeue: bool) -> Result<Committed, StoreError> {
        let change = Arc::new(draft.take_change(lease, requeue, self.now()));
        let committed = self.store(&change).await?;
        if committed == Committed::Done {
            draft.confirm(&change);
            self.tell(&change).await;
        }
        Ok(committed)
    }
}

/// What a client is told of a failing store. This is where such a failure is logged.
pub(crate) fn unanswerable(error: StoreError) -> A2aError {
    match error {
        StoreError::BadPageToken => A2aError::invalid("pageToken", "is not one that this list gave"),
        StoreError::Unavailable(cause) => {
            tracing::error!(%cause, "the store is unavailable");
            A2aError::Unavailable { retry_after_seconds: 1 }
        }
        StoreError::Failed(cause) => {
            tracing::error!(%cause, "the store failed");
            A2aError::Internal
        }
    }
}
