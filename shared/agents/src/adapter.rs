//! Runs an executor that was written for the official Rust SDK: its events become our updates.

use std::{collections::HashMap, sync::Arc};

use a2a_server::{AgentExecutor, ExecutorContext, User};
use engine::ports::{Agent, AgentError, AgentProfile, Job, Update};
use futures::{StreamExt, stream::BoxStream};
use protocol::types::{A2AError, StreamResponse, Task, TaskState, TaskStatus};

/// An executor of the official SDK as an [`Agent`].
///
/// The executor sees what the SDK's own server shows it: the message, the task so far, the request's metadata and the caller. Its service
/// parameters are empty, because they end at the door. An error that it tells fails the task with its message.
pub struct ExecutorAgent<E> {
    profile: AgentProfile,
    executor: Arc<E>,
}

impl<E: AgentExecutor> ExecutorAgent<E> {
    /// `profile` says of the executor what the SDK would take from its card.
    pub fn new(profile: AgentProfile, executor: E) -> Self {
        ExecutorAgent { profile, executor: Arc::new(executor) }
    }
}

impl<E: AgentExecutor> Agent for ExecutorAgent<E> {
    fn profile(&self) -> &AgentProfile {
        &self.profile
    }

    fn run(&self, job: Job) -> BoxStream<'static, Result<Update, AgentError>> {
        let executor = Arc::clone(&self.executor);
        let tenant = self.profile.id.clone();
        Box::pin(async_stream::stream! {
            let cancellation = job.cancellation.clone();
            let mut events = executor.execute(context(&job, &tenant));
            loop {
                let event = tokio::select! {
                    biased;
                    () = cancellation.cancelled() => break,
                    event = events.next() => event,
                };
                let Some(event) = event else { return };
                for update in updates(event) {
                    yield update;
                }
            }
            // What `execute` was doing ends here, as in the SDK; `cancel` has the last word.
            drop(events);
            let mut events = executor.cancel(context(&job, &tenant));
            while let Some(event) = events.next().await {
                for update in updates(event) {
                    yield update;
                }
            }
        })
    }
}

fn context(job: &Job, tenant: &str) -> ExecutorContext {
    // A first turn has no task yet.
    let stored_task = (!job.history.is_empty()).then(|| Task {
        id: job.task_id.clone(),
        context_id: job.context_id.clone(),
        status: TaskStatus { state: TaskState::InputRequired, message: None, timestamp: None },
        artifacts: None,
        history: Some(job.history.clone()),
        metadata: None,
    });
    let user = User { name: job.caller.owner.clone(), authenticated: job.caller.is_authenticated(), attributes: HashMap::new() };
    ExecutorContext {
        message: Some(job.message.clone()),
        task_id: job.task_id.clone(),
        stored_task,
        context_id: job.context_id.clone(),
        metadata: (!job.metadata.is_empty()).then(|| job.metadata.clone()),
        user: Some(user),
        service_params: HashMap::new(),
        tenant: Some(tenant.into()),
    }
}

/// A task is told as a whole by the SDK: as its artifacts and its state it is the same here.
fn updates(event: Result<StreamResponse, A2AError>) -> Vec<Result<Update, AgentError>> {
    let status = |status: TaskStatus| Update::Status { state: status.state, message: status.message };
    match event {
        Err(error) => vec![Err(AgentError::new(error.message))],
        Ok(StreamResponse::Message(message)) => vec![Ok(Update::Message(message))],
        Ok(StreamResponse::StatusUpdate(event)) => vec![Ok(status(event.status))],
        Ok(StreamResponse::ArtifactUpdate(event)) => vec![Ok(Update::Artifact {
            artifact: event.artifact,
            append: event.append.unwrap_or(false),
            last_chunk: event.last_chunk.unwrap_or(false),
        })],
        Ok(StreamResponse::Task(task)) => {
            let whole = |artifact| Ok(Update::Artifact { artifact, append: false, last_chunk: true });
            let mut updates: Vec<_> = task.artifacts.unwrap_or_default().into_iter().map(whole).collect();
            // Submitted is what it is already.
            if !matches!(task.status.state, TaskState::Submitted | TaskState::Unspecified) {
                updates.push(Ok(status(task.status)));
            }
            updates
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use protocol::types::{Part, TaskArtifactUpdateEvent, TaskStatusUpdateEvent};

    use super::*;
    use crate::{
        echo::EchoAgent,
        say,
        testing::{job, text_message},
    };

    /// Counts the words of the message; waits for ever where it has none.
    struct Words;

    fn status(context: &ExecutorContext, state: TaskState) -> StreamResponse {
        StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: context.task_id.clone(),
            context_id: context.context_id.clone(),
            status: TaskStatus { state, message: None, timestamp: None },
            metadata: None,
        })
    }

    impl AgentExecutor for Words {
        fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
            let text = context.message.as_ref().and_then(|message| message.text()).unwrap_or_default().to_string();
            if text == "fail" {
                return stream::iter([Err(A2AError::internal("no such luck"))]).boxed();
            }
            let working = stream::iter([Ok(status(&context, TaskState::Working))]);
            if text.is_empty() {
                return working.chain(stream::pending()).boxed();
            }
            let turns = context.stored_task.as_ref().and_then(|task| task.history.as_ref()).map_or(0, Vec::len);
            let artifact = say::artifact_of("words", "words", vec![Part::text(format!("{} {turns}", text.split(' ').count()))]);
            let told = StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
                task_id: context.task_id.clone(),
                context_id: context.context_id.clone(),
                artifact,
                append: None,
                last_chunk: Some(true),
                metadata: None,
            });
            working.chain(stream::iter([Ok(told), Ok(status(&context, TaskState::Completed))])).boxed()
        }

        fn cancel(&self, context: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
            stream::iter([Ok(status(&context, TaskState::Canceled))]).boxed()
        }
    }

    fn agent() -> ExecutorAgent<Words> {
        ExecutorAgent::new(EchoAgent::default().profile().clone(), Words)
    }

    #[tokio::test]
    async fn events_of_an_executor_are_updates() {
        let mut job = job(text_message("m2", "one two three"));
        job.history = vec![text_message("m1", "before")];
        let told: Vec<_> = agent().run(job).collect().await;
        let right = [say::status(TaskState::Working), say::artifact("words", "words", Part::text("3 1")), say::status(TaskState::Completed)];
        assert_eq!(told, right.map(Ok));
    }

    #[tokio::test]
    async fn a_cancellation_asks_the_executor_to_cancel() {
        let job = job(text_message("m1", ""));
        let cancellation = job.cancellation.clone();
        let mut told = agent().run(job);
        assert_eq!(told.next().await, Some(Ok(say::status(TaskState::Working))));
        cancellation.cancel();
        assert_eq!(told.next().await, Some(Ok(say::status(TaskState::Canceled))));
        assert_eq!(told.next().await, None);
    }

    #[tokio::test]
    async fn an_error_of_an_executor_is_the_reason_of_the_failure() {
        let told: Vec<_> = agent().run(job(text_message("m1", "fail"))).collect().await;
        assert_eq!(told, [Err(AgentError::new("no such luck"))]);
    }

    #[test]
    fn a_whole_task_is_told_as_its_artifacts_and_its_state() {
        let artifact = say::artifact_of("a", "a", vec![Part::text("text")]);
        let task = Task {
            id: "t1".into(),
            context_id: "c1".into(),
            status: TaskStatus { state: TaskState::Completed, message: None, timestamp: None },
            artifacts: Some(vec![artifact.clone()]),
            history: None,
            metadata: None,
        };
        let right = [Update::Artifact { artifact, append: false, last_chunk: true }, say::status(TaskState::Completed)];
        assert_eq!(updates(Ok(StreamResponse::Task(task))), right.map(Ok));
    }
}
