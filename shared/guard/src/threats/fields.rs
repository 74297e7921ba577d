//! The fields of a call, each searched as what it is for: ids, names, URLs and metadata strictly, texts and data as prose.

use std::collections::HashMap;

use protocol::{
    Call, Dialect,
    types::{Message, Part, PartContent, SendMessageRequest, TaskPushNotificationConfig},
};
use serde_json::Value;

use super::{CERTAIN, Context, Kind, MOST_DEPTH, MOST_PARTS, Threat, inspect};

/// A threat, and the field that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its path as the client wrote it, such as `message.metadata.source`.
    pub field: String,
    /// What it holds.
    pub threat: Threat,
}

type Found = Result<(), Finding>;

/// Searches a field of that name.
pub fn in_field(field: &str, text: &str, context: Context) -> Option<Finding> {
    inspect(text, context).map(|threat| Finding { field: field.to_owned(), threat })
}

/// Searches the parameters of a call; fields are named as the dialect names them. The first finding ends the search.
pub fn in_call(call: &Call, dialect: Dialect) -> Option<Finding> {
    search(call, dialect).err()
}

fn search(call: &Call, dialect: Dialect) -> Found {
    match call {
        Call::SendMessage(send) | Call::SendStreamingMessage(send) => send_message(&send.request, dialect),
        Call::GetTask(request) => names(&[("id", Some(&request.id)), ("tenant", request.tenant.as_ref())]),
        Call::ListTasks(request) => {
            names(&[("contextId", request.context_id.as_ref()), ("pageToken", request.page_token.as_ref()), ("tenant", request.tenant.as_ref())])
        }
        Call::CancelTask(request) => {
            names(&[("id", Some(&request.id)), ("tenant", request.tenant.as_ref())])?;
            metadata("metadata", request.metadata.as_ref())
        }
        Call::SubscribeToTask(request) => names(&[("id", Some(&request.id)), ("tenant", request.tenant.as_ref())]),
        Call::CreateTaskPushNotificationConfig(config) => {
            let field = if dialect == Dialect::V1_0 { "" } else { "pushNotificationConfig." };
            push_notification_config(field, config)
        }
        Call::GetTaskPushNotificationConfig(request) => {
            names(&[("taskId", Some(&request.task_id)), ("id", Some(&request.id)), ("tenant", request.tenant.as_ref())])
        }
        Call::ListTaskPushNotificationConfigs(request) => {
            names(&[("taskId", Some(&request.task_id)), ("pageToken", request.page_token.as_ref()), ("tenant", request.tenant.as_ref())])
        }
        Call::DeleteTaskPushNotificationConfig(request) => {
            names(&[("taskId", Some(&request.task_id)), ("id", Some(&request.id)), ("tenant", request.tenant.as_ref())])
        }
        Call::GetExtendedAgentCard(request) => names(&[("tenant", request.tenant.as_ref())]),
    }
}

fn send_message(request: &SendMessageRequest, dialect: Dialect) -> Found {
    names(&[("tenant", request.tenant.as_ref())])?;
    message(&request.message, dialect)?;
    metadata("metadata", request.metadata.as_ref())?;
    let Some(configuration) = &request.configuration else { return Ok(()) };
    for mode in configuration.accepted_output_modes.iter().flatten() {
        name("configuration.acceptedOutputModes", mode)?;
    }
    match (&configuration.task_push_notification_config, dialect) {
        (None, _) => Ok(()),
        (Some(config), Dialect::V1_0) => push_notification_config("configuration.taskPushNotificationConfig.", config),
        (Some(config), Dialect::V0_3) => push_notification_config("configuration.pushNotificationConfig.", config),
        (Some(config), Dialect::V0_1) => push_notification_config("pushNotification.", config),
    }
}

fn message(message: &Message, dialect: Dialect) -> Found {
    let (task_id, context_id) = if dialect == Dialect::V0_1 { ("id", "sessionId") } else { ("message.taskId", "message.contextId") };
    names(&[("message.messageId", Some(&message.message_id)), (task_id, message.task_id.as_ref()), (context_id, message.context_id.as_ref())])?;
    for uri in message.extensions.iter().flatten() {
        name("message.extensions", uri)?;
    }
    for id in message.reference_task_ids.iter().flatten() {
        name("message.referenceTaskIds", id)?;
    }
    metadata("message.metadata", message.metadata.as_ref())?;
    if message.parts.len() > MOST_PARTS {
        return Err(beyond("message.parts", Kind::Oversize, "more than 1,000 parts"));
    }
    message.parts.iter().enumerate().try_for_each(|(index, content)| part(index, content, dialect))
}

fn part(index: usize, part: &Part, dialect: Dialect) -> Found {
    let field = |name: &str| format!("message.parts[{index}].{name}");
    let (filename, media_type, url) =
        if dialect == Dialect::V1_0 { ("filename", "mediaType", "url") } else { ("file.name", "file.mimeType", "file.uri") };
    match &part.content {
        PartContent::Text(text) => found(|| field("text"), text, Context::Text)?,
        PartContent::Url(address) => found(|| field(url), address, Context::Name)?,
        PartContent::Data(data) => value(&field("data"), data, Context::Text, 0)?,
        PartContent::Raw(_) => {}
    }
    for (part_name, text) in [(filename, &part.filename), (media_type, &part.media_type)] {
        if let Some(text) = text {
            found(|| field(part_name), text, Context::Name)?;
        }
    }
    match &part.metadata {
        Some(entries) => metadata(&field("metadata"), Some(entries)),
        None => Ok(()),
    }
}

/// Its credentials are left alone: they are meant to be random, and nobody but their receiver reads them.
fn push_notification_config(field: &str, config: &TaskPushNotificationConfig) -> Found {
    found(|| format!("{field}url"), &config.url, Context::Name)?;
    found(|| "taskId".to_owned(), &config.task_id, Context::Name)?;
    if let Some(id) = &config.id {
        found(|| format!("{field}id"), id, Context::Name)?;
    }
    if let Some(authentication) = &config.authentication {
        found(|| format!("{field}authentication.scheme"), &authentication.scheme, Context::Name)?;
    }
    names(&[("tenant", config.tenant.as_ref())])
}

fn metadata(field: &str, entries: Option<&HashMap<String, Value>>) -> Found {
    entries.into_iter().flatten().try_for_each(|(key, entry)| {
        name(field, key)?;
        value(&format!("{field}.{key}"), entry, Context::Value, 0)
    })
}

fn value(field: &str, entry: &Value, context: Context, depth: usize) -> Found {
    match entry {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => found(|| field.to_owned(), text, context),
        Value::Array(_) | Value::Object(_) if depth >= MOST_DEPTH => Err(beyond(field, Kind::Nesting, "deeper than 32 levels")),
        Value::Array(entries) => entries.iter().try_for_each(|entry| value(field, entry, context, depth + 1)),
        Value::Object(entries) => entries.iter().try_for_each(|(key, entry)| {
            let key_context = if context == Context::Text { Context::Text } else { Context::Name };
            found(|| field.to_owned(), key, key_context)?;
            value(field, entry, context, depth + 1)
        }),
    }
}

fn names(fields: &[(&str, Option<&String>)]) -> Found {
    fields.iter().try_for_each(|(field, text)| text.map_or(Ok(()), |text| name(field, text)))
}

fn name(field: &str, text: &str) -> Found {
    found(|| field.to_owned(), text, Context::Name)
}

fn found(field: impl FnOnce() -> String, text: &str, context: Context) -> Found {
    inspect(text, context).map_or(Ok(()), |threat| Err(Finding { field: field(), threat }))
}

fn beyond(field: &str, kind: Kind, reason: &'static str) -> Finding {
    Finding { field: field.to_owned(), threat: Threat { kind, score: CERTAIN, reasons: vec![reason] } }
}
