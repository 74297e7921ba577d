//! CancelTask (spec section 3.1.5): at once where nobody runs the task, else through its runner, and without it if it stays silent.

use std::time::Duration;

use protocol::{
    A2aError, Answer,
    types::{CancelTaskRequest, TaskState},
};
use tokio::time::Instant;

use crate::{
    CallContext, Engine, Reply,
    answer::with_history,
    commit::unanswerable,
    draft::Draft,
    ports::{Committed, LeaseChange, Scope, Signal, StoredTask, View},
    turn::state_name,
};

/// So long a runner has to confirm.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(5);
/// A task that changes under our hands so often is too busy.
const TRIES: u32 = 16;

impl Engine {
    pub(crate) async fn cancel_task(&self, request: CancelTaskRequest, context: CallContext) -> Result<Reply, A2aError> {
        let scope = self.scope(&context)?;
        let until = Instant::now() + CONFIRMED_WITHIN.min(context.patience());
        let mut asked = false;
        for round in 0..TRIES {
            let stored = self.task_to_cancel(&scope, &request.id, round > 0).await?;
            if stored.task.status.state == TaskState::Canceled {
                return Ok(self.canceled(stored));
            }
            if !asked && stored.lease.as_ref().is_some_and(|(_, until)| *until > self.now()) {
                asked = self.ask_runner(stored, until).await?;
                continue;
            }
            let mut draft = Draft::of(stored);
            draft.end(TaskState::Canceled, None, self.now());
            match self.settle_draft(&mut draft, LeaseChange::Release, false).await.map_err(unanswerable)? {
                Committed::Done => return Ok(self.canceled(draft.stored)),
                Committed::Conflict | Committed::DuplicateMessage { .. } => {}
            }
        }
        Err(A2aError::Unavailable { retry_after_seconds: 1 })
    }

    /// The task, if it can be canceled, or was by somebody since this call first saw it.
    async fn task_to_cancel(&self, scope: &Scope, task_id: &str, seen: bool) -> Result<StoredTask, A2aError> {
        let stored = self.ports().tasks.task(scope, task_id, View::WHOLE).await.map_err(unanswerable)?;
        let stored = stored.ok_or_else(|| A2aError::TaskNotFound { task_id: task_id.to_owned() })?;
        let state = &stored.task.status.state;
        if state.is_terminal() && !(seen && *state == TaskState::Canceled) {
            return Err(A2aError::TaskNotCancelable { task_id: task_id.to_owned(), state: state_name(&stored.task) });
        }
        Ok(stored)
    }

    /// Asks the runner to stop and waits for what it does; `false` where the task changed before it could be asked.
    async fn ask_runner(&self, stored: StoredTask, until: Instant) -> Result<bool, A2aError> {
        let signals = self.ports().events.subscribe(&stored.task.id).await;
        let mut draft = Draft::of(stored);
        if !draft.stored.cancel_requested {
            // The flag outlives the runner: whoever takes over cancels.
            draft.stored.cancel_requested = true;
            let flagged = self.settle_draft(&mut draft, LeaseChange::Keep, false).await.map_err(unanswerable)?;
            if flagged != Committed::Done {
                return Ok(false);
            }
        }
        self.ports().events.publish(&draft.stored.task.id, Signal::Cancel).await;
        self.await_turn(&draft.stored, signals, until).await.map_err(unanswerable)?;
        Ok(true)
    }

    fn canceled(&self, stored: StoredTask) -> Reply {
        let dialect = stored.dialect;
        Reply::Answer { answer: Answer::Task(with_history(self.finished().keep(stored), None)), dialect }
    }
}
