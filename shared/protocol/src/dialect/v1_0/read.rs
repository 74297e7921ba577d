//! v1.0 parameters become a [`Call`].

use serde_json::{Map, Value};

use crate::{
    A2aError, Call, Method, SendMessage,
    fields::{self, Choice, Object},
    types::{
        AuthenticationInfo, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, GetExtendedAgentCardRequest,
        GetTaskPushNotificationConfigRequest, GetTaskRequest, ListTaskPushNotificationConfigsRequest, ListTasksRequest, Message, Part, PartContent,
        Role, SendMessageConfiguration, SendMessageRequest, SubscribeToTaskRequest, TaskPushNotificationConfig, TaskState,
    },
};

/// The operation of a JSON-RPC method name (spec section 5.3).
pub(crate) fn method(name: &str) -> Option<Method> {
    Method::ALL.into_iter().find(|method| method.name() == name)
}

/// Reads and validates the parameters of an operation.
pub(crate) fn call(method: Method, params: Map<String, Value>) -> Result<Call, A2aError> {
    fields::read(params, |o| match method {
        Method::SendMessage => Call::SendMessage(send_message(o)),
        Method::SendStreamingMessage => Call::SendStreamingMessage(send_message(o)),
        Method::GetTask => Call::GetTask(GetTaskRequest { id: o.required("id"), history_length: history_length(o), tenant: o.string("tenant") }),
        Method::ListTasks => Call::ListTasks(list_tasks(o)),
        Method::CancelTask => {
            Call::CancelTask(CancelTaskRequest { id: o.required("id"), metadata: o.structure("metadata"), tenant: o.string("tenant") })
        }
        Method::SubscribeToTask => Call::SubscribeToTask(SubscribeToTaskRequest { id: o.required("id"), tenant: o.string("tenant") }),
        Method::CreateTaskPushNotificationConfig => {
            let task_id = o.required("taskId");
            Call::CreateTaskPushNotificationConfig(TaskPushNotificationConfig { task_id, ..push_notification_config(o) })
        }
        Method::GetTaskPushNotificationConfig => Call::GetTaskPushNotificationConfig(GetTaskPushNotificationConfigRequest {
            task_id: o.required("taskId"),
            id: o.required("id"),
            tenant: o.string("tenant"),
        }),
        Method::ListTaskPushNotificationConfigs => {
            Call::ListTaskPushNotificationConfigs(ListTaskPushNotificationConfigsRequest {
                task_id: o.required("taskId"),
                // No explicit presence in the proto: 0 is what an unset field says.
                page_size: o.integer("pageSize", 0, i32::MAX).filter(|size| *size > 0),
                page_token: o.string("pageToken"),
                tenant: o.string("tenant"),
            })
        }
        Method::DeleteTaskPushNotificationConfig => Call::DeleteTaskPushNotificationConfig(DeleteTaskPushNotificationConfigRequest {
            task_id: o.required("taskId"),
            id: o.required("id"),
            tenant: o.string("tenant"),
        }),
        Method::GetExtendedAgentCard => Call::GetExtendedAgentCard(GetExtendedAgentCardRequest { tenant: o.string("tenant") }),
    })
}

fn send_message(o: &mut Object<'_>) -> SendMessage {
    let request = SendMessageRequest {
        message: o.required_object("message", message).unwrap_or_else(no_message),
        configuration: o.object("configuration", configuration),
        metadata: o.structure("metadata"),
        tenant: o.string("tenant"),
    };
    SendMessage { request, task_id_may_be_new: false }
}

fn message(o: &mut Object<'_>) -> Message {
    Message {
        message_id: o.required("messageId"),
        context_id: o.string("contextId"),
        task_id: o.string("taskId"),
        role: role(o),
        parts: o.required_objects("parts", part),
        metadata: o.structure("metadata"),
        extensions: o.strings("extensions"),
        reference_task_ids: o.strings("referenceTaskIds"),
    }
}

/// Stands in for a message that could not be read; never leaves this crate, because the violation is noted.
pub(crate) fn no_message() -> Message {
    Message {
        message_id: String::new(),
        context_id: None,
        task_id: None,
        role: Role::Unspecified,
        parts: Vec::new(),
        metadata: None,
        extensions: None,
        reference_task_ids: None,
    }
}

const ROLES: &str = "ROLE_USER, ROLE_AGENT";

fn role(o: &mut Object<'_>) -> Role {
    if !o.has("role") {
        o.wrong("role", format!("is required: one of {ROLES}"));
    }
    let parse = |choice: Choice<'_>| match choice {
        Choice::Name("ROLE_USER") | Choice::Number(1) => Some(Role::User),
        Choice::Name("ROLE_AGENT") | Choice::Number(2) => Some(Role::Agent),
        _ => None,
    };
    o.choice("role", parse, ROLES).unwrap_or_default()
}

const CONTENTS: [&str; 4] = ["text", "raw", "url", "data"];

fn part(o: &mut Object<'_>) -> Part {
    // `data` may hold null, but a null beside other content is only an unset field.
    let set = CONTENTS.iter().filter(|name| o.has(name)).count();
    match set {
        0 if o.names("data") => {}
        0 => o.wrong_here("must have one of text, raw, url, data"),
        1 => {}
        _ => o.wrong_here("must have only one of text, raw, url, data"),
    }
    let content = if let Some(text) = o.text("text") {
        PartContent::Text(text)
    } else if let Some(bytes) = o.bytes("raw") {
        PartContent::Raw(bytes)
    } else if let Some(url) = o.text("url") {
        PartContent::Url(url)
    } else {
        PartContent::Data(o.value("data").unwrap_or_default())
    };
    Part { content, filename: o.string("filename"), media_type: o.string("mediaType"), metadata: o.structure("metadata") }
}

fn configuration(o: &mut Object<'_>) -> SendMessageConfiguration {
    // Some v1.0 clients still use the name that the field had before.
    let push = o.either("taskPushNotificationConfig", "pushNotificationConfig");
    SendMessageConfiguration {
        accepted_output_modes: o.strings("acceptedOutputModes"),
        task_push_notification_config: o.object(push, |o| {
            let task_id = o.string("taskId").unwrap_or_default();
            TaskPushNotificationConfig { task_id, ..push_notification_config(o) }
        }),
        history_length: history_length(o),
        return_immediately: o.boolean("returnImmediately"),
    }
}

/// All of a config but its `taskId`, which is required in one place and idle in the other.
fn push_notification_config(o: &mut Object<'_>) -> TaskPushNotificationConfig {
    TaskPushNotificationConfig {
        url: webhook_url(o),
        id: o.string("id"),
        task_id: String::new(),
        token: o.string("token"),
        authentication: o.object("authentication", |o| AuthenticationInfo { scheme: o.required("scheme"), credentials: o.string("credentials") }),
        tenant: o.string("tenant"),
    }
}

/// An absolute HTTP(S) URL. Whether it may be called is decided where it is called.
pub(crate) fn webhook_url(o: &mut Object<'_>) -> String {
    let url = o.required("url");
    let after = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if !url.is_empty() && after.is_none_or(str::is_empty) {
        o.wrong("url", "must be an absolute http or https URL");
    }
    url
}

/// Spec section 3.2.4: unset is no limit, 0 is no history.
pub(crate) fn history_length(o: &mut Object<'_>) -> Option<i32> {
    o.integer("historyLength", 0, i32::MAX)
}

const STATES: [(&str, TaskState); 9] = [
    ("TASK_STATE_UNSPECIFIED", TaskState::Unspecified),
    ("TASK_STATE_SUBMITTED", TaskState::Submitted),
    ("TASK_STATE_WORKING", TaskState::Working),
    ("TASK_STATE_COMPLETED", TaskState::Completed),
    ("TASK_STATE_FAILED", TaskState::Failed),
    ("TASK_STATE_CANCELED", TaskState::Canceled),
    ("TASK_STATE_INPUT_REQUIRED", TaskState::InputRequired),
    ("TASK_STATE_REJECTED", TaskState::Rejected),
    ("TASK_STATE_AUTH_REQUIRED", TaskState::AuthRequired),
];

fn state(choice: Choice<'_>) -> Option<TaskState> {
    match choice {
        Choice::Name(name) => STATES.iter().find(|(known, _)| *known == name).map(|(_, state)| state.clone()),
        Choice::Number(number) => usize::try_from(number).ok().and_then(|index| STATES.get(index)).map(|(_, state)| state.clone()),
    }
}

/// Spec section 3.1.4.
pub(crate) fn list_tasks(o: &mut Object<'_>) -> ListTasksRequest {
    let expected = || STATES[1..].iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let status = if o.has("status") { o.choice("status", state, &expected()) } else { None };
    ListTasksRequest {
        context_id: o.string("contextId"),
        status: status.filter(|state| *state != TaskState::Unspecified),
        page_size: o.integer("pageSize", 1, 100),
        page_token: o.string("pageToken"),
        history_length: history_length(o),
        status_timestamp_after: o.timestamp("statusTimestampAfter"),
        include_artifacts: o.boolean("includeArtifacts"),
        tenant: o.string("tenant"),
    }
}
