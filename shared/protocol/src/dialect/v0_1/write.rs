//! Answers and events of v0.1. Its readers know six states, and take no null for a list.

use serde::{Serialize, Serializer};

use crate::{
    Answer,
    dialect::{
        legacy_part::{LegacyPart, Tag},
        v0_3::{PushNotificationConfig, role_name, state_name},
    },
    fields::Struct,
    types::{self, TaskState},
    write::{Each, Millis, One, filled},
};

struct Message<'a>(&'a types::Message);

impl Serialize for Message<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a, P> {
            role: &'static str,
            parts: P,
            #[serde(skip_serializing_if = "Option::is_none")]
            metadata: Option<&'a Struct>,
        }
        View { role: role_name(&self.0.role), parts: Each(&self.0.parts, |part| LegacyPart(Tag::Type, part)), metadata: filled(&self.0.metadata) }
            .serialize(serializer)
    }
}

#[derive(Serialize)]
struct TaskStatus<'a> {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Millis<'a>>,
}

impl<'a> From<&'a types::TaskStatus> for TaskStatus<'a> {
    fn from(status: &'a types::TaskStatus) -> Self {
        TaskStatus {
            state: match &status.state {
                TaskState::Rejected => "failed",
                TaskState::AuthRequired => "input-required",
                other => state_name(other),
            },
            message: status.message.as_ref().map(Message),
            timestamp: status.timestamp.as_ref().map(Millis),
        }
    }
}

/// Free-form metadata as an object, which is never null.
fn metadata(metadata: &Option<Struct>) -> Metadata<'_> {
    Metadata(metadata.as_ref())
}

struct Metadata<'a>(Option<&'a Struct>);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.into_iter().flatten())
    }
}

struct Artifact<'a> {
    artifact: &'a types::Artifact,
    index: usize,
    append: Option<bool>,
    last_chunk: Option<bool>,
}

impl Serialize for Artifact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct View<'a, P> {
            #[serde(skip_serializing_if = "Option::is_none")]
            name: &'a Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            description: &'a Option<String>,
            parts: P,
            metadata: Metadata<'a>,
            index: usize,
            #[serde(skip_serializing_if = "Option::is_none")]
            append: Option<bool>,
            #[serde(skip_serializing_if = "Option::is_none")]
            last_chunk: Option<bool>,
        }
        View {
            name: &self.artifact.name,
            description: &self.artifact.description,
            parts: Each(&self.artifact.parts, |part| LegacyPart(Tag::Type, part)),
            metadata: metadata(&self.artifact.metadata),
            index: self.index,
            append: self.append,
            last_chunk: self.last_chunk,
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Flat<'a, A: Serialize, H: Serialize> {
    id: &'a str,
    session_id: &'a str,
    status: TaskStatus<'a>,
    artifacts: A,
    history: H,
    metadata: Metadata<'a>,
}

pub(crate) struct Task<'a>(pub &'a types::Task);

impl Serialize for Task<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let task = self.0;
        let artifacts: Vec<_> = task
            .artifacts
            .iter()
            .flatten()
            .enumerate()
            .map(|(index, artifact)| Artifact { artifact, index, append: None, last_chunk: None })
            .collect();
        Flat {
            id: &task.id,
            session_id: &task.context_id,
            status: (&task.status).into(),
            artifacts,
            history: Each(task.history.as_deref().unwrap_or_default(), Message),
            metadata: metadata(&task.metadata),
        }
        .serialize(serializer)
    }
}

/// A direct message, which v0.1 doesn't have, as a task that is completed by it.
struct MessageAsTask<'a>(&'a types::Message);

impl<'a> MessageAsTask<'a> {
    fn id(&self) -> &'a str {
        self.0.task_id.as_deref().unwrap_or(&self.0.message_id)
    }

    fn status(&self) -> TaskStatus<'a> {
        TaskStatus { state: "completed", message: Some(Message(self.0)), timestamp: None }
    }
}

impl Serialize for MessageAsTask<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Flat {
            id: self.id(),
            session_id: self.0.context_id.as_deref().unwrap_or_default(),
            status: self.status(),
            artifacts: [(); 0],
            history: [(); 0],
            metadata: Metadata(None),
        }
        .serialize(serializer)
    }
}

/// An event of a stream: a status or an artifact, nothing else; `last` becomes `final`.
pub(crate) struct StreamResponse<'a> {
    pub event: &'a types::StreamResponse,
    pub last: bool,
    /// The place of an update's artifact in its task.
    pub artifact_index: usize,
}

impl Serialize for StreamResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct StatusUpdate<'a> {
            id: &'a str,
            status: TaskStatus<'a>,
            r#final: bool,
            metadata: Metadata<'a>,
        }
        #[derive(Serialize)]
        struct ArtifactUpdate<'a> {
            id: &'a str,
            artifact: Artifact<'a>,
            #[serde(skip_serializing_if = "Option::is_none")]
            r#final: Option<bool>,
            metadata: Metadata<'a>,
        }
        let r#final = self.last;
        match self.event {
            types::StreamResponse::Task(task) => {
                StatusUpdate { id: &task.id, status: (&task.status).into(), r#final, metadata: metadata(&task.metadata) }.serialize(serializer)
            }
            types::StreamResponse::Message(message) => {
                let task = MessageAsTask(message);
                StatusUpdate { id: task.id(), status: task.status(), r#final, metadata: Metadata(None) }.serialize(serializer)
            }
            types::StreamResponse::StatusUpdate(update) => {
                StatusUpdate { id: &update.task_id, status: (&update.status).into(), r#final, metadata: metadata(&update.metadata) }
                    .serialize(serializer)
            }
            types::StreamResponse::ArtifactUpdate(update) => {
                let artifact = Artifact {
                    artifact: &update.artifact,
                    index: self.artifact_index,
                    append: Some(update.append.unwrap_or_default()),
                    last_chunk: Some(update.last_chunk.unwrap_or_default()),
                };
                ArtifactUpdate { id: &update.task_id, artifact, r#final: r#final.then_some(true), metadata: metadata(&update.metadata) }
                    .serialize(serializer)
            }
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskPushNotificationConfig<'a> {
    id: &'a str,
    push_notification_config: PushNotificationConfig<'a>,
}

impl<'a> From<&'a types::TaskPushNotificationConfig> for TaskPushNotificationConfig<'a> {
    fn from(config: &'a types::TaskPushNotificationConfig) -> Self {
        TaskPushNotificationConfig { id: &config.task_id, push_notification_config: PushNotificationConfig::nameless(config) }
    }
}

/// The result of a JSON-RPC method.
pub(crate) struct Reply<'a>(pub &'a Answer);

impl Serialize for Reply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Answer::Task(task) => Task(task).serialize(serializer),
            Answer::Message(message) => MessageAsTask(message).serialize(serializer),
            Answer::Tasks(list) => One("tasks", &Each(&list.tasks, Task)).serialize(serializer),
            Answer::PushNotificationConfig(config) => TaskPushNotificationConfig::from(config).serialize(serializer),
            Answer::PushNotificationConfigs(list) => Each(&list.configs, TaskPushNotificationConfig::from).serialize(serializer),
            Answer::Deleted => serializer.serialize_unit(),
            Answer::AgentCard(agent_card) => crate::card::v0_1(agent_card).serialize(serializer),
        }
    }
}
