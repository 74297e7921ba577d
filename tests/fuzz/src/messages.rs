//! Requests in each binding and each generation of the protocol.

use guard::threats::in_call;
use protocol::{
    A2aError, Answer, Call, Dialect, Method, bounds,
    json_rpc::{self, EventWriter, Incoming, RpcId, RpcRequest},
    rest::{self, RestRequest},
    types::StreamResponse,
};
use serde_json::{Value, json};

use crate::split;

const VERSIONS: [Option<&str>; 4] = [None, Some("1.0"), Some("0.3"), Some("2.0")];
const DIALECTS: [Dialect; 3] = [Dialect::V0_1, Dialect::V0_3, Dialect::V1_0];

/// A body, and the version that its header names.
pub fn json_rpc(data: &[u8]) {
    let (version, body) = split(data);
    let version = VERSIONS[usize::from(version) % VERSIONS.len()];
    // To be asked before a body is read: it must be as robust.
    let _ = json_rpc::addressee(body, version);
    let within = bounds::check_body(body, true).is_ok();
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        assert!(!within || depth(&value) <= bounds::MAX_DEPTH, "what is deep is let pass");
    }
    match json_rpc::parse(body, version) {
        Incoming::One(request) => answered(&request),
        Incoming::Batch(requests) => {
            assert!(!requests.is_empty());
            requests.iter().for_each(answered);
        }
    }
}

/// Parameters of v1.0's methods.
pub fn dialect_1_0(data: &[u8]) {
    let (method, params) = split(data);
    let methods = Method::ALL.map(Method::name);
    call(methods[usize::from(method) % methods.len()], params, Some("1.0"));
}

/// Parameters of v0.3's methods.
pub fn dialect_0_3(data: &[u8]) {
    const METHODS: [&str; 10] = [
        "message/send",
        "message/stream",
        "tasks/get",
        "tasks/cancel",
        "tasks/resubscribe",
        "tasks/pushNotificationConfig/set",
        "tasks/pushNotificationConfig/get",
        "tasks/pushNotificationConfig/list",
        "tasks/pushNotificationConfig/delete",
        "agent/getAuthenticatedExtendedCard",
    ];
    let (method, params) = split(data);
    call(METHODS[usize::from(method) % METHODS.len()], params, None);
}

/// Parameters of v0.1's methods.
pub fn dialect_0_1(data: &[u8]) {
    const METHODS: [&str; 7] = [
        "tasks/send",
        "tasks/sendSubscribe",
        "tasks/get",
        "tasks/cancel",
        "tasks/resubscribe",
        "tasks/pushNotification/set",
        "tasks/pushNotification/get",
    ];
    let (method, params) = split(data);
    call(METHODS[usize::from(method) % METHODS.len()], params, None);
}

/// Method and version, then path, query and body on a line each.
pub fn rest(data: &[u8]) {
    let (choice, rest) = split(data);
    let mut lines = rest.splitn(3, |byte| *byte == b'\n');
    let path = format!("/{}", String::from_utf8_lossy(lines.next().unwrap_or_default()));
    let query: Vec<(String, String)> = form_urlencoded::parse(lines.next().unwrap_or_default()).into_owned().collect();
    let request = RestRequest {
        method: ["GET", "POST", "DELETE", "PUT"][usize::from(choice) % 4],
        path: path.strip_suffix('/').unwrap_or(&path),
        query: &query,
        body: lines.next().unwrap_or_default(),
        version: VERSIONS[usize::from(choice) / 4 % VERSIONS.len()],
        ..RestRequest::default()
    };
    match rest::parse(request) {
        Ok(found) => {
            if let Err(error) = &found.call {
                is_json(&rest::error_body(found.dialect, error).1);
            }
            found.call.iter().for_each(|call| echoed(call, found.dialect));
        }
        Err(refused) => is_json(&rest::error_body(refused.dialect, &refused.error).1),
    }
}

fn call(method: &str, params: &[u8], version: Option<&str>) {
    let head = json!({"jsonrpc": "2.0", "id": 1, "method": method}).to_string();
    let mut body = head.trim_end_matches('}').as_bytes().to_vec();
    body.extend_from_slice(b",\"params\":");
    body.extend_from_slice(params);
    body.push(b'}');
    match json_rpc::parse(&body, version) {
        Incoming::One(request) => answered(&request),
        Incoming::Batch(_) => panic!("an object is no batch"),
    }
}

/// Whatever was asked, the answer is JSON and has either a result or an error.
fn answered(request: &RpcRequest) {
    let id = request.id.clone().unwrap_or(RpcId::Null);
    match &request.call {
        Ok(call) => echoed(call, request.dialect),
        Err(error) => {
            let body = json_rpc::answer_body(&id, request.dialect, Method::GetTask, Err(error));
            let body: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
            assert!(body.get("error").is_some() && body.get("result").is_none(), "{body}");
        }
    }
}

/// What was read can be searched, and written in every generation's words.
fn echoed(call: &Call, dialect: Dialect) {
    let _ = (in_call(call, dialect), bounds::check_call(call));
    let answer = match call {
        Call::SendMessage(send) | Call::SendStreamingMessage(send) => Answer::Message(send.request.message.clone().into()),
        Call::CreateTaskPushNotificationConfig(config) => Answer::PushNotificationConfig(config.clone()),
        _ => return,
    };
    for dialect in DIALECTS {
        is_json(&json_rpc::answer_body(&RpcId::Null, dialect, call.method(), Ok(&answer)));
        is_json(&rest::answer_body(dialect, call.method(), &answer));
        if let Answer::Message(message) = &answer {
            let event = StreamResponse::Message((**message).clone());
            is_json(&EventWriter::new(RpcId::Null, dialect).body(Ok(&event), true));
            is_json(&rest::event_body(dialect, Err::<&StreamResponse, _>(&A2aError::Internal), true));
        }
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[track_caller]
fn is_json(text: &str) {
    assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
}
