//! What is committed.

use chrono::{DateTime, TimeDelta, Utc};
use engine::ports::{ArtifactChunk, Change, Clock, Expect, LeaseChange, NewTask, RememberedMessage, SequencedEvent, SystemClock};
use protocol::{
    Dialect,
    types::{Artifact, Message, Part, Role, StreamResponse, TaskArtifactUpdateEvent, TaskState, TaskStatus, TaskStatusUpdateEvent, new_task_id},
};

/// The two commits of a stream.
pub fn stream() -> [Change; 2] {
    let whole = quick_task();
    let first = Change {
        chunks: Vec::new(),
        events: whole.events[..1].into(),
        lease: LeaseChange::Hold { runner: "019a2b3c-0000-7000-8000-000000000000".into(), until: whole.now + TimeDelta::seconds(15) },
        status: status(TaskState::Working, whole.now),
        ..whole.clone()
    };
    let second = Change {
        expect: Expect::Version(1),
        messages: Vec::new(),
        first_message_number: 1,
        events: whole.events[1..].into(),
        lease: LeaseChange::Release,
        remember: None,
        ..whole
    };
    [first, second]
}

/// One message, one chunk, three events, completed, remembered.
pub fn quick_task() -> Change {
    let now = SystemClock.now();
    let (task_id, context_id) = (new_task_id(), new_task_id());
    let text = "Summarise the three most important findings of the attached report in plain words, please.";
    let message =
        Message { task_id: Some(task_id.clone()), context_id: Some(context_id.clone()), ..Message::new(Role::User, vec![Part::text(text)]) };
    let artifact = Artifact {
        artifact_id: new_task_id(),
        name: Some("echo".into()),
        description: None,
        parts: vec![Part::text(text)],
        metadata: None,
        extensions: None,
    };
    let update = |state| {
        StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: task_id.clone(),
            context_id: context_id.clone(),
            status: status(state, now),
            metadata: None,
        })
    };
    let artifact_update = StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id: task_id.clone(),
        context_id: context_id.clone(),
        artifact: artifact.clone(),
        append: None,
        last_chunk: Some(true),
        metadata: None,
    });
    let events = [update(TaskState::Working), artifact_update, update(TaskState::Completed)];
    Change {
        expect: Expect::New(NewTask {
            owner: "anonymous".into(),
            agent: "echo".into(),
            context_id: context_id.clone(),
            dialect: Dialect::V1_0,
            caller_role: "public".into(),
        }),
        status: status(TaskState::Completed, now),
        first_message_number: 0,
        remember: Some(RememberedMessage {
            message_id: message.message_id.clone(),
            fingerprint: message.message_id.replace('-', "").repeat(2),
            forget_before: now - TimeDelta::days(1),
        }),
        messages: vec![message],
        chunks: vec![ArtifactChunk { artifact_number: 0, chunk_number: 0, artifact }],
        events: (1..).zip(events).map(|(sequence, event)| SequencedEvent { sequence, event }).collect(),
        lease: LeaseChange::Release,
        attempts: 1,
        cancel_requested: false,
        request_metadata: None,
        push_configs: Vec::new(),
        work: Vec::new(),
        task_id,
        now,
    }
}

fn status(state: TaskState, now: DateTime<Utc>) -> TaskStatus {
    TaskStatus { state, message: None, timestamp: Some(now) }
}
