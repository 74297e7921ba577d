//! Answers and events as v1.0 ProtoJSON. Messages and artifacts serialise by the official types themselves; what holds a
//! timestamp does so here.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    Answer, Method, card,
    fields::Struct,
    types::{self, Artifact, Message, TaskState},
    write::{Each, Millis, One, filled, some},
};

#[derive(Serialize)]
struct TaskStatus<'a> {
    state: &'a TaskState,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Millis<'a>>,
}

impl<'a> From<&'a types::TaskStatus> for TaskStatus<'a> {
    fn from(status: &'a types::TaskStatus) -> Self {
        TaskStatus { state: &status.state, message: status.message.as_ref(), timestamp: status.timestamp.as_ref().map(Millis) }
    }
}

/// Spec section 4.1.1. An empty history is left out (section 3.2.4).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Task<'a> {
    id: &'a str,
    context_id: &'a str,
    status: TaskStatus<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifacts: Option<&'a [Artifact]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<&'a [Message]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Struct>,
}

impl<'a> From<&'a types::Task> for Task<'a> {
    fn from(task: &'a types::Task) -> Self {
        Task {
            id: &task.id,
            context_id: &task.context_id,
            status: (&task.status).into(),
            artifacts: task.artifacts.as_deref(),
            history: some(&task.history),
            metadata: filled(&task.metadata),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusUpdate<'a> {
    task_id: &'a str,
    context_id: &'a str,
    status: TaskStatus<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Struct>,
}

/// Spec section 3.2.3.
pub(crate) struct StreamResponse<'a>(pub &'a types::StreamResponse);

impl Serialize for StreamResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            types::StreamResponse::Task(task) => One("task", &Task::from(task)).serialize(serializer),
            types::StreamResponse::Message(message) => One("message", message).serialize(serializer),
            types::StreamResponse::StatusUpdate(update) => {
                let view = StatusUpdate {
                    task_id: &update.task_id,
                    context_id: &update.context_id,
                    status: (&update.status).into(),
                    metadata: filled(&update.metadata),
                };
                One("statusUpdate", &view).serialize(serializer)
            }
            types::StreamResponse::ArtifactUpdate(update) => One("artifactUpdate", update).serialize(serializer),
        }
    }
}

/// The result of an operation: the same object in both bindings.
pub(crate) struct Reply<'a> {
    /// Decides whether a task stands bare or in a `SendMessageResponse`.
    pub method: Method,
    pub answer: &'a Answer,
}

impl Serialize for Reply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.answer {
            Answer::Task(task) if matches!(self.method, Method::SendMessage | Method::SendStreamingMessage) => {
                One("task", &Task::from(&**task)).serialize(serializer)
            }
            Answer::Task(task) => Task::from(&**task).serialize(serializer),
            Answer::Message(message) => One("message", message).serialize(serializer),
            Answer::Tasks(list) => {
                let mut map = serializer.serialize_map(Some(4))?;
                map.serialize_entry("tasks", &Each(&list.tasks, Task::from))?;
                map.serialize_entry("nextPageToken", &list.next_page_token)?;
                map.serialize_entry("pageSize", &list.page_size)?;
                map.serialize_entry("totalSize", &list.total_size)?;
                map.end()
            }
            Answer::PushNotificationConfig(config) => config.serialize(serializer),
            Answer::PushNotificationConfigs(list) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("configs", &list.configs)?;
                if let Some(token) = list.next_page_token.as_ref().filter(|token| !token.is_empty()) {
                    map.serialize_entry("nextPageToken", token)?;
                }
                map.end()
            }
            Answer::Deleted => serializer.serialize_map(Some(0))?.end(),
            Answer::AgentCard(agent_card) => card::v1_0(agent_card).serialize(serializer),
        }
    }
}
