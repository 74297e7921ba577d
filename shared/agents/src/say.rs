//! Short ways to say what agents say most.

use engine::ports::Update;
use protocol::types::{Artifact, Message, Part, Role, TaskState};

/// A new state without words.
pub(crate) const fn status(state: TaskState) -> Update {
    Update::Status { state, message: None }
}

/// A new state with words for the client.
pub(crate) fn status_saying(state: TaskState, text: impl Into<String>) -> Update {
    Update::Status { state, message: Some(Message::new(Role::Agent, vec![Part::text(text)])) }
}

/// A whole artifact of one part.
pub(crate) fn artifact(id: &str, name: &str, part: Part) -> Update {
    Update::Artifact { artifact: artifact_of(id, name, vec![part]), append: false, last_chunk: true }
}

/// An artifact with nothing but id, name and parts.
pub(crate) fn artifact_of(id: &str, name: &str, parts: Vec<Part>) -> Artifact {
    Artifact { artifact_id: id.into(), name: Some(name.into()), description: None, parts, metadata: None, extensions: None }
}
