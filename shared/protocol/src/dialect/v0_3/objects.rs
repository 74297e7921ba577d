//! Messages, artifacts and tasks as v0.3 writes them.

use serde::{Serialize, Serializer};

use super::Form;
use crate::{
    dialect::legacy_part::{LegacyPart, Tag},
    fields::Struct,
    types::{self, Part, Role, TaskState},
    write::{Each, Millis, filled, some},
};

/// The state's name in JSON-RPC.
pub(crate) fn state_name(state: &TaskState) -> &'static str {
    match state {
        TaskState::Unspecified => "unknown",
        TaskState::Submitted => "submitted",
        TaskState::Working => "working",
        TaskState::Completed => "completed",
        TaskState::Failed => "failed",
        TaskState::Canceled => "canceled",
        TaskState::InputRequired => "input-required",
        TaskState::Rejected => "rejected",
        TaskState::AuthRequired => "auth-required",
    }
}

/// The state's name in the proto: v1.0's but for one letter.
fn proto_state_name(state: &TaskState) -> &'static str {
    match state {
        TaskState::Unspecified => "TASK_STATE_UNSPECIFIED",
        TaskState::Submitted => "TASK_STATE_SUBMITTED",
        TaskState::Working => "TASK_STATE_WORKING",
        TaskState::Completed => "TASK_STATE_COMPLETED",
        TaskState::Failed => "TASK_STATE_FAILED",
        TaskState::Canceled => "TASK_STATE_CANCELLED",
        TaskState::InputRequired => "TASK_STATE_INPUT_REQUIRED",
        TaskState::Rejected => "TASK_STATE_REJECTED",
        TaskState::AuthRequired => "TASK_STATE_AUTH_REQUIRED",
    }
}

/// The speaker's name before v1.0.
pub(crate) fn role_name(role: &Role) -> &'static str {
    match role {
        Role::Agent => "agent",
        Role::User | Role::Unspecified => "user",
    }
}

impl Form {
    /// The `kind` of an object, which the proto doesn't have.
    pub(super) fn kind(self, kind: &'static str) -> Option<&'static str> {
        (self == Form::JsonRpc).then_some(kind)
    }

    fn parts(self, parts: &[Part]) -> impl Serialize {
        let tag = match self {
            Form::JsonRpc => Tag::Kind,
            Form::Rest(bytes) => Tag::Member(bytes),
        };
        Each(parts, move |part| LegacyPart(tag, part))
    }
}

pub(crate) struct Message<'a>(pub Form, pub &'a types::Message);

impl Serialize for Message<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct View<'a, P: Serialize, R: Serialize> {
            #[serde(skip_serializing_if = "Option::is_none")]
            kind: Option<&'static str>,
            message_id: &'a str,
            role: R,
            #[serde(skip_serializing_if = "Option::is_none")]
            parts: Option<P>,
            #[serde(skip_serializing_if = "Option::is_none")]
            content: Option<P>,
            #[serde(skip_serializing_if = "Option::is_none")]
            context_id: &'a Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            task_id: &'a Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            metadata: Option<&'a Struct>,
            #[serde(skip_serializing_if = "Option::is_none")]
            extensions: Option<&'a [String]>,
            #[serde(skip_serializing_if = "Option::is_none")]
            reference_task_ids: Option<&'a [String]>,
        }
        let Message(form, message) = *self;
        let rest = form != Form::JsonRpc;
        View {
            kind: form.kind("message"),
            message_id: &message.message_id,
            role: match (form, &message.role) {
                (Form::JsonRpc, role) => role_name(role),
                (Form::Rest(_), Role::Agent) => "ROLE_AGENT",
                (Form::Rest(_), _) => "ROLE_USER",
            },
            parts: (!rest).then(|| form.parts(&message.parts)),
            content: rest.then(|| form.parts(&message.parts)),
            context_id: &message.context_id,
            task_id: &message.task_id,
            metadata: filled(&message.metadata),
            extensions: some(&message.extensions),
            reference_task_ids: some(&message.reference_task_ids).filter(|_| !rest),
        }
        .serialize(serializer)
    }
}

pub(super) struct Artifact<'a>(pub Form, pub &'a types::Artifact);

impl Serialize for Artifact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct View<'a, P> {
            artifact_id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            name: &'a Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            description: &'a Option<String>,
            parts: P,
            #[serde(skip_serializing_if = "Option::is_none")]
            metadata: Option<&'a Struct>,
            #[serde(skip_serializing_if = "Option::is_none")]
            extensions: Option<&'a [String]>,
        }
        let Artifact(form, artifact) = *self;
        View {
            artifact_id: &artifact.artifact_id,
            name: &artifact.name,
            description: &artifact.description,
            parts: form.parts(&artifact.parts),
            metadata: filled(&artifact.metadata),
            extensions: some(&artifact.extensions),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
pub(super) struct TaskStatus<'a> {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Millis<'a>>,
}

impl<'a> TaskStatus<'a> {
    pub(super) fn new(form: Form, status: &'a types::TaskStatus) -> Self {
        TaskStatus {
            state: match form {
                Form::JsonRpc => state_name(&status.state),
                Form::Rest(_) => proto_state_name(&status.state),
            },
            message: status.message.as_ref().map(|message| Message(form, message)),
            timestamp: status.timestamp.as_ref().map(Millis),
        }
    }
}

pub(crate) struct Task<'a>(pub Form, pub &'a types::Task);

impl Serialize for Task<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct View<'a, A: Serialize, H: Serialize> {
            #[serde(skip_serializing_if = "Option::is_none")]
            kind: Option<&'static str>,
            id: &'a str,
            context_id: &'a str,
            status: TaskStatus<'a>,
            #[serde(skip_serializing_if = "Option::is_none")]
            artifacts: Option<A>,
            #[serde(skip_serializing_if = "Option::is_none")]
            history: Option<H>,
            #[serde(skip_serializing_if = "Option::is_none")]
            metadata: Option<&'a Struct>,
        }
        let Task(form, task) = *self;
        View {
            kind: form.kind("task"),
            id: &task.id,
            context_id: &task.context_id,
            status: TaskStatus::new(form, &task.status),
            artifacts: task.artifacts.as_deref().map(|artifacts| Each(artifacts, |artifact| Artifact(form, artifact))),
            history: some(&task.history).map(|history| Each(history, |message| Message(form, message))),
            metadata: filled(&task.metadata),
        }
        .serialize(serializer)
    }
}
