//! v0.3 parameters become a [`Call`]. JSON-RPC and the several forms of HTTP+JSON bodies are read alike: what a field is called tells them apart.

use serde_json::{Map, Value};

use super::{DEFAULT_CONFIG, Form};
use crate::{
    A2aError, Call, Method, SendMessage,
    dialect::{
        legacy_part::{self, FileBytes},
        v1_0::{history_length, list_tasks, no_message, webhook_url},
    },
    fields::{self, Choice, Object},
    types::{
        AuthenticationInfo, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, GetExtendedAgentCardRequest,
        GetTaskPushNotificationConfigRequest, GetTaskRequest, ListTaskPushNotificationConfigsRequest, Message, Role, SendMessageConfiguration,
        SendMessageRequest, SubscribeToTaskRequest, TaskPushNotificationConfig,
    },
};

/// The operation of a JSON-RPC method name.
pub(crate) fn method(name: &str) -> Option<Method> {
    Some(match name {
        "message/send" => Method::SendMessage,
        "message/stream" => Method::SendStreamingMessage,
        "tasks/get" => Method::GetTask,
        "tasks/cancel" => Method::CancelTask,
        "tasks/resubscribe" => Method::SubscribeToTask,
        "tasks/pushNotificationConfig/set" => Method::CreateTaskPushNotificationConfig,
        "tasks/pushNotificationConfig/get" => Method::GetTaskPushNotificationConfig,
        "tasks/pushNotificationConfig/list" => Method::ListTaskPushNotificationConfigs,
        "tasks/pushNotificationConfig/delete" => Method::DeleteTaskPushNotificationConfig,
        "agent/getAuthenticatedExtendedCard" => Method::GetExtendedAgentCard,
        _ => return None,
    })
}

/// Reads and validates the parameters of an operation.
pub(crate) fn call(method: Method, params: Map<String, Value>, form: Form) -> Result<Call, A2aError> {
    fields::read(params, |o| match method {
        Method::SendMessage => Call::SendMessage(send_message(o, form)),
        Method::SendStreamingMessage => Call::SendStreamingMessage(send_message(o, form)),
        Method::GetTask => Call::GetTask(GetTaskRequest { id: task_id(o), history_length: history_length(o), tenant: o.string("tenant") }),
        Method::ListTasks => Call::ListTasks(list_tasks(o)),
        Method::CancelTask => Call::CancelTask(CancelTaskRequest { id: task_id(o), metadata: o.structure("metadata"), tenant: o.string("tenant") }),
        Method::SubscribeToTask => Call::SubscribeToTask(SubscribeToTaskRequest { id: task_id(o), tenant: o.string("tenant") }),
        Method::CreateTaskPushNotificationConfig => Call::CreateTaskPushNotificationConfig(create_config(o)),
        Method::GetTaskPushNotificationConfig => Call::GetTaskPushNotificationConfig(GetTaskPushNotificationConfigRequest {
            task_id: task_id(o),
            id: o.string("pushNotificationConfigId").unwrap_or_default(),
            tenant: o.string("tenant"),
        }),
        Method::ListTaskPushNotificationConfigs => Call::ListTaskPushNotificationConfigs(ListTaskPushNotificationConfigsRequest {
            task_id: task_id(o),
            page_size: o.integer("pageSize", 0, i32::MAX).filter(|size| *size > 0),
            page_token: o.string("pageToken"),
            tenant: o.string("tenant"),
        }),
        Method::DeleteTaskPushNotificationConfig => Call::DeleteTaskPushNotificationConfig(DeleteTaskPushNotificationConfigRequest {
            task_id: task_id(o),
            id: o.required("pushNotificationConfigId"),
            tenant: o.string("tenant"),
        }),
        Method::GetExtendedAgentCard => Call::GetExtendedAgentCard(GetExtendedAgentCardRequest { tenant: o.string("tenant") }),
    })
}

/// The task that the parameters are about; v0.1 clients call it `taskId` as well as `id` under the same method names.
pub(crate) fn task_id(o: &mut Object<'_>) -> String {
    let name = o.either("id", "taskId");
    o.required(name)
}

fn send_message(o: &mut Object<'_>, form: Form) -> SendMessage {
    let name = o.either("message", "request");
    let request = SendMessageRequest {
        message: o.required_object(name, |o| message(o, form)).unwrap_or_else(no_message),
        configuration: o.object("configuration", |o| configuration(o, form)),
        metadata: o.structure("metadata"),
        tenant: o.string("tenant"),
    };
    SendMessage { request, task_id_may_be_new: false }
}

fn message(o: &mut Object<'_>, form: Form) -> Message {
    let file_bytes = match form {
        Form::JsonRpc => FileBytes::default(),
        Form::Rest(bytes) => bytes,
    };
    let parts = o.either("parts", "content");
    Message {
        message_id: o.required("messageId"),
        context_id: o.string("contextId"),
        task_id: o.string("taskId"),
        role: role(o),
        parts: o.required_objects(parts, |o| legacy_part::read(o, file_bytes)),
        metadata: o.structure("metadata"),
        extensions: o.strings("extensions"),
        reference_task_ids: o.strings("referenceTaskIds"),
    }
}

/// The speaker of a v0.3 or v0.1 message.
pub(crate) fn role(o: &mut Object<'_>) -> Role {
    if !o.has("role") {
        o.wrong("role", "is required: one of user, agent");
    }
    let parse = |choice: Choice<'_>| match choice {
        Choice::Name("user" | "ROLE_USER") | Choice::Number(1) => Some(Role::User),
        Choice::Name("agent" | "ROLE_AGENT") | Choice::Number(2) => Some(Role::Agent),
        _ => None,
    };
    o.choice("role", parse, "user, agent").unwrap_or_default()
}

fn configuration(o: &mut Object<'_>, form: Form) -> SendMessageConfiguration {
    let push = o.either("pushNotificationConfig", "pushNotification");
    SendMessageConfiguration {
        accepted_output_modes: o.strings("acceptedOutputModes"),
        task_push_notification_config: o.object(push, push_notification_config),
        // The proto says that 0 asks for all of it.
        history_length: history_length(o).filter(|length| form == Form::JsonRpc || *length > 0),
        // Waiting is what every client takes a missing `blocking` to mean in JSON-RPC. The proto's JSON leaves out what is false.
        return_immediately: o.boolean("blocking").or((form != Form::JsonRpc).then_some(false)).map(|blocking| !blocking),
    }
}

/// A v0.3 or v0.1 webhook; one that has no id gets the default one.
pub(crate) fn push_notification_config(o: &mut Object<'_>) -> TaskPushNotificationConfig {
    TaskPushNotificationConfig {
        url: webhook_url(o),
        id: Some(o.string("id").unwrap_or_else(|| DEFAULT_CONFIG.to_owned())),
        task_id: String::new(),
        token: o.string("token"),
        authentication: o.object("authentication", authentication).flatten(),
        tenant: None,
    }
}

/// Stands in for a config that could not be read; never leaves this crate, because the violation is noted.
pub(crate) fn no_config() -> TaskPushNotificationConfig {
    TaskPushNotificationConfig { url: String::new(), id: None, task_id: String::new(), token: None, authentication: None, tenant: None }
}

/// Several schemes were allowed, with one set of credentials: the first is taken.
fn authentication(o: &mut Object<'_>) -> Option<AuthenticationInfo> {
    let scheme = o.strings("schemes").and_then(|schemes| schemes.into_iter().next());
    let credentials = o.string("credentials");
    match (scheme, credentials) {
        (None, None) => None,
        (scheme, credentials) => Some(AuthenticationInfo { scheme: scheme.unwrap_or_else(|| "Bearer".to_owned()), credentials }),
    }
}

/// `{taskId, pushNotificationConfig}` in JSON-RPC; by REST also `{parent, configId, config: {name, pushNotificationConfig}}`,
/// `{name, pushNotificationConfig}` and the bare config, where the path has put `taskId`.
fn create_config(o: &mut Object<'_>) -> TaskPushNotificationConfig {
    let task_id = match o.string("taskId") {
        Some(id) => id,
        None => resource(o, "parent").or_else(|| resource(o, "name")).unwrap_or_default(),
    };
    let config_id = o.string("configId");
    let tenant = o.string("tenant");
    let config = if o.has("config") {
        o.object("config", |o| {
            if o.has("pushNotificationConfig") {
                o.object("pushNotificationConfig", push_notification_config)
            } else {
                Some(push_notification_config(o))
            }
        })
        .flatten()
    } else if o.has("url") {
        Some(push_notification_config(o))
    } else {
        o.required_object("pushNotificationConfig", push_notification_config)
    };
    if task_id.is_empty() {
        o.wrong("taskId", "is required");
    }
    let config = config.unwrap_or_else(no_config);
    let named = config.id.as_deref().is_some_and(|id| id != DEFAULT_CONFIG);
    let id = if named { config.id } else { config_id.or(config.id) };
    TaskPushNotificationConfig { task_id, id, tenant, ..config }
}

/// The task of a resource name such as `tasks/{id}/pushNotificationConfigs/{id}`.
fn resource(o: &mut Object<'_>, field: &'static str) -> Option<String> {
    let name = o.string(field)?;
    let id = name.strip_prefix("tasks/").unwrap_or(&name).split('/').next().unwrap_or_default();
    Some(id.to_owned())
}
