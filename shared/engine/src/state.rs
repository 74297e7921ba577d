//! The state machine of a task: what an update does to it. Pure, so that it can be read as a table and tested as one.

use chrono::{DateTime, Utc};
use protocol::types::{
    Artifact, Message, Role, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus, TaskStatusUpdateEvent, new_message_id,
};

use crate::ports::{ArtifactChunk, Update};

/// What an update did, beside changing the task.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The status message that a new status displaced; it is the history's last message now.
    pub superseded: Option<Message>,
    /// The piece of an artifact to keep.
    pub chunk: Option<ArtifactChunk>,
    /// What to tell.
    pub event: StreamResponse,
}

/// An update that the protocol has no place for. The agent is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUpdate {
    /// See [`may_follow`].
    #[error("{to:?} can't follow {from:?}")]
    Transition {
        /// The state that the task is in.
        from: TaskState,
        /// The state that it was to go to.
        to: TaskState,
    },
    /// An artifact is told apart by its id.
    #[error("an artifact has no artifactId")]
    ArtifactWithoutId,
    /// Spec section 4.1.7: at least one part.
    #[error("the artifact `{0}` has no parts")]
    ArtifactWithoutParts(String),
    /// A direct answer after something else was told.
    #[error("a message in place of a task has to come first")]
    LateMessage,
}

/// Whether the agent waits for the client (spec section 4.1.3).
pub fn is_interrupted(state: &TaskState) -> bool {
    matches!(state, TaskState::InputRequired | TaskState::AuthRequired)
}

/// Whether a turn is over in this state: terminal or interrupted.
pub fn ends_turn(state: &TaskState) -> bool {
    state.is_terminal() || is_interrupted(state)
}

/// Whether a task may go from one state to the other. Nothing leaves a terminal state, and nothing but a new turn leads
/// back to `submitted`.
pub fn may_follow(from: &TaskState, to: &TaskState) -> bool {
    match (from, to) {
        (_, TaskState::Unspecified) => false,
        (from, _) if from.is_terminal() => false,
        (TaskState::Submitted, TaskState::Submitted) => true,
        (_, TaskState::Submitted) => false,
        _ => true,
    }
}

/// Applies one update of an agent. After an error the task is as it was.
///
/// `artifact_chunks` tells for each artifact its id and how many chunks it has, and is kept up to date.
pub fn apply(task: &mut Task, artifact_chunks: &mut Vec<(String, u32)>, update: Update, now: DateTime<Utc>) -> Result<Effect, InvalidUpdate> {
    match update {
        Update::Status { state, message } => {
            if !may_follow(&task.status.state, &state) {
                return Err(InvalidUpdate::Transition { from: task.status.state.clone(), to: state });
            }
            Ok(change_status(task, state, message.map(|message| of_agent(message, task)), now))
        }
        Update::Artifact { artifact, append, last_chunk } => {
            if task.status.state.is_terminal() {
                return Err(InvalidUpdate::Transition { from: task.status.state.clone(), to: TaskState::Working });
            }
            add_artifact(task, artifact_chunks, artifact, append, last_chunk)
        }
        Update::Message(_) => Err(InvalidUpdate::LateMessage),
    }
}

/// A new task: submitted, with the message that makes it.
pub fn submitted(task_id: String, context_id: String, message: Message, now: DateTime<Utc>) -> Task {
    Task {
        id: task_id,
        context_id,
        status: TaskStatus { state: TaskState::Submitted, message: None, timestamp: Some(now) },
        artifacts: None,
        history: Some(vec![message]),
        metadata: None,
    }
}

/// Begins the next turn of an interrupted task: its question and then the client's message go to the history.
/// Gives the messages that the history grew by and what to tell.
pub fn begin_turn(task: &mut Task, message: Message, now: DateTime<Utc>) -> (Vec<Message>, StreamResponse) {
    let effect = change_status(task, TaskState::Submitted, None, now);
    task.history.get_or_insert_default().push(message.clone());
    (effect.superseded.into_iter().chain([message]).collect(), effect.event)
}

/// The task as a client knew it that has heard these events of it and no more. Without history, which isn't told in events.
pub fn as_of<'a>(task: &Task, events: impl IntoIterator<Item = &'a StreamResponse>) -> Task {
    let mut then = Task {
        id: task.id.clone(),
        context_id: task.context_id.clone(),
        status: TaskStatus { state: TaskState::Submitted, message: None, timestamp: None },
        artifacts: None,
        history: None,
        metadata: task.metadata.clone(),
    };
    for event in events {
        match event {
            StreamResponse::StatusUpdate(update) => then.status = update.status.clone(),
            StreamResponse::ArtifactUpdate(update) => merge(&mut then, update.artifact.clone(), update.append == Some(true)),
            StreamResponse::Task(_) | StreamResponse::Message(_) => {}
        }
    }
    then
}

/// A message that the agent says in a task.
fn of_agent(mut message: Message, task: &Task) -> Message {
    message.role = Role::Agent;
    message.task_id = Some(task.id.clone());
    message.context_id = Some(task.context_id.clone());
    if message.message_id.is_empty() {
        message.message_id = new_message_id();
    }
    message
}

fn change_status(task: &mut Task, state: TaskState, message: Option<Message>, now: DateTime<Utc>) -> Effect {
    let status = TaskStatus { state, message, timestamp: Some(now) };
    let superseded = std::mem::replace(&mut task.status, status.clone()).message;
    if let Some(message) = &superseded {
        task.history.get_or_insert_default().push(message.clone());
    }
    let event = TaskStatusUpdateEvent { task_id: task.id.clone(), context_id: task.context_id.clone(), status, metadata: None };
    Effect { superseded, chunk: None, event: StreamResponse::StatusUpdate(event) }
}

fn add_artifact(
    task: &mut Task,
    artifact_chunks: &mut Vec<(String, u32)>,
    artifact: Artifact,
    append: bool,
    last_chunk: bool,
) -> Result<Effect, InvalidUpdate> {
    if artifact.artifact_id.is_empty() {
        return Err(InvalidUpdate::ArtifactWithoutId);
    }
    let known = artifact_chunks.iter().position(|(id, _)| *id == artifact.artifact_id);
    // What there is nothing of can't be added to: the first chunk begins the artifact, whatever the agent calls it.
    let append = append && known.is_some();
    if artifact.parts.is_empty() && !append {
        return Err(InvalidUpdate::ArtifactWithoutParts(artifact.artifact_id));
    }
    let number = known.unwrap_or_else(|| {
        artifact_chunks.push((artifact.artifact_id.clone(), 0));
        artifact_chunks.len() - 1
    });
    let chunks = &mut artifact_chunks[number].1;
    let chunk_number = if append { *chunks } else { 0 };
    *chunks = chunk_number + 1;
    merge(task, artifact.clone(), append);
    let event = TaskArtifactUpdateEvent {
        task_id: task.id.clone(),
        context_id: task.context_id.clone(),
        artifact: artifact.clone(),
        append: Some(append),
        last_chunk: Some(last_chunk),
        metadata: None,
    };
    let chunk = ArtifactChunk { artifact_number: u32::try_from(number).unwrap_or(u32::MAX), chunk_number, artifact };
    Ok(Effect { superseded: None, chunk: Some(chunk), event: StreamResponse::ArtifactUpdate(event) })
}

/// Puts an artifact or a piece of one into the task: a piece adds its parts and overrides what else it sets.
fn merge(task: &mut Task, artifact: Artifact, append: bool) {
    let artifacts = task.artifacts.get_or_insert_default();
    match artifacts.iter_mut().find(|known| known.artifact_id == artifact.artifact_id) {
        Some(known) if append => {
            known.parts.extend(artifact.parts);
            known.name = artifact.name.or_else(|| known.name.take());
            known.description = artifact.description.or_else(|| known.description.take());
            known.metadata = artifact.metadata.or_else(|| known.metadata.take());
            known.extensions = artifact.extensions.or_else(|| known.extensions.take());
        }
        Some(known) => *known = artifact,
        None => artifacts.push(artifact),
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
