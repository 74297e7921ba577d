//! Queued work: what a worker does with a piece of it, and what becomes of the piece.

use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    Caller, Engine, Role,
    draft::Draft,
    ports::{Committed, Delivery, Job, LeaseChange, StoreError, StoredTask, View, Work},
    run_task::{Ended, Turn},
    state::ends_turn,
    sweep::give_up,
    turn::{JOB_HISTORY, TRACEPARENT, traceparent},
};

/// Work that failed for a reason of ours comes again after the first of these pauses, which double up to the second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What came of a piece of queued work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkOutcome {
    /// Done, or nothing left to do.
    Done,
    /// Worth another try after a while.
    Retry {
        /// How long to wait.
        delay: Duration,
    },
    /// It will never succeed.
    Park {
        /// Why, for the dead letters.
        reason: String,
    },
}

impl Engine {
    /// Does a piece of queued work, then completes, retries or parks it on the queue that it came from; says which.
    pub async fn work(&self, delivery: &Delivery) -> Result<WorkOutcome, StoreError> {
        let outcome = match &delivery.work {
            Work::RunTask { task_id } => self.run_task(task_id).await,
            Work::DeliverPush { task_id, config_id } => self.deliver_push(task_id, config_id, delivery.attempt, delivery.queued_at).await,
            Work::PostWebhook(post) => Ok(self.post_webhook(post, delivery.attempt, delivery.queued_at).await),
        };
        let outcome = outcome.unwrap_or_else(|error| {
            tracing::error!(work = delivery.work.key(), %error, "queued work failed");
            WorkOutcome::Retry { delay: pause(delivery.attempt) }
        });
        let queue = &self.ports().queue;
        match &outcome {
            WorkOutcome::Done => queue.complete(delivery).await?,
            WorkOutcome::Retry { delay } => queue.retry(delivery, *delay).await?,
            WorkOutcome::Park { reason } => queue.park(delivery, reason).await?,
        }
        Ok(outcome)
    }

    /// Runs the present turn of a task, if it waits for a runner. Run twice, it changes nothing.
    pub async fn run_task(&self, task_id: &str) -> Result<WorkOutcome, StoreError> {
        loop {
            let view = View { history_length: Some(JOB_HISTORY), artifacts: true };
            let Some(stored) = self.ports().tasks.task_of_any_owner(task_id, view).await? else { return Ok(WorkOutcome::Done) };
            let held = stored.lease.as_ref().is_some_and(|(_, until)| *until > self.now());
            if held || ends_turn(&stored.task.status.state) {
                // Whoever holds it finishes it; if that runner is lost, the sweep queues the task anew.
                return Ok(WorkOutcome::Done);
            }
            let mut draft = Draft::of(stored);
            if give_up(&mut draft, self.settings().max_attempts, self.now()) {
                if self.settle_draft(&mut draft, LeaseChange::Release, false).await? == Committed::Done {
                    return Ok(WorkOutcome::Done);
                }
                continue;
            }
            let Ok(agent) = self.agent_of(&draft.stored) else {
                return Ok(WorkOutcome::Park { reason: format!("the agent `{}` isn't served here", draft.stored.agent) });
            };
            let runner = uuid::Uuid::now_v7().to_string();
            draft.stored.attempts += 1;
            let lease = LeaseChange::Hold { runner: runner.clone(), until: self.now() + self.settings().lease };
            if self.settle_draft(&mut draft, lease, false).await? != Committed::Done {
                continue;
            }
            let job = self.job(&draft.stored).await?;
            // The line of the request that asked for it is another process's.
            let trace_id = traceparent(&draft.stored).and_then(|parent| parent.split('-').nth(1)).unwrap_or_default();
            tracing::info!(target: "a2a::work", task_id, trace_id, agent = draft.stored.agent, attempt = draft.stored.attempts, "a turn is taken up");
            let turn = Turn { draft, agent, job };
            // The executor guards against panics of agents itself; this is for ours.
            return Ok(match std::panic::AssertUnwindSafe(self.run_held(turn, runner)).catch_unwind().await {
                Ok(Ended::Error(_)) | Err(_) => WorkOutcome::Retry { delay: self.settings().lease },
                Ok(_) => WorkOutcome::Done,
            });
        }
    }

    /// The job of a task's present turn, as it was when its message came.
    async fn job(&self, stored: &StoredTask) -> Result<Job, StoreError> {
        let mut history = stored.task.history.clone().unwrap_or_default();
        let mut asked = history.iter().rposition(|message| message.role == protocol::types::Role::User);
        if asked.is_none() {
            // The agent said so much since that the window shows none of the client's words.
            let whole = self.ports().tasks.task_of_any_owner(&stored.task.id, View::WHOLE).await?;
            history = whole.and_then(|stored| stored.task.history).unwrap_or_default();
            asked = history.iter().rposition(|message| message.role == protocol::types::Role::User);
        }
        history.truncate(asked.map_or(0, |place| place + 1));
        let message = history.pop().unwrap_or_else(|| protocol::types::Message::new(protocol::types::Role::User, Vec::new()));
        history.drain(..history.len().saturating_sub(JOB_HISTORY as usize));
        let caller = Caller { owner: stored.owner.clone(), role: stored.caller_role.parse().unwrap_or(Role::Public) };
        Ok(Job {
            task_id: stored.task.id.clone(),
            context_id: stored.task.context_id.clone(),
            referenced_tasks: self.referenced_tasks(&caller, &message).await?,
            message,
            history,
            metadata: stored
                .request_metadata
                .iter()
                .filter(|(name, _)| *name != TRACEPARENT)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            caller,
            cancellation: CancellationToken::new(),
        })
    }
}

/// How long to wait after the so-manieth failed try, which counts from 1.
pub(crate) fn pause(attempt: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}
