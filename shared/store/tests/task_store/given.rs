//! What the facts start from.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use engine::ports::{
    ArtifactChunk, Change, Committed, Expect, LeaseChange, NewTask, PushConfig, RememberedMessage, Scope, SequencedEvent, StoredTask, View,
};
use protocol::{
    Dialect,
    types::{Artifact, Message, Part, Role, StreamResponse, TaskPushNotificationConfig, TaskState, TaskStatus, TaskStatusUpdateEvent},
};

use crate::Store;

/// A moment, in seconds after the beginning.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

/// The owner's view of all agents.
pub fn scope(owner: &str) -> Scope {
    Scope { owner: owner.into(), agent: None }
}

pub fn status(state: TaskState, seconds: i64) -> TaskStatus {
    TaskStatus { state, message: None, timestamp: Some(at(seconds)) }
}

pub fn message(id: &str, text: &str) -> Message {
    Message {
        message_id: id.into(),
        context_id: None,
        task_id: None,
        role: Role::User,
        parts: vec![Part::text(text)],
        metadata: None,
        extensions: None,
        reference_task_ids: None,
    }
}

pub fn chunk(artifact_number: u32, chunk_number: u32, text: &str) -> ArtifactChunk {
    let artifact = Artifact {
        artifact_id: format!("artifact-{artifact_number}"),
        name: None,
        description: None,
        parts: vec![Part::text(text)],
        metadata: None,
        extensions: None,
    };
    ArtifactChunk { artifact_number, chunk_number, artifact }
}

/// A status event of its own sequence, recognisable by its time.
pub fn event(task_id: &str, sequence: u64) -> SequencedEvent {
    let status = status(TaskState::Working, sequence as i64);
    let event = StreamResponse::StatusUpdate(TaskStatusUpdateEvent { task_id: task_id.into(), context_id: "c".into(), status, metadata: None });
    SequencedEvent { sequence, event }
}

pub fn events(task_id: &str, sequences: std::ops::RangeInclusive<u64>) -> Arc<[SequencedEvent]> {
    sequences.map(|sequence| event(task_id, sequence)).collect()
}

pub fn remembered(message_id: &str, fingerprint: &str, seconds: i64) -> RememberedMessage {
    RememberedMessage { message_id: message_id.into(), fingerprint: fingerprint.into(), forget_before: at(seconds) - TimeDelta::days(1) }
}

pub fn push_config(task_id: &str, id: &str) -> PushConfig {
    let config = TaskPushNotificationConfig {
        url: format!("https://example.com/{id}"),
        id: Some(id.into()),
        task_id: task_id.into(),
        token: Some("secret".into()),
        authentication: None,
        tenant: None,
    };
    PushConfig { config, dialect: Dialect::V0_3, cursor: 0, created_at: at(0) }
}

pub fn new_task(owner: &str, agent: &str, context_id: &str) -> NewTask {
    NewTask { owner: owner.into(), agent: agent.into(), context_id: context_id.into(), dialect: Dialect::V0_3, caller_role: "authenticated".into() }
}

/// Makes a task of that owner, agent `agent` and context `c`, with nothing else.
pub fn create(task_id: &str, owner: &str, state: TaskState, seconds: i64) -> Change {
    change(task_id, Expect::New(new_task(owner, "agent", "c")), state, seconds)
}

/// Gives a task a status, with nothing else.
pub fn update(task_id: &str, version: u64, state: TaskState, seconds: i64) -> Change {
    change(task_id, Expect::Version(version), state, seconds)
}

fn change(task_id: &str, expect: Expect, state: TaskState, seconds: i64) -> Change {
    Change::of_status(task_id, expect, status(state, seconds), at(seconds))
}

pub fn hold(runner: &str, seconds: i64) -> LeaseChange {
    LeaseChange::Hold { runner: runner.into(), until: at(seconds) }
}

/// Commits what must succeed.
pub async fn done(store: &Store, change: Change) {
    assert_eq!(store.commit(Arc::new(change)).await.unwrap(), Committed::Done);
}

/// Commits what must not.
pub async fn conflict(store: &Store, change: Change) {
    assert_eq!(store.commit(Arc::new(change)).await.unwrap(), Committed::Conflict);
}

/// The whole of a task that is there.
pub async fn whole(store: &Store, task_id: &str) -> StoredTask {
    store.task_of_any_owner(task_id, View::WHOLE).await.unwrap().unwrap()
}

/// The texts of messages or parts.
pub fn texts(parts: &[Part]) -> Vec<&str> {
    parts.iter().filter_map(Part::as_text).collect()
}
