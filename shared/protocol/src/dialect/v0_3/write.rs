//! Answers and events of v0.3.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    DEFAULT_CONFIG, Form,
    objects::{Artifact, Message, Task, TaskStatus},
};
use crate::{
    Answer, Method, card,
    fields::Struct,
    types,
    write::{Each, One, filled},
};

/// An event of a stream; `last` becomes a status update's `final`.
pub(crate) struct StreamResponse<'a> {
    pub form: Form,
    pub event: &'a types::StreamResponse,
    pub last: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusUpdate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    task_id: &'a str,
    context_id: &'a str,
    status: TaskStatus<'a>,
    r#final: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Struct>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactUpdate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    task_id: &'a str,
    context_id: &'a str,
    artifact: Artifact<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    append: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_chunk: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Struct>,
}

impl Form {
    /// An object of several possible kinds: the proto names it by a member around it, JSON-RPC by its own `kind`.
    fn variant<S: Serializer>(self, member: &'static str, view: &impl Serialize, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Form::JsonRpc => view.serialize(serializer),
            Form::Rest(_) => One(member, view).serialize(serializer),
        }
    }
}

impl Serialize for StreamResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = self.form;
        match self.event {
            types::StreamResponse::Task(task) => form.variant("task", &Task(form, task), serializer),
            types::StreamResponse::Message(message) => form.variant("message", &Message(form, message), serializer),
            types::StreamResponse::StatusUpdate(update) => {
                let view = StatusUpdate {
                    kind: form.kind("status-update"),
                    task_id: &update.task_id,
                    context_id: &update.context_id,
                    status: TaskStatus::new(form, &update.status),
                    r#final: self.last,
                    metadata: filled(&update.metadata),
                };
                form.variant("statusUpdate", &view, serializer)
            }
            types::StreamResponse::ArtifactUpdate(update) => {
                let view = ArtifactUpdate {
                    kind: form.kind("artifact-update"),
                    task_id: &update.task_id,
                    context_id: &update.context_id,
                    artifact: Artifact(form, &update.artifact),
                    append: update.append,
                    last_chunk: update.last_chunk,
                    metadata: filled(&update.metadata),
                };
                form.variant("artifactUpdate", &view, serializer)
            }
        }
    }
}

/// `PushNotificationConfig`, the same in both encodings.
#[derive(Serialize)]
pub(crate) struct PushNotificationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<AuthenticationInfo<'a>>,
}

#[derive(Serialize)]
struct AuthenticationInfo<'a> {
    schemes: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: &'a Option<String>,
}

impl<'a> PushNotificationConfig<'a> {
    /// With its id.
    pub(crate) fn named(config: &'a types::TaskPushNotificationConfig) -> Self {
        PushNotificationConfig { id: config.id.as_deref(), ..Self::nameless(config) }
    }

    /// Without an id, which v0.1 doesn't have.
    pub(crate) fn nameless(config: &'a types::TaskPushNotificationConfig) -> Self {
        PushNotificationConfig {
            id: None,
            url: &config.url,
            token: &config.token,
            authentication: config
                .authentication
                .as_ref()
                .map(|authentication| AuthenticationInfo { schemes: [&authentication.scheme], credentials: &authentication.credentials }),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskPushNotificationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    push_notification_config: PushNotificationConfig<'a>,
}

impl<'a> TaskPushNotificationConfig<'a> {
    fn new(form: Form, config: &'a types::TaskPushNotificationConfig) -> Self {
        let push_notification_config = PushNotificationConfig::named(config);
        match form {
            Form::JsonRpc => TaskPushNotificationConfig { task_id: Some(&config.task_id), name: None, push_notification_config },
            Form::Rest(_) => {
                let id = config.id.as_deref().unwrap_or(DEFAULT_CONFIG);
                let name = format!("tasks/{}/pushNotificationConfigs/{id}", config.task_id);
                TaskPushNotificationConfig { task_id: None, name: Some(name), push_notification_config }
            }
        }
    }
}

/// The result of an operation.
pub(crate) struct Reply<'a> {
    pub form: Form,
    /// Decides whether the proto has a task bare or in a `SendMessageResponse`.
    pub method: Method,
    pub answer: &'a Answer,
}

impl Serialize for Reply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = self.form;
        match self.answer {
            Answer::Task(task) if matches!(self.method, Method::SendMessage | Method::SendStreamingMessage) => {
                form.variant("task", &Task(form, task), serializer)
            }
            Answer::Task(task) => Task(form, task).serialize(serializer),
            Answer::Message(message) => form.variant("message", &Message(form, message), serializer),
            Answer::Tasks(list) => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("tasks", &Each(&list.tasks, |task| Task(form, task)))?;
                map.serialize_entry("nextPageToken", &list.next_page_token)?;
                map.serialize_entry("pageSize", &list.page_size)?;
                map.serialize_entry("totalSize", &list.total_size)?;
                map.end()
            }
            Answer::PushNotificationConfig(config) => TaskPushNotificationConfig::new(form, config).serialize(serializer),
            Answer::PushNotificationConfigs(list) => {
                let configs = Each(&list.configs, |config| TaskPushNotificationConfig::new(form, config));
                form.variant("configs", &configs, serializer)
            }
            Answer::Deleted if form == Form::JsonRpc => serializer.serialize_unit(),
            Answer::Deleted => serializer.serialize_map(Some(0))?.end(),
            Answer::AgentCard(agent_card) => match form {
                Form::JsonRpc => card::v0_3(agent_card).serialize(serializer),
                Form::Rest(_) => card::v0_3_by_rest(agent_card).serialize(serializer),
            },
        }
    }
}
