//! The HTTP+JSON binding (spec section 11), its v0.3 form under `/v1`, and the functions' own JSON-RPC routes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Events, Server, message, state};

const V1: (&str, &str) = ("A2A-Version", "1.0");

#[tokio::test]
async fn a_task_lives_through_its_routes() {
    let server = Server::conformance();
    let sent = server.rest("/message:send", &message("tck-input-required-1", "x")).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    let id = sent.json()["task"]["id"].as_str().unwrap().to_owned();

    let read = server.get(&format!("/tasks/{id}?historyLength=0"), &[V1]).await;
    assert_eq!((read.status, state(&read.json())), (200, "TASK_STATE_INPUT_REQUIRED"));

    let list = server.get("/tasks?pageSize=10", &[V1]).await.json();
    assert_eq!((&list["totalSize"], &list["tasks"][0]["id"]), (&json!(1), &json!(id)));

    let canceled = server.rest(&format!("/tasks/{id}:cancel"), &json!({})).await;
    assert_eq!((canceled.status, state(&canceled.json())), (200, "TASK_STATE_CANCELED"));

    let again = server.rest(&format!("/tasks/{id}:cancel"), &json!({"id": id})).await;
    assert_eq!(again.json()["error"]["details"][0]["reason"], "TASK_NOT_CANCELABLE");
}

#[tokio::test]
async fn a_message_streams() {
    let server = Server::conformance();
    let headers = [V1, ("Content-Type", "application/json")];
    let response = server.send(Method::POST, "/message:stream", &headers, message("tck-stream-artifact-text-1", "x").to_string()).await;
    let events: Vec<Value> = Events::of(response).await.all().await.into_iter().map(|event| event.data).collect();
    assert!(events[0].get("task").is_some() && events[0].get("jsonrpc").is_none(), "{events:?}");
    assert_eq!(events.last().unwrap()["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED");
}

#[tokio::test]
async fn a_subscription_takes_get_and_an_empty_post() {
    let server = Server::conformance();
    for method in [Method::GET, Method::POST] {
        let mut first = server.v1_stream("SendStreamingMessage", message(&format!("test-resubscribe-message-id-{method}"), "x")).await;
        let id = first.next().await.unwrap().data["result"]["task"]["id"].as_str().unwrap().to_owned();
        let events = Events::of(server.send(method.clone(), &format!("/tasks/{id}:subscribe"), &[V1], "").await).await.all().await;
        assert!(events[0].data.get("task").is_some(), "{method}: {events:?}");
        assert_eq!(events.last().unwrap().data["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED");
    }
}

#[tokio::test]
async fn errors_have_the_form_of_google_rpc() {
    let server = Server::conformance();
    let missing = server.get("/tasks/none", &[V1]).await;
    let error = &missing.json()["error"];
    assert_eq!((missing.status, &error["code"], &error["status"]), (404, &json!(404), &json!("NOT_FOUND")));
    assert_eq!(error["details"][0]["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
    assert_eq!((&error["details"][0]["reason"], &error["details"][0]["domain"]), (&json!("TASK_NOT_FOUND"), &json!("a2a-protocol.org")));

    let invalid = server.rest("/message:send", &json!({"message": {"messageId": "m", "role": "ROLE_USER", "parts": []}})).await;
    assert_eq!(invalid.status, 400);
    assert!(invalid.text.contains("message.parts"), "the field is named: {}", invalid.text);
    assert!(invalid.text.contains("google.rpc.BadRequest"), "{}", invalid.text);

    let wrong_type = server.post("/message:send", &[V1, ("Content-Type", "text/plain")], "hello").await;
    assert_eq!(wrong_type.status, 415);
    wrong_type.json();
}

#[tokio::test]
async fn the_media_type_is_a2as_own_where_the_client_asks_for_it() {
    let server = Server::conformance();
    let body = message("tck-artifact-text-1", "x").to_string();
    let own = server.post("/message:send", &[V1, ("Accept", "application/a2a+json")], body.clone()).await;
    assert!(own.header("content-type").starts_with("application/a2a+json"), "{:?}", own.headers);
    let plain = server.post("/message:send", &[V1], body.replace("text-1", "text-2")).await;
    assert!(plain.header("content-type").starts_with("application/json"), "{:?}", plain.headers);
    let sent = server.post("/message:send", &[V1, ("Content-Type", "application/a2a+json")], body.replace("text-1", "text-3")).await;
    assert_eq!(sent.status, 200, "{sent:?}");
}

#[tokio::test]
async fn the_routes_of_0_3_stand_under_v1() {
    let server = Server::conformance();
    let camel = json!({"message": {"messageId": "tck-artifact-text-4", "role": "ROLE_USER", "content": [{"text": "x"}]}});
    let snake = json!({"request": {"message_id": "tck-artifact-text-5", "role": "ROLE_USER", "content": [{"text": "x"}]}});
    let mut id = String::new();
    for body in [camel, snake] {
        let sent = server.post("/v1/message:send", &[], body.to_string()).await;
        assert_eq!(sent.status, 200, "{sent:?}");
        assert_eq!(state(&sent.json()), "TASK_STATE_COMPLETED", "{}", sent.text);
        id = sent.json()["task"]["id"].as_str().unwrap().to_owned();
    }
    assert_eq!(server.get(&format!("/v1/tasks/{id}"), &[]).await.json()["id"], id);
    let missing = server.get("/v1/tasks/none", &[]).await;
    assert_eq!((missing.status, &missing.json()["code"], &missing.json()["type"]), (404, &json!(-32001), &json!("TaskNotFoundError")));
    let body = json!({"message": {"messageId": "tck-stream-1", "role": "ROLE_USER", "content": [{"text": "x"}]}});
    let response = server.send(Method::POST, "/v1/message:stream", &[("Content-Type", "application/json")], body.to_string()).await;
    let events = Events::of(response).await.all().await;
    assert_eq!(events.last().unwrap().data["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED", "{events:?}");
    assert_eq!(server.get("/v1/card", &[]).await.status, 401, "the extended card needs credentials");
}

#[tokio::test]
async fn a_methods_own_route_answers_that_method_only() {
    let server = Server::conformance();
    let call = |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": 5, "method": method, "params": params}).to_string();
    let sent = server.post("/rpc/SendMessage", &[V1], call("SendMessage", message("tck-artifact-text-6", "x"))).await.json();
    let id = sent["result"]["task"]["id"].clone();
    assert_eq!(server.post("/rpc/GetTask", &[V1], call("GetTask", json!({"id": id}))).await.json()["result"]["id"], id);
    let foreign = server.post("/rpc/GetTask", &[V1], call("ListTasks", json!({}))).await.json();
    assert_eq!((&foreign["id"], &foreign["error"]["code"]), (&json!(5), &json!(-32601)), "{foreign}");
    let headers = [V1, ("Content-Type", "application/json")];
    let body = call("SendStreamingMessage", message("tck-stream-2", "x"));
    let events = Events::of(server.send(Method::POST, "/rpc/SendStreamingMessage", &headers, body).await).await.results().await;
    assert_eq!(events.last().unwrap()["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED");
}
