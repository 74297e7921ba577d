//! Bad input of every kind gets the right error, always JSON, and the process lives on.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Server, message};

const V1: (&str, &str) = ("A2A-Version", "1.0");

#[tokio::test]
async fn a_bad_json_rpc_request_gets_its_code() {
    let mut server = Server::conformance();
    let part = json!({"text": "x"});
    let send = |message: Value| json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}).to_string();
    let call = |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let cases: Vec<(&str, Vec<u8>, i64)> = vec![
        ("an empty body", Vec::new(), -32700),
        ("no JSON", b"hello".to_vec(), -32700),
        ("half an object", b"{\"jsonrpc\":".to_vec(), -32700),
        ("invalid UTF-8", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}".to_vec(), -32700),
        ("a lone surrogate", br#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#.to_vec(), -32700),
        ("deep nesting", format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)).into_bytes(), -32700),
        ("a number", b"1".to_vec(), -32600),
        ("a string", b"\"x\"".to_vec(), -32600),
        ("null", b"null".to_vec(), -32600),
        ("an empty batch", b"[]".to_vec(), -32600),
        ("an empty object", b"{}".to_vec(), -32600),
        ("no method", br#"{"jsonrpc":"2.0","id":1}"#.to_vec(), -32600),
        ("a method that is a number", br#"{"jsonrpc":"2.0","id":1,"method":1}"#.to_vec(), -32600),
        ("another JSON-RPC", br#"{"jsonrpc":"1.0","id":1,"method":"GetTask","params":{"id":"x"}}"#.to_vec(), -32600),
        ("no JSON-RPC version", br#"{"id":1,"method":"GetTask","params":{"id":"x"}}"#.to_vec(), -32600),
        ("an id that is an object", br#"{"jsonrpc":"2.0","id":{},"method":"GetTask","params":{"id":"x"}}"#.to_vec(), -32600),
        ("an unknown method", call("Dance", json!({})).into_bytes(), -32601),
        ("params that are an array", call("GetTask", json!([1])).into_bytes(), -32602),
        ("no params", br#"{"jsonrpc":"2.0","id":1,"method":"SendMessage"}"#.to_vec(), -32602),
        ("a missing id", call("GetTask", json!({})).into_bytes(), -32602),
        ("an id of a wrong type", call("GetTask", json!({"id": 5})).into_bytes(), -32602),
        ("a negative history length", call("GetTask", json!({"id": "x", "historyLength": -1})).into_bytes(), -32602),
        ("a page of a thousand", call("ListTasks", json!({"pageSize": 1000})).into_bytes(), -32602),
        ("an unknown state", call("ListTasks", json!({"status": "TASK_STATE_BORED"})).into_bytes(), -32602),
        ("a page token of no one", call("ListTasks", json!({"pageToken": "!!"})).into_bytes(), -32602),
        ("no message", call("SendMessage", json!({})).into_bytes(), -32602),
        ("a message that is text", call("SendMessage", json!({"message": "hello"})).into_bytes(), -32602),
        ("no parts", send(json!({"messageId": "m", "role": "ROLE_USER", "parts": []})).into_bytes(), -32602),
        ("a part without content", send(json!({"messageId": "m", "role": "ROLE_USER", "parts": [{}]})).into_bytes(), -32602),
        ("a part with two contents", send(json!({"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "x", "url": "y"}]})).into_bytes(), -32602),
        ("bytes that are not base64", send(json!({"messageId": "m", "role": "ROLE_USER", "parts": [{"raw": "~~~"}]})).into_bytes(), -32602),
        ("no messageId", send(json!({"role": "ROLE_USER", "parts": [part]})).into_bytes(), -32602),
        ("an unknown role", send(json!({"messageId": "m", "role": "ROLE_KING", "parts": [part]})).into_bytes(), -32602),
        ("a task of no one", send(json!({"messageId": "m", "taskId": "none", "role": "ROLE_USER", "parts": [part]})).into_bytes(), -32001),
        ("an unknown task", call("GetTask", json!({"id": "none"})).into_bytes(), -32001),
        ("an unknown task to cancel", call("CancelTask", json!({"id": "none"})).into_bytes(), -32001),
        ("an unknown task to subscribe to", call("SubscribeToTask", json!({"id": "none"})).into_bytes(), -32001),
        (
            "a webhook of no task",
            call("CreateTaskPushNotificationConfig", json!({"taskId": "none", "url": "https://example.com/"})).into_bytes(),
            -32001,
        ),
    ];
    for (what, body, code) in cases {
        let answered = server.post("/", &[V1], body).await;
        let response = answered.json();
        assert_eq!(response["error"]["code"], code, "{what}: {response}");
        assert_eq!((answered.status, &response["jsonrpc"]), (200, &json!("2.0")), "{what}");
        assert!(response.get("result").is_none() && response.get("id").is_some(), "{what}: {response}");
        assert!(response["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}: {response}");
    }
    assert!(server.lives());
}

#[tokio::test]
async fn an_invalid_field_is_named() {
    let server = Server::conformance();
    for (params, field) in [
        (json!({"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "x"}, {}]}}), "message.parts[1]"),
        (json!({"message": {"messageId": "m", "role": "ROLE_USER"}}), "message.parts"),
        (json!({"message": {"role": "ROLE_USER", "parts": [{"text": "x"}]}}), "message.messageId"),
    ] {
        let error = server.v1("SendMessage", params).await["error"].clone();
        let details = error["data"].as_array().unwrap_or_else(|| panic!("details: {error}"));
        let bad = details.iter().find(|detail| detail["@type"] == "type.googleapis.com/google.rpc.BadRequest").unwrap();
        assert_eq!(bad["fieldViolations"][0]["field"], field, "{error}");
    }
}

#[tokio::test]
async fn too_much_is_refused_by_its_size() {
    let mut server = Server::conformance();
    for (path, size) in [("/", 11), ("/message:send", 11), ("/message:send", 7)] {
        let body = message("tck-1", &"x".repeat(size * 1024 * 1024)).to_string();
        let answered = server.post(path, &[V1], body).await;
        assert_eq!(answered.status, 413, "{size} MB to {path}");
        let error = &answered.json()["error"];
        assert!(error.is_object(), "{path}: {}", answered.text);
    }
    assert!(server.lives());
}

#[tokio::test]
async fn deep_nesting_inside_a_message_harms_nothing() {
    let mut server = Server::conformance();
    for depth in [100, 1_000, 100_000] {
        let nested = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{{"message":{{"messageId":"tck-{depth}","role":"ROLE_USER","parts":[{{"data":{nested}}}]}}}}}}"#
        );
        let response = server.post("/", &[V1], body).await.json();
        assert!(response.get("result").is_some() != response.get("error").is_some(), "{depth}: {response}");
    }
    assert!(server.lives());
}

#[tokio::test]
async fn a_batch_with_one_bad_member_answers_the_others() {
    let server = Server::conformance();
    let id = server.ok("SendMessage", message("tck-input-required-1", "x")).await["task"]["id"].clone();
    let batch = json!([
        {"jsonrpc": "2.0", "id": "good", "method": "GetTask", "params": {"id": id}},
        {"jsonrpc": "2.0", "id": "bad", "method": "GetTask", "params": {"id": 7}},
        1,
        {"jsonrpc": "2.0", "method": "GetTask", "params": {"id": id}},
        {"jsonrpc": "2.0", "id": "streams", "method": "SendStreamingMessage", "params": message("tck-stream-1", "x")},
    ]);
    let responses = server.post("/", &[V1], batch.to_string()).await.json();
    let find =
        |id: Value| responses.as_array().unwrap().iter().find(|response| response["id"] == id).unwrap_or_else(|| panic!("{id} in {responses}"));
    assert_eq!(find(json!("good"))["result"]["id"], id);
    assert_eq!(find(json!("bad"))["error"]["code"], -32602);
    assert_eq!(find(Value::Null)["error"]["code"], -32600);
    assert!(find(json!("streams")).get("error").is_some());
    assert_eq!(responses.as_array().unwrap().len(), 4, "a notification has no answer: {responses}");
}

#[tokio::test]
async fn a_notification_is_answered_with_nothing() {
    let server = Server::conformance();
    let answered = server.post("/", &[V1], r#"{"jsonrpc":"2.0","method":"GetTask","params":{"id":"x"}}"#).await;
    assert_eq!((answered.status, answered.text.as_str()), (204, ""));
}

#[tokio::test]
async fn a_bad_http_json_request_gets_its_status() {
    let mut server = Server::conformance();
    let good = message("tck-1", "x").to_string();
    let cases: Vec<(&str, Method, &str, Vec<u8>, u16)> = vec![
        ("no JSON", Method::POST, "/message:send", b"{".to_vec(), 400),
        ("an empty body", Method::POST, "/message:send", Vec::new(), 400),
        ("an array", Method::POST, "/message:send", b"[]".to_vec(), 400),
        ("invalid UTF-8", Method::POST, "/message:send", vec![b'"', 0xff, b'"'], 400),
        ("no message", Method::POST, "/message:send", b"{}".to_vec(), 400),
        ("a stream of nothing", Method::POST, "/message:stream", b"{}".to_vec(), 400),
        ("an unknown route", Method::GET, "/nothing/here/at/all", Vec::new(), 404),
        ("an unknown tenant", Method::POST, "/nobody/message:send", good.clone().into_bytes(), 404),
        ("an unknown task", Method::GET, "/tasks/none", Vec::new(), 404),
        ("an unknown task to cancel", Method::POST, "/tasks/none:cancel", Vec::new(), 404),
        ("an unknown task to subscribe to", Method::GET, "/tasks/none:subscribe", Vec::new(), 404),
        ("webhooks of an unknown task", Method::GET, "/tasks/none/pushNotificationConfigs", Vec::new(), 404),
        ("an unknown verb", Method::POST, "/tasks/none:dance", Vec::new(), 404),
        ("a number that is none", Method::GET, "/tasks?pageSize=many", Vec::new(), 400),
        ("a negative page", Method::GET, "/tasks?pageSize=-1", Vec::new(), 400),
        ("a time that is none", Method::GET, "/tasks?statusTimestampAfter=yesterday", Vec::new(), 400),
        ("half an escape", Method::GET, "/tasks/%E0%A4%A", Vec::new(), 404),
    ];
    for (what, method, path, body, status) in cases {
        let headers: &[(&str, &str)] = if method == Method::POST { &[V1, ("Content-Type", "application/json")] } else { &[V1] };
        let response = server.send(method, path, headers, body).await;
        let answered = crate::harness::answered(response).await;
        assert_eq!(answered.status, status, "{what}: {}", answered.text);
        assert!(answered.json()["error"].is_object(), "{what}: {}", answered.text);
    }
    let refused = crate::harness::answered(server.send(Method::DELETE, "/message:send", &[V1], "").await).await;
    assert!([404, 405].contains(&refused.status), "{refused:?}");
    refused.json();
    assert!(server.lives());
}

#[tokio::test]
async fn text_that_is_no_json_rpc_is_refused_by_its_content_type() {
    let server = Server::conformance();
    let answered = server.post("/", &[V1, ("Content-Type", "text/plain")], "hello").await;
    let code = answered.json()["error"]["code"].as_i64().unwrap();
    assert!(code == -32005 || (400..500).contains(&answered.status), "{answered:?}");
}

#[tokio::test]
async fn an_error_before_a_stream_begins_is_plain_json() {
    let server = Server::conformance();
    let body = json!({"jsonrpc": "2.0", "id": 3, "method": "SendStreamingMessage", "params": {}}).to_string();
    let answered = server.post("/", &[V1, ("Accept", "text/event-stream")], body).await;
    assert!(answered.header("content-type").starts_with("application/json"), "{:?}", answered.headers);
    assert_eq!((&answered.json()["id"], &answered.json()["error"]["code"]), (&json!(3), &json!(-32602)));
}

#[tokio::test]
async fn a_required_context_must_be_the_tasks_own() {
    let server = Server::conformance();
    let task = server.ok("SendMessage", message("tck-input-required-1", "x")).await["task"].clone();
    let mut params = message("tck-2", "y");
    params["message"]["taskId"] = task["id"].clone();
    params["message"]["contextId"] = json!("another-context");
    assert_eq!(server.v1("SendMessage", params).await["error"]["code"], -32602);
}
