//! The agent that conformance suites talk to: a prefix of `messageId` chooses what it does.

use std::time::Duration;

use engine::ports::{self, Agent, AgentError, AgentProfile, Job, Update};
use futures::{StreamExt, stream, stream::BoxStream};
use protocol::types::{AgentSkill, Message, Part, Role, TaskState};
use serde_json::json;
use tokio::time::sleep;

use crate::say;

/// Behaves as the prefix of the message's id says. A v0.1 message has no id: the text of its first text part counts instead.
pub struct ConformanceAgent {
    profile: AgentProfile,
}

/// What a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    AnswerWithMessage,
    InputRequired,
    Reject,
    TextArtifact,
    FileArtifact,
    FileUrlArtifact,
    DataArtifact,
    StreamChunks,
    StreamText,
    StreamFile,
    Complete,
    CompleteLater,
    AskLater,
}

/// Every known prefix. The longest that fits wins.
const PREFIXES: [(&str, Behaviour); 13] = [
    ("tck-message-response", Behaviour::AnswerWithMessage),
    ("tck-input-required", Behaviour::InputRequired),
    ("tck-reject-task", Behaviour::Reject),
    ("tck-artifact-text", Behaviour::TextArtifact),
    ("tck-artifact-file", Behaviour::FileArtifact),
    ("tck-artifact-file-url", Behaviour::FileUrlArtifact),
    ("tck-artifact-data", Behaviour::DataArtifact),
    ("tck-stream-artifact-chunked", Behaviour::StreamChunks),
    ("tck-stream-artifact-text", Behaviour::StreamText),
    ("tck-stream-artifact-file", Behaviour::StreamFile),
    ("tck-stream-", Behaviour::StreamText),
    ("test-resubscribe-message-id", Behaviour::CompleteLater),
    ("tck-", Behaviour::Complete),
];

impl Behaviour {
    /// The engine gives a message without an id one of its own, which fits no prefix: so the text is asked where the id says nothing.
    fn of(message: &Message) -> Self {
        Self::by_prefix(&message.message_id).or_else(|| message.text().and_then(Self::by_prefix)).unwrap_or(Behaviour::AskLater)
    }

    fn by_prefix(name: &str) -> Option<Self> {
        PREFIXES.iter().filter(|(prefix, _)| name.starts_with(prefix)).max_by_key(|(prefix, _)| prefix.len()).map(|(_, behaviour)| *behaviour)
    }
}

impl ConformanceAgent {
    /// `minimal` declares neither streaming nor push notifications nor an extended card.
    pub fn new(minimal: bool) -> Self {
        ConformanceAgent { profile: profile(minimal) }
    }
}

/// What it says of itself.
pub fn profile(minimal: bool) -> AgentProfile {
    let skills = vec![skill("conformance", "Conformance", "Chooses its behaviour by a prefix of the message id, such as `tck-artifact-text`.")];
    let extended = skill("conformance_extended", "Extended conformance", "Stands on the extended card only.");
    let description = "Shows each behaviour of the protocol on demand, for conformance suites.";
    AgentProfile {
        input_modes: vec!["text/plain".into(), "application/json".into()],
        output_modes: vec!["text/plain".into(), "application/json".into()],
        streaming: !minimal,
        push_notifications: !minimal,
        extended_agent_card: !minimal,
        extended_skills: if minimal { vec![] } else { vec![extended] },
        ..AgentProfile::new("conformance", "Conformance", description, skills)
    }
}

fn skill(id: &str, name: &str, description: &str) -> AgentSkill {
    ports::skill(id, name, description, &["conformance"], &["hello"])
}

impl Agent for ConformanceAgent {
    fn profile(&self) -> &AgentProfile {
        &self.profile
    }

    fn run(&self, job: Job) -> BoxStream<'static, Result<Update, AgentError>> {
        let working = || say::status(TaskState::Working);
        let completed = || say::status(TaskState::Completed);
        match Behaviour::of(&job.message) {
            Behaviour::AnswerWithMessage => at_once([Update::Message(Message::new(Role::Agent, vec![Part::text("Direct message response")]))]),
            Behaviour::InputRequired => at_once([say::status_saying(TaskState::InputRequired, "Input required")]),
            Behaviour::Reject => at_once([say::status_saying(TaskState::Rejected, "Task rejected")]),
            Behaviour::TextArtifact => at_once([text(), completed()]),
            Behaviour::FileArtifact => at_once([file(), completed()]),
            Behaviour::FileUrlArtifact => {
                let part = Part::url("https://example.com/output.txt").with_media_type("text/plain").with_filename("output.txt");
                at_once([whole(part), completed()])
            }
            Behaviour::DataArtifact => at_once([whole(Part::data(json!({"key": "value", "count": 42}))), completed()]),
            Behaviour::StreamChunks => at_once([working(), chunk("chunk-1 ", false), chunk("chunk-2", true), completed()]),
            Behaviour::StreamText => at_once([working(), text(), completed()]),
            Behaviour::StreamFile => at_once([working(), file(), completed()]),
            Behaviour::Complete => at_once([say::status_saying(TaskState::Completed, "Hello from TCK")]),
            Behaviour::CompleteLater => later(Duration::from_secs(4), completed(), job),
            Behaviour::AskLater => later(Duration::from_secs(1), say::status_saying(TaskState::InputRequired, "Hello world!"), job),
        }
    }
}

fn at_once<const N: usize>(updates: [Update; N]) -> BoxStream<'static, Result<Update, AgentError>> {
    stream::iter(updates.map(Ok)).boxed()
}

/// Working, then `last` after a while, or `canceled` as soon as the client asks for it.
fn later(wait: Duration, last: Update, job: Job) -> BoxStream<'static, Result<Update, AgentError>> {
    let end = async move {
        tokio::select! {
            () = job.cancellation.cancelled() => say::status(TaskState::Canceled),
            () = sleep(wait) => last,
        }
    };
    stream::once(async { say::status(TaskState::Working) }).chain(stream::once(end)).map(Ok).boxed()
}

fn whole(part: Part) -> Update {
    say::artifact("conformance", "output", part)
}

fn text() -> Update {
    whole(Part::text("Generated text content"))
}

fn file() -> Update {
    whole(Part::raw(b"tck".to_vec()).with_media_type("text/plain").with_filename("output.txt"))
}

fn chunk(text: &str, last: bool) -> Update {
    Update::Artifact { artifact: say::artifact_of("conformance", "output", vec![Part::text(text)]), append: last, last_chunk: last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{job, text_message, updates};

    async fn told(message_id: &str) -> Vec<Update> {
        updates(&ConformanceAgent::new(false), job(text_message(message_id, "hello"))).await
    }

    fn states(updates: &[Update]) -> Vec<TaskState> {
        let state = |update: &Update| match update {
            Update::Status { state, .. } => Some(state.clone()),
            _ => None,
        };
        updates.iter().filter_map(state).collect()
    }

    fn parts(updates: &[Update]) -> Vec<Part> {
        let parts = |update: &Update| match update {
            Update::Artifact { artifact, .. } => artifact.parts.clone(),
            _ => vec![],
        };
        updates.iter().flat_map(parts).collect()
    }

    #[test]
    fn the_longest_prefix_wins() {
        for (name, behaviour) in [
            ("tck-artifact-file-url-123", Behaviour::FileUrlArtifact),
            ("tck-artifact-file-123", Behaviour::FileArtifact),
            ("tck-artifact-filex", Behaviour::FileArtifact),
            ("tck-stream-artifact-chunked-1", Behaviour::StreamChunks),
            ("tck-stream-001", Behaviour::StreamText),
            ("tck-stream-ordering", Behaviour::StreamText),
            ("tck-stream", Behaviour::Complete),
            ("tck-complete-task", Behaviour::Complete),
            ("test-resubscribe-message-id-9", Behaviour::CompleteLater),
        ] {
            assert_eq!(Behaviour::by_prefix(name), Some(behaviour), "{name}");
        }
        assert_eq!(Behaviour::by_prefix("0199-uuid"), None);
    }

    #[test]
    fn the_text_counts_where_the_id_says_nothing() {
        assert_eq!(Behaviour::of(&text_message("0199-uuid", "tck-reject-task please")), Behaviour::Reject);
        assert_eq!(Behaviour::of(&text_message("tck-artifact-text-1", "tck-reject-task")), Behaviour::TextArtifact);
        assert_eq!(Behaviour::of(&text_message("0199-uuid", "hello")), Behaviour::AskLater);
    }

    #[tokio::test]
    async fn a_direct_message_comes_without_a_task() {
        let told = told("tck-message-response-1").await;
        let [Update::Message(message)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(message.text(), Some("Direct message response"));
        assert_eq!(message.role, Role::Agent);
    }

    #[tokio::test]
    async fn interrupted_and_rejected_are_the_only_state_told() {
        assert_eq!(states(&told("tck-input-required-1").await), [TaskState::InputRequired]);
        assert_eq!(states(&told("tck-reject-task-1").await), [TaskState::Rejected]);
    }

    #[tokio::test]
    async fn each_artifact_prefix_has_its_part() {
        let file = Part::raw(b"tck".to_vec()).with_media_type("text/plain").with_filename("output.txt");
        let url = Part::url("https://example.com/output.txt").with_media_type("text/plain").with_filename("output.txt");
        for (id, part) in [
            ("tck-artifact-text", Part::text("Generated text content")),
            ("tck-artifact-file", file.clone()),
            ("tck-artifact-file-url", url),
            ("tck-artifact-data", Part::data(json!({"key": "value", "count": 42}))),
        ] {
            let told = told(id).await;
            assert_eq!(parts(&told), [part], "{id}");
            assert_eq!(states(&told), [TaskState::Completed], "{id}");
        }
        for (id, part) in [
            ("tck-stream-artifact-text", Part::text("Generated text content")),
            ("tck-stream-artifact-file", file),
            ("tck-stream-1", Part::text("Generated text content")),
        ] {
            let told = told(id).await;
            assert_eq!(parts(&told), [part], "{id}");
            assert_eq!(states(&told), [TaskState::Working, TaskState::Completed], "{id}");
        }
    }

    #[tokio::test]
    async fn the_second_chunk_is_appended_to_the_same_artifact_as_its_last() {
        let told = told("tck-stream-artifact-chunked-1").await;
        assert_eq!(states(&told), [TaskState::Working, TaskState::Completed]);
        let [
            _,
            Update::Artifact { artifact: first, append: false, last_chunk: false },
            Update::Artifact { artifact: second, append: true, last_chunk: true },
            _,
        ] = told.as_slice()
        else {
            panic!("{told:?}")
        };
        assert_eq!(first.artifact_id, second.artifact_id);
        assert_eq!((&first.parts[0], &second.parts[0]), (&Part::text("chunk-1 "), &Part::text("chunk-2")));
    }

    #[tokio::test]
    async fn any_other_tck_message_completes_with_a_greeting() {
        let told = told("tck-anything").await;
        let [Update::Status { state: TaskState::Completed, message: Some(message) }] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(message.text(), Some("Hello from TCK"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_to_resubscribe_to_lasts_four_seconds() {
        let began = tokio::time::Instant::now();
        let told = told("test-resubscribe-message-id-1").await;
        assert_eq!(states(&told), [TaskState::Working, TaskState::Completed]);
        assert_eq!(began.elapsed(), Duration::from_secs(4));
    }

    #[tokio::test(start_paused = true)]
    async fn anything_else_asks_for_input_after_a_second() {
        let began = tokio::time::Instant::now();
        let told = told("0199-uuid").await;
        assert_eq!(states(&told), [TaskState::Working, TaskState::InputRequired]);
        let Some(Update::Status { message: Some(message), .. }) = told.last() else { panic!("{told:?}") };
        assert_eq!(message.text(), Some("Hello world!"));
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancellation_ends_the_wait() {
        let job = job(text_message("test-resubscribe-message-id-1", "hello"));
        job.cancellation.cancel();
        let began = tokio::time::Instant::now();
        let told = updates(&ConformanceAgent::new(false), job).await;
        assert_eq!(states(&told), [TaskState::Working, TaskState::Canceled]);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[test]
    fn the_minimal_agent_declares_none_of_the_three_capabilities() {
        let agent = ConformanceAgent::new(true);
        let AgentProfile { streaming, push_notifications, extended_agent_card, .. } = agent.profile();
        assert!(!streaming && !push_notifications && !extended_agent_card);
    }
}
