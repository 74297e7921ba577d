//! The routes of the HTTP+JSON binding (spec section 11.3), and what their requests hand over as parameters.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::RestRequest;
use crate::{A2aError, Method};

/// What the path says.
#[derive(Debug, Default)]
pub(super) struct Params {
    pub task_id: Option<String>,
    pub config_id: Option<String>,
}

/// A route, found.
pub(super) struct Matched {
    pub method: Method,
    pub params: Params,
}

/// The operation behind method and path.
pub(super) fn route(http_method: &str, path: &str) -> Option<Matched> {
    let segments: Vec<String> = path.split('/').skip(1).map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect();
    let mut segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if segments.first() == Some(&"v1") {
        segments.remove(0);
    }
    let matched = |method| Some(Matched { method, params: Params::default() });
    let of_task =
        |method, task: &str| (!task.is_empty()).then(|| Matched { method, params: Params { task_id: Some(task.to_owned()), config_id: None } });
    let of_config = |method, task: &str, config: &str| {
        let params = Params { task_id: Some(task.to_owned()), config_id: Some(config.to_owned()) };
        (!task.is_empty() && !config.is_empty()).then_some(Matched { method, params })
    };
    match (http_method, segments.as_slice()) {
        ("POST", ["message:send"]) => matched(Method::SendMessage),
        ("POST", ["message:stream"]) => matched(Method::SendStreamingMessage),
        ("GET", ["tasks"]) => matched(Method::ListTasks),
        ("GET", ["extendedAgentCard" | "card"]) => matched(Method::GetExtendedAgentCard),
        (http_method, ["tasks", task]) => match (http_method, task.rsplit_once(':')) {
            ("POST", Some((task, "cancel"))) => of_task(Method::CancelTask, task),
            ("GET" | "POST", Some((task, "subscribe"))) => of_task(Method::SubscribeToTask, task),
            ("GET", _) => of_task(Method::GetTask, task),
            _ => None,
        },
        ("POST", ["tasks", task, "pushNotificationConfigs"]) => of_task(Method::CreateTaskPushNotificationConfig, task),
        ("GET", ["tasks", task, "pushNotificationConfigs"]) => of_task(Method::ListTaskPushNotificationConfigs, task),
        ("GET", ["tasks", task, "pushNotificationConfigs", config]) => of_config(Method::GetTaskPushNotificationConfig, task, config),
        ("DELETE", ["tasks", task, "pushNotificationConfigs", config]) => of_config(Method::DeleteTaskPushNotificationConfig, task, config),
        _ => None,
    }
}

/// The request's own fields: the body's of what has one, the query's of what has not.
pub(super) fn body_or_query(request: RestRequest<'_>, method: Method) -> Result<Map<String, Value>, A2aError> {
    let needs_body = matches!(method, Method::SendMessage | Method::SendStreamingMessage | Method::CreateTaskPushNotificationConfig);
    let blank = request.body.iter().all(u8::is_ascii_whitespace);
    if request.method != "POST" || (blank && !needs_body) {
        return Ok(query(request.query));
    }
    match serde_json::from_slice(request.body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(Value::Null) if !needs_body => Ok(query(request.query)),
        Ok(_) => Err(A2aError::InvalidRequest { reason: "the body must be a JSON object".to_owned() }),
        Err(error) => Err(A2aError::ParseError { reason: error.to_string() }),
    }
}

/// Query parameters as fields (spec section 11.5). All are text there; only booleans need another type, since numbers may be text in JSON.
fn query(pairs: &[(String, String)]) -> Map<String, Value> {
    let fields = pairs.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("a2a-version")).map(|(name, text)| {
        let value = match (name.as_str(), text.as_str()) {
            (_, "") => Value::Null,
            ("includeArtifacts" | "include_artifacts", "true") => Value::Bool(true),
            ("includeArtifacts" | "include_artifacts", "false") => Value::Bool(false),
            (_, text) => text.into(),
        };
        (name.clone(), value)
    });
    fields.collect()
}
