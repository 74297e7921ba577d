//! Storing a change, and telling about it afterwards.

use std::{sync::Arc, time::Duration};

use protocol::A2aError;

use crate::{
    Engine, TurnEnd,
    draft::Draft,
    patience::Patience,
    ports::{Change, Committed, Expect, LeaseChange, Signal, StoreError, View},
    state::ends_turn,
};

/// So long somebody who waits for an answer waits for a store that is away.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

impl Engine {
    /// Stores a change, and tries for so long while the store is away.
    ///
    /// A try that seemed to fail may have got through all the same: then the next one finds the change made, and that is success.
    pub(crate) async fn store(&self, change: &Arc<Change>, patience: Duration) -> Result<Committed, StoreError> {
        let mut patience = Patience::of(patience);
        let mut unsure = false;
        loop {
            let outcome = match self.ports().tasks.commit(change.clone()).await {
                Ok(Committed::Done) => return Ok(Committed::Done),
                Ok(refused) if unsure => self.is_made(change).await.map(|made| if made { Committed::Done } else { refused }),
                other => other,
            };
            match outcome {
                Err(error) => patience.bear(error).await?,
                outcome => return outcome,
            }
            unsure = true;
        }
    }

    /// Whether the task stands as this very change leaves it.
    async fn is_made(&self, change: &Change) -> Result<bool, StoreError> {
        let Some(stored) = self.ports().tasks.task_of_any_owner(&change.task_id, View::STATUS).await? else { return Ok(false) };
        let version = match &change.expect {
            Expect::New(_) => 1,
            Expect::Version(before) => before + 1,
        };
        let leased = match &change.lease {
            LeaseChange::Hold { runner, until } => stored.lease == Some((runner.clone(), *until)),
            LeaseChange::Release => stored.lease.is_none(),
            LeaseChange::Keep => true,
        };
        let told = change.events.last().is_none_or(|last| last.sequence == stored.last_sequence);
        Ok(stored.version == version && leased && told && stored.task.status == change.status && stored.cancel_requested == change.cancel_requested)
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

    /// Whoever counts turns hears of one that this change ended.
    pub(crate) fn tell_of_end(&self, draft: &Draft, change: &Change) {
        let state = &change.status.state;
        if change.lease == LeaseChange::Release && ends_turn(state) {
            let took = change.status.timestamp.unwrap_or(change.now).signed_duration_since(draft.since()).to_std().unwrap_or_default();
            (self.settings().on_turn_end)(&TurnEnd { agent: &draft.stored.agent, state, took });
        }
    }

    /// Stores a draft outside of a run, and tells about it.
    pub(crate) async fn settle_draft(&self, draft: &mut Draft, lease: LeaseChange, requeue: bool) -> Result<Committed, StoreError> {
        let change = Arc::new(draft.take_change(lease, requeue, self.now()));
        let committed = self.store(&change, ANSWERED_WITHIN).await?;
        if committed == Committed::Done {
            draft.confirm(&change);
            self.tell_of_end(draft, &change);
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
