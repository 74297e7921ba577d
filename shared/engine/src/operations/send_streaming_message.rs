//! SendStreamingMessage (spec section 3.1.2): first the task or the one message, then what happens, until the turn is over.

use futures::{StreamExt, stream::BoxStream};
use protocol::{
    A2aError, SendMessage,
    types::{StreamResponse, Task},
};
use tokio::time::{Instant, sleep_until};

use super::send_message::TRIES;
use crate::{
    CallContext, Engine, Reply, StreamItem,
    answer::{history_length, with_history},
    commit::unanswerable,
    follow::Place,
    ports::{Committed, LeaseChange},
    run_task::{Ended, Pace, Running, Told, Turn},
    turn::Prepared,
};

pub(crate) type Items = BoxStream<'static, Result<StreamItem, A2aError>>;

impl Engine {
    pub(crate) async fn send_streaming_message(&self, send: SendMessage, context: CallContext) -> Result<Reply, A2aError> {
        let until = context.stream_until();
        let scope = self.scope(&context)?;
        self.require_streaming(self.agents_of(scope.agent.as_deref()))?;
        let configuration = send.request.configuration.as_ref();
        let history_length = configuration.and_then(|configuration| history_length(configuration.history_length));
        let new_task = send.request.message.task_id.is_none();
        for _ in 0..TRIES {
            let turn = match self.prepare(&send, &context).await? {
                Prepared::Turn(turn) => *turn,
                Prepared::Again(task_id) => return self.replay(&task_id, new_task, &context).await,
            };
            self.require_streaming(std::iter::once(turn.agent.profile()))?;
            let dialect = turn.draft.stored.dialect;
            let first = first_item(turn.draft.stored.task.clone(), turn.draft.stored.last_sequence, history_length);
            let ended = if turn.agent.profile().long_running {
                match self.stream_queued(turn, first, until).await? {
                    Ok(events) => return Ok(Reply::Stream { events, dialect }),
                    Err(ended) => ended,
                }
            } else {
                let mut running = self.start(turn, Pace::Eager);
                match running.told.recv().await {
                    Some(Told::Begun) => return Ok(Reply::Stream { events: self.stream_inline(running, first, until), dialect }),
                    Some(Told::Ended(ended)) => ended,
                    Some(Told::Events(_)) | None => return Err(A2aError::Internal),
                }
            };
            match ended {
                Ended::Message(message) => {
                    let item = StreamItem { sequence: None, event: StreamResponse::Message(*message) };
                    return Ok(Reply::Stream { events: futures::stream::iter([Ok(item)]).boxed(), dialect });
                }
                Ended::Duplicate(task_id) => return self.replay(&task_id, new_task, &context).await,
                Ended::Error(error) => return Err(error),
                Ended::Conflict | Ended::Lost => {}
                Ended::Stored(_) => return Err(A2aError::Internal),
            }
        }
        Err(A2aError::Unavailable { retry_after_seconds: 1 })
    }

    /// What a run here tells, until it ends or the stream has to. Where the process doesn't outlive the response, the rest is left to the queue then.
    fn stream_inline(&self, running: Running, first: StreamItem, until: Option<Instant>) -> Items {
        let engine = self.clone();
        let task_id = task_id(&first);
        async_stream::stream! {
            let mut after = first.sequence.unwrap_or(0);
            yield Ok(first);
            let mut running = running;
            loop {
                let told = tokio::select! {
                    biased;
                    told = running.told.recv() => told,
                    () = reached(until) => break,
                };
                match told {
                    Some(Told::Begun) => {}
                    Some(Told::Events(events)) => {
                        for event in events.iter().filter(|event| event.sequence > after) {
                            yield Ok(StreamItem { sequence: Some(event.sequence), event: event.event.clone() });
                        }
                        after = events.last().map_or(after, |event| event.sequence.max(after));
                    }
                    Some(Told::Ended(Ended::Error(error))) => {
                        yield Err(error);
                        return;
                    }
                    Some(Told::Ended(Ended::Lost)) | None => {
                        let signals = engine.ports().events.subscribe(&task_id).await;
                        let mut rest = engine.items(task_id, Place { after, behind: true }, signals, until);
                        while let Some(item) = rest.next().await {
                            yield item;
                        }
                        return;
                    }
                    Some(Told::Ended(_)) => return,
                }
            }
            if engine.settings().outlives_response {
                return;
            }
            let mut told = running.hand_over();
            while let Some(told) = told.recv().await {
                if let Told::Events(events) = told {
                    for event in events.iter().filter(|event| event.sequence > after) {
                        yield Ok(StreamItem { sequence: Some(event.sequence), event: event.event.clone() });
                    }
                    after = events.last().map_or(after, |event| event.sequence.max(after));
                }
            }
        }
        .boxed()
    }

    /// What a worker's run tells; the outer error is the caller's, the inner one says why there is nothing to follow.
    async fn stream_queued(&self, turn: Turn, first: StreamItem, until: Option<Instant>) -> Result<Result<Items, Ended>, A2aError> {
        let mut draft = turn.draft;
        let task_id = draft.stored.task.id.clone();
        let signals = self.ports().events.subscribe(&task_id).await;
        match self.settle_draft(&mut draft, LeaseChange::Keep, true).await.map_err(unanswerable)? {
            Committed::Done => {}
            Committed::Conflict => return Ok(Err(Ended::Conflict)),
            Committed::DuplicateMessage { task_id } => return Ok(Err(Ended::Duplicate(task_id))),
        }
        let rest = self.items(task_id, Place { after: draft.stored.last_sequence, behind: false }, signals, until);
        Ok(Ok(futures::stream::iter([Ok(first)]).chain(rest).boxed()))
    }
}

/// Waits for a time, if there is one.
pub(crate) async fn reached(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

fn first_item(task: Task, sequence: u64, history_length: Option<u32>) -> StreamItem {
    let task = std::sync::Arc::unwrap_or_clone(with_history(std::sync::Arc::new(task), history_length));
    StreamItem { sequence: Some(sequence), event: StreamResponse::Task(task) }
}

fn task_id(first: &StreamItem) -> String {
    match &first.event {
        StreamResponse::Task(task) => task.id.clone(),
        _ => String::new(),
    }
}
