//! Streams of events: their form, their end, their errors, and their resumption.

use serde_json::json;

use crate::*;

const V1_0: (&str, &str) = ("A2A-Version", "1.0");

#[tokio::test]
async fn a_stream_tells_the_task_then_its_updates_with_their_sequences() {
    let server = Server::new().await;
    let body = json!({"jsonrpc": "2.0", "id": "s-1", "method": "SendStreamingMessage", "params": message("m-1", "hello")});
    let answer = server.post("/", &[V1_0], body).await;
    assert!(answer.header("content-type").starts_with("text/event-stream"), "{}", answer.text);
    let events = answer.events();
    assert!(events.iter().all(|event| event["id"] == "s-1" && event["jsonrpc"] == "2.0"));
    assert!(events[0]["result"]["task"].is_object(), "{}", answer.text);
    let last = &events.last().unwrap()["result"];
    assert_eq!(last["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED", "{}", answer.text);
    assert!(answer.text.lines().any(|line| line.starts_with("id: ")));
}

#[tokio::test]
async fn the_last_event_of_v0_3_says_that_it_is() {
    let server = Server::new().await;
    let params = json!({"message": {"kind": "message", "messageId": "m-1", "role": "user", "parts": [{"kind": "text", "text": "hello"}]}});
    let answer = server.post("/", &[], json!({"jsonrpc": "2.0", "id": 1, "method": "message/stream", "params": params})).await;
    let finals: Vec<bool> = answer.events().iter().filter_map(|event| event["result"]["final"].as_bool()).collect();
    assert_eq!(finals.iter().filter(|last| **last).count(), 1, "{}", answer.text);
    assert_eq!(answer.events().last().unwrap()["result"]["final"], true);
}

#[tokio::test]
async fn the_same_stream_comes_over_http() {
    let server = Server::new().await;
    let answer = server.post("/message:stream", &[V1_0], message("m-1", "hello")).await;
    assert!(answer.header("content-type").starts_with("text/event-stream"));
    assert!(answer.events()[0]["task"].is_object(), "{}", answer.text);
}

#[tokio::test]
async fn an_error_before_the_stream_is_plain_json() {
    let server = Server::new().await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "SubscribeToTask", "params": {"id": "none"}});
    let answer = server.post("/", &[V1_0], body).await;
    assert_eq!((answer.header("content-type"), &answer.json()["error"]["code"]), ("application/json", &json!(-32001)));
    let answer = server.get(Serves::EveryMethod, "/tasks/none:subscribe").await;
    assert_eq!((answer.status, answer.header("content-type")), (404, "application/json"));
}
