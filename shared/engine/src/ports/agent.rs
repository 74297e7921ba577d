//! The logic behind a tenant: what someone who has an agent implements.

use std::collections::HashMap;

use futures::stream::BoxStream;
use protocol::types::{AgentExtension, AgentSkill, Artifact, Message, Task, TaskState};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::Caller;

/// An agent: says what it can do, and does it.
pub trait Agent: Send + Sync + 'static {
    /// Constant for the life of the process.
    fn profile(&self) -> &AgentProfile;

    /// Does the job as a stream of updates.
    ///
    /// The stream ends the run. If its last state is neither terminal nor interrupted, the task is completed. A terminal or interrupted
    /// state ends the run, too: what the stream would give after it is never asked for.
    /// A run may be repeated from its start after a crash, so effects must be safe to have twice. A panic fails the task only.
    fn run(&self, job: Job) -> BoxStream<'static, Result<Update, AgentError>>;
}

/// What an agent says of itself; the agent cards are made of it.
#[derive(Debug, Clone)]
pub struct AgentProfile {
    /// The tenant: a path segment of lower-case letters, digits and dashes.
    pub id: String,
    /// For people.
    pub name: String,
    /// For people and for routing by intent.
    pub description: String,
    /// Of the agent, not of the protocol.
    pub version: String,
    /// At least one; ids are unique over all agents of a server.
    pub skills: Vec<AgentSkill>,
    /// Media types that messages may have; a part of another one is refused before a task exists.
    pub input_modes: Vec<String>,
    /// Media types of artifacts.
    pub output_modes: Vec<String>,
    /// Declared extensions; a required one must be named by each request.
    pub extensions: Vec<AgentExtension>,
    /// Whether streams are offered.
    pub streaming: bool,
    /// Whether webhooks are offered.
    pub push_notifications: bool,
    /// Whether authenticated callers get an extended card.
    pub extended_agent_card: bool,
    /// Skills that only the extended card shows.
    pub extended_skills: Vec<AgentSkill>,
    /// Runs outlast a request: they go through the queue.
    pub long_running: bool,
}

impl AgentProfile {
    /// An agent of this software's version that takes text and gives text, streams and calls webhooks.
    pub fn new(id: &str, name: &str, description: &str, skills: Vec<AgentSkill>) -> Self {
        AgentProfile {
            id: id.into(),
            name: name.into(),
            description: description.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            skills,
            input_modes: vec!["text/plain".into()],
            output_modes: vec!["text/plain".into()],
            extensions: Vec::new(),
            streaming: true,
            push_notifications: true,
            extended_agent_card: false,
            extended_skills: Vec::new(),
            long_running: false,
        }
    }
}

/// A skill with the modes of its agent.
pub fn skill(id: &str, name: &str, description: &str, tags: &[&str], examples: &[&str]) -> AgentSkill {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    AgentSkill {
        id: id.into(),
        name: name.into(),
        description: description.into(),
        tags: owned(tags),
        examples: Some(owned(examples)).filter(|examples| !examples.is_empty()),
        input_modes: None,
        output_modes: None,
        security_requirements: None,
    }
}

/// One run of an agent.
#[derive(Debug, Clone)]
pub struct Job {
    /// The task at hand.
    pub task_id: String,
    /// The conversation that it belongs to.
    pub context_id: String,
    /// What the client just said.
    pub message: Message,
    /// What was said before in this task, oldest first, at most the last 100 messages.
    pub history: Vec<Message>,
    /// `metadata` of the request (not of the message).
    pub metadata: HashMap<String, Value>,
    /// Tasks that the message refers to and that this caller may see, with artifacts.
    pub referenced_tasks: Vec<Task>,
    /// Who asks.
    pub caller: Caller,
    /// Fires when the client cancels; a run that ends then with `canceled`, or just ends, confirms it.
    pub cancellation: CancellationToken,
}

impl Job {
    /// A setting of the request such as `skillId`: the message's own metadata first, then the request's.
    pub fn setting(&self, name: &str) -> Option<&Value> {
        self.message.metadata.as_ref().and_then(|m| m.get(name)).or_else(|| self.metadata.get(name))
    }
}

/// What an agent tells while it runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// A new state, perhaps with a message for the client.
    Status {
        /// The state to go to.
        state: TaskState,
        /// Words for the client: progress, a question, a reason.
        message: Option<Message>,
    },
    /// An artifact or a piece of one.
    Artifact {
        /// Its `artifactId` says which.
        artifact: Artifact,
        /// Whether the parts go to the end of the artifact of that id; otherwise it is replaced.
        append: bool,
        /// Whether it is complete now.
        last_chunk: bool,
    },
    /// A direct answer instead of a task; only as the first update. Where there is a task already, because the run came from the queue,
    /// the agent took its time or the client goes on with a task, it completes that task as its status message.
    Message(Message),
}

/// Why a run failed. The task becomes `failed` with this text as its status message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct AgentError {
    /// For the client.
    pub reason: String,
}

impl AgentError {
    /// A failure with its reason.
    pub fn new(reason: impl Into<String>) -> Self {
        AgentError { reason: reason.into() }
    }
}
