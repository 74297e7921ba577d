//! SubscribeToTask (spec section 3.1.6), and streams that are taken up again.
//!
//! The first item is the task. A new subscriber gets it as it stands. One that resumes with `Last-Event-ID` gets it as of that
//! event, without a sequence of its own, and then exactly the events that it missed: nothing is lost and nothing comes twice.

use futures::{StreamExt, stream::BoxStream};
use protocol::{
    A2aError,
    types::{StreamResponse, SubscribeToTaskRequest, TaskState},
};
use tokio::time::Instant;

use super::send_streaming_message::{Items, reached};
use crate::{
    CallContext, Engine, Reply, StreamItem,
    commit::unanswerable,
    follow::Place,
    ports::{AgentProfile, SequencedEvent, Signal, StoredTask, View},
    state::as_of,
    turn::state_name,
};

const EVENTS_AT_ONCE: u32 = 500;

impl Engine {
    pub(crate) async fn subscribe_to_task(&self, request: SubscribeToTaskRequest, context: CallContext) -> Result<Reply, A2aError> {
        let (scope, until) = (self.scope(&context)?, context.stream_until());
        self.require_streaming(self.agents_of(scope.agent.as_deref()))?;
        let signals = self.ports().events.subscribe(&request.id).await;
        let stored = self.ports().tasks.task(&scope, &request.id, View::WHOLE).await.map_err(unanswerable)?;
        let stored = stored.ok_or_else(|| A2aError::TaskNotFound { task_id: request.id.clone() })?;
        self.require_streaming(std::iter::once(self.agent_of(&stored)?.profile()))?;
        if let Some(after) = context.last_event_id {
            return self.resume(stored, after, None, signals, until).await;
        }
        if stored.task.status.state.is_terminal() {
            let reason = format!("task `{}` is {}: nothing more will happen to it", request.id, state_name(&stored.task));
            return Err(A2aError::UnsupportedOperation { reason });
        }
        let (dialect, after) = (stored.dialect, stored.last_sequence);
        let first = StreamItem { sequence: Some(after), event: StreamResponse::Task(stored.task) };
        let rest = self.items(request.id, Place { after, behind: false }, signals, until);
        Ok(Reply::Stream { events: futures::stream::iter([Ok(first)]).chain(rest).boxed(), dialect })
    }

    /// The stream of a message that was sent before: of the whole task where the message made it, else of its latest turn.
    pub(crate) async fn replay(&self, task_id: &str, new_task: bool, context: &CallContext) -> Result<Reply, A2aError> {
        let (scope, until) = (self.scope(context)?, context.stream_until());
        let signals = self.ports().events.subscribe(task_id).await;
        let stored = self.ports().tasks.task(&scope, task_id, View::WHOLE).await.map_err(unanswerable)?;
        let stored = stored.ok_or_else(|| A2aError::TaskNotFound { task_id: task_id.to_owned() })?;
        match context.last_event_id {
            Some(after) => self.resume(stored, after, None, signals, until).await,
            None if new_task => self.resume(stored, 0, Some(0), signals, until).await,
            None => {
                let begun = turn_begin(&self.events_until(task_id, stored.last_sequence).await?);
                self.resume(stored, begun, Some(begun), signals, until).await
            }
        }
    }

    /// The task as of the event `after`, then everything that followed.
    async fn resume(
        &self,
        stored: StoredTask,
        after: u64,
        sequence: Option<u64>,
        signals: BoxStream<'static, Signal>,
        until: Option<Instant>,
    ) -> Result<Reply, A2aError> {
        let after = after.min(stored.last_sequence);
        let heard = self.events_until(&stored.task.id, after).await?;
        let mut first = as_of(&stored.task, heard.iter().map(|event| &event.event));
        if after == 0 {
            first.history = stored.task.history.as_ref().and_then(|history| history.first()).map(|message| vec![message.clone()]);
        }
        let first = StreamItem { sequence, event: StreamResponse::Task(first) };
        let dialect = stored.dialect;
        let first = futures::stream::iter([Ok(first)]);
        if after == stored.last_sequence && stored.task.status.state.is_terminal() {
            return Ok(Reply::Stream { events: first.boxed(), dialect });
        }
        let place = Place { after, behind: after < stored.last_sequence };
        let rest = self.items(stored.task.id, place, signals, until);
        Ok(Reply::Stream { events: first.chain(rest).boxed(), dialect })
    }

    /// What follows a place in a task's events, as a client is told: to the end of the turn, or as long as the stream may last.
    pub(crate) fn items(&self, task_id: String, place: Place, signals: BoxStream<'static, Signal>, until: Option<Instant>) -> Items {
        let events = self.follow(task_id, place, signals).take_until(Box::pin(reached(until)));
        let item = |event: SequencedEvent| StreamItem { sequence: Some(event.sequence), event: event.event };
        events.map(move |event| event.map(item).map_err(unanswerable)).boxed()
    }

    /// Whether one of these agents streams (spec section 3.3.4).
    pub(crate) fn require_streaming<'a>(&self, mut profiles: impl Iterator<Item = &'a AgentProfile>) -> Result<(), A2aError> {
        let reason = "this agent doesn't support streaming";
        if profiles.any(|profile| profile.streaming) { Ok(()) } else { Err(A2aError::UnsupportedOperation { reason: reason.into() }) }
    }

    async fn events_until(&self, task_id: &str, last: u64) -> Result<Vec<SequencedEvent>, A2aError> {
        let mut events: Vec<SequencedEvent> = Vec::new();
        loop {
            let after = events.last().map_or(0, |event| event.sequence);
            if after >= last {
                break;
            }
            let more = self.ports().tasks.events(task_id, after, EVENTS_AT_ONCE).await.map_err(unanswerable)?;
            if more.is_empty() {
                break;
            }
            events.extend(more);
        }
        events.retain(|event| event.sequence <= last);
        Ok(events)
    }
}

/// The sequence of the event that began the latest turn; 0 for the first one, which no event begins.
fn turn_begin(events: &[SequencedEvent]) -> u64 {
    let begins =
        |event: &&SequencedEvent| matches!(&event.event, StreamResponse::StatusUpdate(update) if update.status.state == TaskState::Submitted);
    events.iter().rev().find(begins).map_or(0, |event| event.sequence)
}
