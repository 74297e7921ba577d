//! The agent of benches: completed at once with one artifact that echoes the text.

use engine::ports::{Agent, AgentError, AgentProfile, Job, Update, skill};
use futures::{StreamExt, stream, stream::BoxStream};
use protocol::types::{Part, PartContent, TaskState};

use crate::say;

/// Echoes the first text part as artifact `echo`. A text that begins with `keep` leaves the task `input-required`.
pub struct EchoAgent {
    profile: AgentProfile,
}

impl Default for EchoAgent {
    fn default() -> Self {
        EchoAgent { profile: profile() }
    }
}

/// What it says of itself.
pub fn profile() -> AgentProfile {
    let skill = skill("echo", "Echo", "Sends back the text of the message.", &["echo", "test"], &["hello"]);
    AgentProfile::new("echo", "Echo", "Echoes its input as one artifact.", vec![skill])
}

impl Agent for EchoAgent {
    fn profile(&self) -> &AgentProfile {
        &self.profile
    }

    fn run(&self, job: Job) -> BoxStream<'static, Result<Update, AgentError>> {
        let text = job
            .message
            .parts
            .into_iter()
            .find_map(|part| match part.content {
                PartContent::Text(text) => Some(text),
                _ => None,
            })
            .unwrap_or_default();
        let last = if text.starts_with("keep") { TaskState::InputRequired } else { TaskState::Completed };
        stream::iter([Ok(say::status(TaskState::Working)), Ok(say::artifact("echo", "echo", Part::text(text))), Ok(say::status(last))]).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{job, text_message, updates};

    #[tokio::test]
    async fn the_text_comes_back_as_one_whole_artifact() {
        let told = updates(&EchoAgent::default(), job(text_message("m1", "hello"))).await;
        assert_eq!(told, [say::status(TaskState::Working), say::artifact("echo", "echo", Part::text("hello")), say::status(TaskState::Completed)]);
    }

    #[tokio::test]
    async fn a_text_that_begins_with_keep_leaves_the_task_open() {
        let told = updates(&EchoAgent::default(), job(text_message("m1", "keep going"))).await;
        assert_eq!(told.last(), Some(&say::status(TaskState::InputRequired)));
    }

    #[tokio::test]
    async fn a_message_without_text_echoes_an_empty_text() {
        let mut message = text_message("m1", "");
        message.parts = vec![Part::data(serde_json::json!({"a": 1}))];
        let told = updates(&EchoAgent::default(), job(message)).await;
        assert_eq!(told[1], say::artifact("echo", "echo", Part::text("")));
    }
}
