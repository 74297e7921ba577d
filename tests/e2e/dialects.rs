//! The three generations of the protocol on one endpoint.

use serde_json::{Value, json};

use crate::harness::{Server, message, state};

/// Parameters of 0.3's message/send.
fn message_0_3(id: &str, text: &str) -> Value {
    json!({"message": {"kind": "message", "messageId": id, "role": "user", "parts": [{"kind": "text", "text": text}]}})
}

/// Parameters of 0.1's tasks/send; a client of that generation chooses the ids and sends nulls for what it doesn't set.
fn message_0_1(id: &str, text: &str) -> Value {
    json!({"id": id, "sessionId": format!("session-of-{id}"), "pushNotification": null, "historyLength": null, "metadata": null,
        "message": {"role": "user", "parts": [{"type": "text", "text": text, "metadata": null}], "metadata": null}})
}

#[tokio::test]
async fn each_generation_sends_a_message_and_reads_its_own_task() {
    let server = Server::conformance();

    let task = &server.ok("SendMessage", message("tck-artifact-text-1", "x")).await["task"];
    assert_eq!(state(task), "TASK_STATE_COMPLETED");
    assert_eq!(task["artifacts"][0]["parts"], json!([{"text": "Generated text content"}]));

    let task = &server.old("message/send", message_0_3("tck-artifact-text-2", "x")).await["result"];
    assert_eq!((&task["kind"], &task["status"]["state"]), (&json!("task"), &json!("completed")));
    assert_eq!(task["artifacts"][0]["parts"], json!([{"kind": "text", "text": "Generated text content"}]));
    assert_eq!(task["history"][0]["kind"], "message");

    let task = &server.old("tasks/send", message_0_1("chosen", "tck-artifact-text")).await["result"];
    assert_eq!((&task["id"], &task["sessionId"], &task["status"]["state"]), (&json!("chosen"), &json!("session-of-chosen"), &json!("completed")));
    assert_eq!(task["artifacts"][0]["index"], 0);
    assert_eq!(task["artifacts"][0]["parts"][0]["type"], "text");
    assert_eq!(task["artifacts"][0]["parts"][0]["text"], "Generated text content");
}

#[tokio::test]
async fn each_generation_streams() {
    let server = Server::conformance();

    let events = server.v1_stream("SendStreamingMessage", message("tck-stream-artifact-chunked-1", "x")).await.results().await;
    assert!(events[0].get("task").is_some(), "the task comes first: {events:?}");
    assert_eq!(events.last().unwrap()["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED");

    let events = server.stream(&[], "message/stream", message_0_3("tck-stream-artifact-chunked-2", "x")).await.results().await;
    assert_eq!(events[0]["kind"], "task");
    let (last, before) = events.split_last().unwrap();
    assert_eq!((&last["kind"], &last["final"], &last["status"]["state"]), (&json!("status-update"), &json!(true), &json!("completed")));
    assert!(before.iter().all(|event| event["final"] != true), "{before:?}");
    let pieces: Vec<_> =
        before.iter().filter(|event| event["kind"] == "artifact-update").map(|event| &event["artifact"]["parts"][0]["text"]).collect();
    assert_eq!(pieces, ["chunk-1 ", "chunk-2"]);

    let events = server.stream(&[], "tasks/sendSubscribe", message_0_1("streamed", "tck-stream-artifact-text")).await.results().await;
    assert!(events.iter().all(|event| event["id"] == "streamed"), "{events:?}");
    assert!(events.iter().any(|event| event.get("artifact").is_some()), "{events:?}");
    let last = events.last().unwrap();
    assert_eq!((&last["final"], &last["status"]["state"]), (&json!(true), &json!("completed")));
}

#[tokio::test]
async fn a_task_can_be_read_by_every_later_generation() {
    let server = Server::conformance();
    let old = server.old("tasks/send", message_0_1("made-long-ago", "tck-artifact-text")).await["result"].clone();
    let again = server.old("tasks/get", json!({"id": "made-long-ago"})).await["result"].clone();
    assert_eq!(again["sessionId"], old["sessionId"], "tasks/get speaks the dialect that made the task: {again}");
    assert_eq!(again["artifacts"][0]["index"], 0);
    assert_eq!(state(&server.ok("GetTask", json!({"id": "made-long-ago"})).await), "TASK_STATE_COMPLETED");

    let id = server.old("message/send", message_0_3("tck-artifact-text-3", "x")).await["result"]["id"].clone();
    assert_eq!(server.old("tasks/get", json!({"id": id})).await["result"]["kind"], "task");
    assert_eq!(state(&server.ok("GetTask", json!({"id": id})).await), "TASK_STATE_COMPLETED");
}

#[tokio::test]
async fn the_first_generation_never_sees_a_state_that_it_does_not_know() {
    let server = Server::conformance();
    assert_eq!(server.old("tasks/send", message_0_1("refused", "tck-reject-task")).await["result"]["status"]["state"], "failed");
    let of_0_3 = server.old("message/send", message_0_3("tck-reject-task-1", "x")).await;
    assert_eq!(of_0_3["result"]["status"]["state"], "rejected");
}

#[tokio::test]
async fn a_direct_message_is_no_task() {
    let server = Server::conformance();
    let result = server.ok("SendMessage", message("tck-message-response-1", "x")).await;
    assert_eq!(result["message"]["parts"][0]["text"], "Direct message response");
    assert_eq!(result["message"]["role"], "ROLE_AGENT");
    let result = &server.old("message/send", message_0_3("tck-message-response-2", "x")).await["result"];
    assert_eq!((&result["kind"], &result["role"]), (&json!("message"), &json!("agent")));
}

#[tokio::test]
async fn an_unknown_version_is_refused_in_both_bindings() {
    let server = Server::conformance();
    let error = server.rpc(&[("A2A-Version", "9.9")], "SendMessage", message("tck-1", "x")).await["error"].clone();
    assert_eq!(error["code"], -32009, "{error}");
    let answered = server.post("/message:send", &[("A2A-Version", "9.9")], message("tck-2", "x").to_string()).await;
    assert_eq!((answered.status, &answered.json()["error"]["details"][0]["reason"]), (400, &json!("VERSION_NOT_SUPPORTED")));
    let error = server.post("/?A2A-Version=9.9", &[], r#"{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"x"}}"#).await.json();
    assert_eq!(error["error"]["code"], -32009, "the version as a query parameter: {error}");
}

#[tokio::test]
async fn a_pascal_case_method_needs_no_version_header() {
    let server = Server::conformance();
    assert_eq!(state(&server.old("SendMessage", message("tck-artifact-text-4", "x")).await["result"]), "TASK_STATE_COMPLETED");
}

#[tokio::test]
async fn field_names_may_be_snake_case_and_unknown_fields_are_ignored() {
    let server = Server::conformance();
    let params = json!({"message": {"message_id": "tck-artifact-text-5", "role": "ROLE_USER", "parts": [{"text": "x", "media_type": "text/plain"}], "shade": 1},
        "configuration": {"history_length": 0, "return_immediately": false}, "unknown_field": {"a": 1}});
    let task = &server.ok("SendMessage", params).await["task"];
    assert_eq!(state(task), "TASK_STATE_COMPLETED");
    assert!(task.get("history").is_none_or(|history| history == &json!([])), "history_length is read: {task}");
}

#[tokio::test]
async fn ids_come_back_with_their_type() {
    let server = Server::conformance();
    for id in [json!(1), json!(1_763_812_345_678_u64), json!("a"), json!("00000000-0000-4000-8000-000000000000"), Value::Null] {
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "GetTask", "params": {"id": "none"}});
        assert_eq!(server.post("/", &[("A2A-Version", "1.0")], body.to_string()).await.json()["id"], id);
    }
}
