//! CancelTask (spec section 3.1.5): at once where nobody runs the task, else through its runner, and without it if it stays silent.

use std::time::Duration;

use futures::{
    StreamExt,
    stream::{BoxStream, select},
};
use protocol::{
    A2aError, Answer,
    types::{CancelTaskRequest, TaskState},
};
use tokio::time::{Instant, sleep};

use crate::{
    CallContext, Engine, Reply,
    answer::with_history,
    commit::unanswerable,
    draft::Draft,
    ports::{Committed, LeaseChange, Scope, Signal, StoredTask, View},
    turn::state_name,
};

/// How often a runner looks whether its task is to be canceled. A task that ends sooner costs no look.
const LOOK: Duration = Duration::from_secs(1);
/// So long a runner has to confirm.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(5);
/// A task that changes under our hands so often is too busy.
const TRIES: u32 = 64;

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
                self.ask_runner(&stored, until).await?;
                asked = true;
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

    /// Asks the runner to stop and waits for what it does.
    async fn ask_runner(&self, stored: &StoredTask, until: Instant) -> Result<(), A2aError> {
        let task_id = &stored.task.id;
        let signals = self.ports().events.subscribe(task_id).await;
        // Before the flag, which a busy runner can be faster than for a while; after it, for a runner that didn't listen yet.
        self.ports().events.publish(task_id, Signal::Cancel { version: stored.version }).await;
        if let Some(version) = self.flag(task_id).await? {
            self.ports().events.publish(task_id, Signal::Cancel { version }).await;
        }
        self.await_turn(stored, signals, until).await.map_err(unanswerable)?;
        Ok(())
    }

    /// Stores that the task is to be canceled, and gives its version then; `None` if nobody runs it any more. The flag outlives the
    /// runner: whoever takes over cancels.
    async fn flag(&self, task_id: &str) -> Result<Option<u64>, A2aError> {
        for _ in 0..TRIES {
            let found = self.ports().tasks.task_of_any_owner(task_id, View::STATUS).await.map_err(unanswerable)?;
            let Some(stored) = found.filter(|stored| stored.lease.is_some()) else { break };
            if stored.cancel_requested {
                return Ok(Some(stored.version));
            }
            let mut draft = Draft::of(stored);
            draft.stored.cancel_requested = true;
            if self.settle_draft(&mut draft, LeaseChange::Keep, false).await.map_err(unanswerable)? == Committed::Done {
                return Ok(Some(draft.stored.version));
            }
        }
        Ok(None)
    }

    /// What a runner of the task hears: the bus and, as that may not reach from the process that set it, each [`LOOK`] of the flag.
    pub(crate) async fn told_to_runner(&self, task_id: &str) -> BoxStream<'static, Signal> {
        let told = self.ports().events.subscribe(task_id).await;
        let (tasks, task_id) = (self.ports().tasks.clone(), task_id.to_owned());
        let flagged = async_stream::stream! {
            loop {
                sleep(LOOK).await;
                let found = tasks.task_of_any_owner(&task_id, View::STATUS).await;
                if let Ok(Some(stored)) = found && stored.cancel_requested {
                    yield Signal::Cancel { version: stored.version };
                }
            }
        };
        select(told, flagged).boxed()
    }

    fn canceled(&self, stored: StoredTask) -> Reply {
        let dialect = stored.dialect;
        Reply::Answer { answer: Answer::Task(with_history(self.finished().keep(stored), None)), dialect }
    }
}
