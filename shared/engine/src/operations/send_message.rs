//! SendMessage (spec section 3.1.1): inline where the agent is quick, through the queue where nobody is to wait for it here.

use futures::stream::BoxStream;
use protocol::{A2aError, Answer, SendMessage};
use tokio::time::{Instant, sleep_until};

use crate::{
    CallContext, Engine, Reply,
    answer::{history_length, with_history},
    commit::unanswerable,
    ports::{Committed, LeaseChange, Signal, StoredTask, View},
    run_task::{Ended, Pace, Told, Turn},
    state::ends_turn,
    turn::Prepared,
};

/// A message that meets a changing task is looked at anew so often.
pub(crate) const TRIES: u32 = 4;

impl Engine {
    pub(crate) async fn send_message(&self, send: SendMessage, context: CallContext) -> Result<Reply, A2aError> {
        let deadline = Instant::now() + context.patience();
        let configuration = send.request.configuration.as_ref();
        let history_length = configuration.and_then(|configuration| history_length(configuration.history_length));
        let return_immediately = configuration.and_then(|configuration| configuration.return_immediately).unwrap_or(false);
        for _ in 0..TRIES {
            let turn = match self.prepare(&send, &context).await? {
                Prepared::Turn(turn) => *turn,
                Prepared::Again(task_id) => return self.answer_again(&task_id, return_immediately, deadline, history_length, &context).await,
            };
            let ended = if return_immediately || turn.agent.profile().long_running {
                self.run_queued(turn, return_immediately, deadline).await?
            } else {
                self.run_inline(turn, deadline).await?
            };
            match ended {
                Ended::Stored(stored) => return self.answer(*stored, history_length).await,
                Ended::Message(message) => return context.reply(Answer::Message(message)),
                Ended::Duplicate(task_id) => {
                    return self.answer_again(&task_id, return_immediately, deadline, history_length, &context).await;
                }
                Ended::Error(error) => return Err(error),
                Ended::Conflict | Ended::Lost => {}
            }
        }
        Err(A2aError::Unavailable { retry_after_seconds: 1 })
    }

    /// Runs the turn here. At the deadline the answer is the task as it stands; the run goes on, or is left to the queue.
    async fn run_inline(&self, turn: Turn, deadline: Instant) -> Result<Ended, A2aError> {
        let task_id = turn.job.task_id.clone();
        let mut running = self.start(turn, Pace::Patient);
        let mut begun = false;
        let mut late = false;
        let ended = loop {
            tokio::select! {
                biased;
                told = running.told.recv() => match told {
                    Some(Told::Begun) => begun = true,
                    Some(Told::Events(_)) => {}
                    Some(Told::Ended(ended)) => break ended,
                    None => return Err(A2aError::Internal),
                },
                () = sleep_until(deadline), if !late => late = true,
            }
            if late && begun {
                if self.settings().outlives_response {
                    return self.as_it_stands(&task_id).await;
                }
                let mut told = running.hand_over();
                loop {
                    match told.recv().await {
                        Some(Told::Ended(ended)) => return Ok(ended),
                        Some(_) => {}
                        None => return Err(A2aError::Internal),
                    }
                }
            }
        };
        match ended {
            Ended::Lost => self.as_it_stands(&task_id).await,
            other => Ok(other),
        }
    }

    /// Leaves the turn to a worker and waits for it, unless the answer is wanted at once.
    async fn run_queued(&self, turn: Turn, return_immediately: bool, deadline: Instant) -> Result<Ended, A2aError> {
        let mut draft = turn.draft;
        let signals = if return_immediately { None } else { Some(self.ports().events.subscribe(&draft.stored.task.id).await) };
        match self.settle_draft(&mut draft, LeaseChange::Keep, true).await.map_err(unanswerable)? {
            Committed::Done => {}
            Committed::Conflict => return Ok(Ended::Conflict),
            Committed::DuplicateMessage { task_id } => return Ok(Ended::Duplicate(task_id)),
        }
        match signals {
            None => Ok(Ended::Stored(Box::new(draft.stored))),
            Some(signals) => self.at_the_end(draft.stored, signals, deadline).await.map(|stored| Ended::Stored(Box::new(stored))),
        }
    }

    /// Answers a message that was sent before with the task that it made, once that ended or waits for the client.
    async fn answer_again(
        &self,
        task_id: &str,
        return_immediately: bool,
        deadline: Instant,
        history_length: Option<u32>,
        context: &CallContext,
    ) -> Result<Reply, A2aError> {
        let scope = self.scope(context)?;
        let signals = self.ports().events.subscribe(task_id).await;
        let stored = self.ports().tasks.task(&scope, task_id, View::WHOLE).await.map_err(unanswerable)?;
        let stored = stored.ok_or_else(|| A2aError::TaskNotFound { task_id: task_id.to_owned() })?;
        let stored = if return_immediately { stored } else { self.at_the_end(stored, signals, deadline).await? };
        self.answer(stored, history_length).await
    }

    /// The task when its turn is over, or as it stands at the deadline.
    async fn at_the_end(&self, stored: StoredTask, signals: BoxStream<'static, Signal>, deadline: Instant) -> Result<StoredTask, A2aError> {
        if ends_turn(&stored.task.status.state) {
            return Ok(stored);
        }
        let ended = self.await_turn(&stored, signals, deadline).await.map_err(unanswerable)?;
        ended.ok_or(A2aError::TaskNotFound { task_id: stored.task.id })
    }

    async fn as_it_stands(&self, task_id: &str) -> Result<Ended, A2aError> {
        let stored = self.ports().tasks.task_of_any_owner(task_id, View::WHOLE).await.map_err(unanswerable)?;
        stored.map(|stored| Ended::Stored(Box::new(stored))).ok_or_else(|| A2aError::TaskNotFound { task_id: task_id.to_owned() })
    }

    /// The answer that shows this task. More history than is at hand is read from the store.
    async fn answer(&self, stored: StoredTask, history_length: Option<u32>) -> Result<Reply, A2aError> {
        let held = stored.task.history.as_ref().map_or(0, Vec::len) as u64;
        let wanted = history_length.map_or(stored.message_count, |wanted| stored.message_count.min(wanted.into()));
        let stored = if held < wanted {
            let view = View { history_length, artifacts: true };
            let read = self.ports().tasks.task_of_any_owner(&stored.task.id, view).await.map_err(unanswerable)?;
            read.unwrap_or(stored)
        } else {
            stored
        };
        let dialect = stored.dialect;
        Ok(Reply::Answer { answer: Answer::Task(with_history(self.finished().keep(stored), history_length)), dialect })
    }
}
