//! How values of the protocol stand in tables, whatever the database.

use chrono::{DateTime, Utc};
use protocol::types::{Artifact, TaskState};

/// Milliseconds since 1970, the form of all times in the file.
pub fn milliseconds(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

/// The first whole millisecond that isn't before a time.
pub(crate) fn milliseconds_not_before(time: DateTime<Utc>) -> i64 {
    milliseconds(time) + i64::from(!time.timestamp_subsec_nanos().is_multiple_of(1_000_000))
}

/// The opposite of [`milliseconds`]. A number that is no time reads as 1970.
pub fn time(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}

/// The numbers of the protocol buffer's enum.
pub(crate) fn state_number(state: &TaskState) -> i16 {
    match state {
        TaskState::Unspecified => 0,
        TaskState::Submitted => 1,
        TaskState::Working => 2,
        TaskState::Completed => 3,
        TaskState::Failed => 4,
        TaskState::Canceled => 5,
        TaskState::InputRequired => 6,
        TaskState::Rejected => 7,
        TaskState::AuthRequired => 8,
    }
}

/// Adds a later chunk to its artifact.
pub(crate) fn add_chunk(artifact: &mut Artifact, chunk: Artifact) {
    artifact.parts.extend(chunk.parts);
    artifact.name = chunk.name.or(artifact.name.take());
    artifact.description = chunk.description.or(artifact.description.take());
    artifact.metadata = chunk.metadata.or(artifact.metadata.take());
    artifact.extensions = chunk.extensions.or(artifact.extensions.take());
}
