//! v0.1 parameters become a [`Call`].

use serde_json::{Map, Value};

use crate::{
    A2aError, Call, Method, SendMessage,
    dialect::{
        legacy_part::{self, FileBytes},
        v0_3,
        v1_0::{history_length, no_message},
    },
    fields::{self, Object},
    types::{GetTaskPushNotificationConfigRequest, Message, SendMessageConfiguration, SendMessageRequest, TaskPushNotificationConfig},
};

/// The operation of a JSON-RPC method name that only v0.1 has. The names that it shares with v0.3 are read there.
pub(crate) fn method(name: &str) -> Option<Method> {
    Some(match name {
        "tasks/send" => Method::SendMessage,
        "tasks/sendSubscribe" => Method::SendStreamingMessage,
        "tasks/pushNotification/set" => Method::CreateTaskPushNotificationConfig,
        "tasks/pushNotification/get" => Method::GetTaskPushNotificationConfig,
        _ => return None,
    })
}

/// Reads and validates the parameters of an operation.
pub(crate) fn call(method: Method, params: Map<String, Value>) -> Result<Call, A2aError> {
    match method {
        Method::SendMessage => fields::read(params, send_message).map(Call::SendMessage),
        Method::SendStreamingMessage => fields::read(params, send_message).map(Call::SendStreamingMessage),
        Method::CreateTaskPushNotificationConfig => fields::read(params, set_config).map(Call::CreateTaskPushNotificationConfig),
        Method::GetTaskPushNotificationConfig => fields::read(params, |o| GetTaskPushNotificationConfigRequest {
            task_id: v0_3::task_id(o),
            id: String::new(),
            tenant: o.string("tenant"),
        })
        .map(Call::GetTaskPushNotificationConfig),
        shared => v0_3::call(shared, params, v0_3::Form::JsonRpc),
    }
}

/// `TaskSendParams`: the client may choose the ids of task and session, and says nothing of waiting, so it waits.
fn send_message(o: &mut Object<'_>) -> SendMessage {
    let (task_id, context_id) = (o.string("id"), o.string("sessionId"));
    let message = o.required_object("message", message).unwrap_or_else(no_message);
    let configuration = SendMessageConfiguration {
        accepted_output_modes: o.strings("acceptedOutputModes"),
        task_push_notification_config: o.object("pushNotification", v0_3::push_notification_config),
        history_length: history_length(o),
        return_immediately: None,
    };
    let empty = configuration.accepted_output_modes.is_none()
        && configuration.task_push_notification_config.is_none()
        && configuration.history_length.is_none();
    let request = SendMessageRequest {
        message: Message { task_id: task_id.or(message.task_id), context_id: context_id.or(message.context_id), ..message },
        configuration: Some(configuration).filter(|_| !empty),
        metadata: o.structure("metadata"),
        tenant: o.string("tenant"),
    };
    SendMessage { request, task_id_may_be_new: true }
}

fn message(o: &mut Object<'_>) -> Message {
    Message {
        // v0.1 has no such field; who sends one all the same means it.
        message_id: o.string("messageId").unwrap_or_default(),
        context_id: None,
        task_id: None,
        role: v0_3::role(o),
        parts: o.required_objects("parts", |o| legacy_part::read(o, FileBytes::default())),
        metadata: o.structure("metadata"),
        extensions: None,
        reference_task_ids: None,
    }
}

fn set_config(o: &mut Object<'_>) -> TaskPushNotificationConfig {
    let task_id = v0_3::task_id(o);
    let config = o.required_object("pushNotificationConfig", v0_3::push_notification_config);
    TaskPushNotificationConfig { task_id, tenant: o.string("tenant"), ..config.unwrap_or_else(v0_3::no_config) }
}
