//! JSON-RPC: versions, ids, batches, notifications, errors, and the functions of one method.

use serde_json::{Value, json};

use crate::*;

#[tokio::test]
async fn each_generation_is_answered_in_its_own_form() {
    let server = Server::new().await;
    let sent = server.call("SendMessage", message("m-1", "hello")).await;
    assert_eq!(sent["result"]["task"]["status"]["state"], "TASK_STATE_COMPLETED", "{sent}");

    let params = json!({"message": {"kind": "message", "messageId": "m-2", "role": "user", "parts": [{"kind": "text", "text": "hello"}]}});
    let sent = server.post("/", &[], json!({"jsonrpc": "2.0", "id": "a", "method": "message/send", "params": params})).await.json();
    assert_eq!((&sent["id"], &sent["result"]["kind"]), (&json!("a"), &json!("task")), "{sent}");
    assert_eq!(sent["result"]["status"]["state"], "completed");

    let params = json!({"message": {"role": "user", "parts": [{"type": "text", "text": "hello"}]}});
    let sent = server.post("/", &[], json!({"jsonrpc": "2.0", "id": 1732276800000_u64, "method": "tasks/send", "params": params})).await.json();
    assert_eq!(sent["id"], 1732276800000_u64);
    assert_eq!(sent["result"]["status"]["state"], "completed", "{sent}");
    assert!(sent["result"]["sessionId"].is_string() && sent["result"].get("kind").is_none() && sent.get("error").is_none());

    // A name that v0.1 and v0.3 share shows a task as it was made.
    let got = server.post("/", &[], json!({"jsonrpc": "2.0", "id": 2, "method": "tasks/get", "params": {"id": sent["result"]["id"]}})).await.json();
    assert!(got["result"]["sessionId"].is_string(), "{got}");
    let body = json!({"jsonrpc": "2.0", "id": 2, "method": "tasks/get", "params": {"id": sent["result"]["id"]}});
    let got = server.post("/", &[("A2A-Version", "0.3")], body).await.json();
    assert_eq!(got["result"]["kind"], "task", "{got}");
}

#[tokio::test]
async fn the_root_is_found_with_a_tenant_and_a_trailing_slash() {
    let server = Server::with(&[("A2A_BASE_PATH", "/a2a")]).await;
    for (number, path) in ["/", "/echo", "/echo/", "/a2a", "/a2a/echo/", "/v1"].into_iter().enumerate() {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": message(&format!("m-{number}"), "hello")});
        let answer = server.post(path, &[], body).await;
        assert!(answer.json()["result"]["task"]["id"].is_string(), "{path}: {}", answer.text);
    }
    let answer = server.post("/nobody", &[], json!({})).await;
    assert_eq!((answer.status, answer.header("content-type")), (404, "application/json"));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_has_its_own_code_and_http_status_200() {
    let server = Server::new().await;
    let version = [("A2A-Version", "1.0")];
    for (code, body) in [
        (-32600, json!({"invalid": "request"})),
        (-32600, json!([])),
        (-32600, json!("text")),
        (-32601, json!({"jsonrpc": "2.0", "id": 1, "method": "Nothing"})),
        (-32602, json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {}})),
        (-32001, json!({"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "nothing"}})),
    ] {
        let answer = server.post("/", &version, body.clone()).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (200, &json!(code)), "{body}: {}", answer.text);
        assert!(answer.json().get("result").is_none());
    }
    let answer = server.send(Serves::EveryMethod, "POST", "/", &[("Content-Type", "application/json")], "{nonsense").await;
    assert_eq!((answer.status, &answer.json()["error"]["code"], &answer.json()["id"]), (200, &json!(-32700), &Value::Null));
    let answer = server.post("/", &[("A2A-Version", "9.9")], json!({"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "x"}})).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (200, &json!(-32009)));
    let answer = server.send(Serves::EveryMethod, "POST", "/", &[("Content-Type", "text/plain")], "{}").await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (415, &json!(-32005)));
}

#[tokio::test]
async fn a_batch_answers_each_member_by_itself_and_notifications_not_at_all() {
    let server = Server::new().await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": message("m-1", "hello")},
        {"jsonrpc": "2.0", "method": "SendMessage", "params": message("m-2", "unheard")},
        {"jsonrpc": "2.0", "id": 3, "method": "SendStreamingMessage", "params": message("m-3", "streams")},
        {"wrong": true},
    ]);
    let answers = server.post("/", &[("A2A-Version", "1.0")], batch).await.json();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 3);
    assert!(answers[0]["result"]["task"]["id"].is_string());
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!(3), &json!(-32004)));
    assert_eq!(answers[2]["error"]["code"], -32600);
    // The notification was performed all the same.
    assert_eq!(server.call("ListTasks", json!({})).await["result"]["totalSize"], 2);

    let long: Vec<Value> = (0..101).map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "ListTasks"})).collect();
    assert_eq!(server.post("/", &[], json!(long)).await.json()["error"]["code"], -32600);
}

#[tokio::test]
async fn a_notification_is_performed_and_gets_no_content() {
    let server = Server::new().await;
    let body = json!({"jsonrpc": "2.0", "method": "SendMessage", "params": message("m-1", "hello")});
    let answer = server.post("/", &[("A2A-Version", "1.0")], body).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(server.call("ListTasks", json!({})).await["result"]["totalSize"], 1);
}

#[tokio::test]
async fn a_method_s_function_answers_that_method_only() {
    let server = Server::new().await;
    let headers = [("Content-Type", "application/json"), ("A2A-Version", "1.0")];
    let send = json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": message("m-1", "hello")}).to_string();
    let answer = server.send(SEND, "POST", "/rpc/SendMessage", &headers, &send).await;
    assert!(answer.json()["result"]["task"]["id"].is_string(), "{}", answer.text);
    let answer = server.send(SEND, "POST", "/echo/rpc/SendMessage", &headers, &send.replace("m-1", "m-2")).await;
    assert!(answer.json()["result"]["task"]["id"].is_string(), "{}", answer.text);

    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "ListTasks"}).to_string();
    let answer = server.send(SEND, "POST", "/rpc/SendMessage", &headers, &list).await;
    assert_eq!(answer.json()["error"]["code"], -32601);
    let answer = server.send(SEND, "GET", "/tasks", &[], "").await;
    assert_eq!(answer.status, 404);
}
