//! Values that many tests share, and short ways in and out.

use std::{collections::HashMap, sync::Arc};

use protocol::{
    A2aError, Answer, Call, Dialect, Method,
    json_rpc::{self, EventWriter, Incoming, RpcId, RpcRequest},
    rest::{self, RestCall, RestRequest},
    types::{
        Artifact, AuthenticationInfo, Message, Part, Role, StreamResponse, Task, TaskArtifactUpdateEvent, TaskPushNotificationConfig, TaskState,
        TaskStatus, TaskStatusUpdateEvent,
    },
};
use serde_json::{Value, json};

/// The only request of a body.
pub fn one(body: &Value, version: Option<&str>) -> RpcRequest {
    one_of_bytes(body.to_string().as_bytes(), version)
}

pub fn one_of_bytes(body: &[u8], version: Option<&str>) -> RpcRequest {
    match json_rpc::parse(body, version) {
        Incoming::One(request) => request,
        Incoming::Batch(_) => panic!("a batch"),
    }
}

pub fn rpc(method: &str, params: Value, version: Option<&str>) -> RpcRequest {
    one(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}), version)
}

/// The call of a v1.0 method.
pub fn call(method: &str, params: Value) -> Result<Call, A2aError> {
    rpc(method, params, Some("1.0")).call
}

/// The fields that an error names, in order.
pub fn fields(error: A2aError) -> Vec<String> {
    match error {
        A2aError::InvalidParams { violations } => violations.into_iter().map(|violation| violation.field).collect(),
        other => panic!("not about parameters: {other:?}"),
    }
}

/// The message that a call sends.
pub fn message_of(call: Result<Call, A2aError>) -> Message {
    match call {
        Ok(Call::SendMessage(send) | Call::SendStreamingMessage(send)) => send.request.message,
        other => panic!("no message: {other:?}"),
    }
}

pub fn rest_call(method: &str, target: &str, body: &[u8], version: Option<&str>) -> RestCall {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query: Vec<(String, String)> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    rest::parse(RestRequest { method, path, query: &query, body, version, ..RestRequest::default() }).unwrap()
}

/// `result` of a JSON-RPC answer.
pub fn result(dialect: Dialect, method: Method, answer: &Answer) -> Value {
    let body: Value = serde_json::from_str(&json_rpc::answer_body(&id(), dialect, method, Ok(answer))).unwrap();
    assert_eq!(body["jsonrpc"], "2.0");
    assert_eq!(body["id"], 1);
    assert!(body.get("error").is_none());
    body["result"].clone()
}

pub fn event(dialect: Dialect, event: &StreamResponse, last: bool) -> Value {
    let body: Value = serde_json::from_str(&EventWriter::new(id(), dialect).body(Ok(event), last)).unwrap();
    body["result"].clone()
}

pub fn rest_body(dialect: Dialect, method: Method, answer: &Answer) -> Value {
    serde_json::from_str(&rest::answer_body(dialect, method, answer)).unwrap()
}

pub fn id() -> RpcId {
    RpcId::Number(1.into())
}

pub fn metadata(key: &str, value: Value) -> Option<HashMap<String, Value>> {
    Some(HashMap::from([(key.to_owned(), value)]))
}

pub fn user_message() -> Message {
    Message {
        message_id: "m-1".to_owned(),
        context_id: Some("c-1".to_owned()),
        task_id: Some("t-1".to_owned()),
        role: Role::User,
        parts: vec![Part::text("hello")],
        metadata: metadata("skillId", json!("document_search")),
        extensions: Some(vec!["https://example.com/x".to_owned()]),
        reference_task_ids: Some(vec!["t-0".to_owned()]),
    }
}

pub fn agent_message(text: &str) -> Message {
    Message {
        message_id: "m-2".to_owned(),
        context_id: Some("c-1".to_owned()),
        task_id: Some("t-1".to_owned()),
        role: Role::Agent,
        parts: vec![Part::text(text)],
        metadata: None,
        extensions: None,
        reference_task_ids: None,
    }
}

pub fn status(state: TaskState, message: Option<Message>) -> TaskStatus {
    TaskStatus { state, message, timestamp: Some("2025-10-28T10:30:00.123456789Z".parse().unwrap()) }
}

pub fn artifact(id: &str, parts: Vec<Part>) -> Artifact {
    Artifact { artifact_id: id.to_owned(), name: Some("output".to_owned()), description: None, parts, metadata: None, extensions: None }
}

/// A part of every kind.
pub fn parts() -> Vec<Part> {
    vec![
        Part::text("text"),
        Part::raw(b"tck".to_vec()).with_media_type("text/plain").with_filename("output.txt"),
        Part::url("https://example.com/output.txt").with_media_type("text/plain").with_filename("output.txt"),
        Part::data(json!({"key": "value", "count": 42})),
        Part { metadata: metadata("note", json!(1)), ..Part::data(json!([1, 2])) },
    ]
}

pub fn task(state: TaskState) -> Task {
    Task {
        id: "t-1".to_owned(),
        context_id: "c-1".to_owned(),
        status: status(state, Some(agent_message("done"))),
        artifacts: Some(vec![artifact("a-1", parts())]),
        history: Some(vec![user_message()]),
        metadata: metadata("snake_key", json!({"inner_key": 1})),
    }
}

pub fn bare_task(state: TaskState) -> Task {
    let status = TaskStatus { state, message: None, timestamp: None };
    Task { id: "t-1".to_owned(), context_id: "c-1".to_owned(), status, artifacts: None, history: None, metadata: None }
}

pub fn answer(task: Task) -> Answer {
    Answer::Task(Arc::new(task))
}

pub fn status_update(state: TaskState) -> StreamResponse {
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: "t-1".to_owned(),
        context_id: "c-1".to_owned(),
        status: status(state, None),
        metadata: None,
    })
}

pub fn artifact_update(id: &str) -> StreamResponse {
    StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id: "t-1".to_owned(),
        context_id: "c-1".to_owned(),
        artifact: artifact(id, vec![Part::text("chunk")]),
        append: Some(true),
        last_chunk: Some(false),
        metadata: None,
    })
}

pub fn config() -> TaskPushNotificationConfig {
    TaskPushNotificationConfig {
        url: "https://example.com/hook".to_owned(),
        id: Some("p-1".to_owned()),
        task_id: "t-1".to_owned(),
        token: Some("token".to_owned()),
        authentication: Some(AuthenticationInfo { scheme: "Bearer".to_owned(), credentials: Some("secret".to_owned()) }),
        tenant: None,
    }
}
