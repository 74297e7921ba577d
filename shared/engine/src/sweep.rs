//! Puts right what lost processes left behind: tasks whose runner went silent, finished tasks past their retention.

use chrono::{DateTime, Utc};
use protocol::types::{Message, Part, Role, TaskState};

use crate::{
    Engine,
    draft::Draft,
    ports::{Committed, LeaseChange, StoreError},
    state::ends_turn,
};

/// So many tasks are looked at or deleted in one statement.
const TASKS_AT_ONCE: u32 = 200;
/// So many statements of a kind in one sweep, so that it ends.
const ROUNDS: u32 = 50;

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Tasks whose runner was lost and that run again.
    pub requeued: u64,
    /// Tasks whose runner was lost too often, and those whose client had asked to cancel them meanwhile.
    pub failed: u64,
    /// Finished tasks past their retention.
    pub deleted: u64,
    /// When the next runner would count as lost; `None` where no task runs.
    pub next_lease_expiry: Option<DateTime<Utc>>,
}

impl Engine {
    /// Puts right what lost processes left behind; safe to run by many at once.
    pub async fn sweep(&self) -> Result<SweepReport, StoreError> {
        let mut report = SweepReport::default();
        for _ in 0..ROUNDS {
            let lost = self.ports().tasks.expired_leases(self.now(), TASKS_AT_ONCE).await?;
            let found = lost.len();
            for stored in lost {
                let mut draft = Draft::of(stored);
                let given_up = give_up(&mut draft, self.settings().max_attempts, self.now());
                let requeue = !given_up && !ends_turn(&draft.stored.task.status.state);
                // A conflict says that somebody else saw to it.
                if self.settle_draft(&mut draft, LeaseChange::Release, requeue).await? == Committed::Done {
                    report.requeued += u64::from(requeue);
                    report.failed += u64::from(given_up);
                }
            }
            if found < TASKS_AT_ONCE as usize {
                break;
            }
        }
        // What the queue can't take yet stays where it is; retention must not wait for it.
        if let Err(error) = self.ports().queue.recover().await {
            tracing::error!(%error, "committed work wasn't carried to the queue; the next sweep tries again");
        }
        let before = self.now() - self.settings().retention;
        for _ in 0..ROUNDS {
            let deleted = self.ports().tasks.delete_finished(before, TASKS_AT_ONCE).await?;
            report.deleted += deleted;
            if deleted < u64::from(TASKS_AT_ONCE) {
                break;
            }
        }
        report.next_lease_expiry = self.ports().tasks.next_lease_expiry().await?;
        Ok(report)
    }
}

/// Ends a turn that nobody runs and nobody is to run again: one that was to be canceled, or was started too often. Says whether it did.
pub(crate) fn give_up(draft: &mut Draft, max_attempts: u32, now: DateTime<Utc>) -> bool {
    if ends_turn(&draft.stored.task.status.state) {
        return false;
    }
    if draft.stored.cancel_requested {
        draft.end(TaskState::Canceled, None, now);
        return true;
    }
    let attempts = draft.stored.attempts;
    if attempts < max_attempts {
        return false;
    }
    let times = if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
    let reason = format!("the task was started {times} and interrupted each time before it ended");
    draft.end(TaskState::Failed, Some(Message::new(Role::Agent, vec![Part::text(reason)])), now);
    true
}
