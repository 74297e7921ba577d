//! The behaviours that the test agent promises, by prefix of `messageId`.

use serde_json::json;

use crate::harness::{Server, first_artifact, message, state};

#[tokio::test]
async fn each_prefix_has_its_behaviour() {
    let server = Server::conformance();
    for (prefix, expected) in [
        ("tck-input-required", "TASK_STATE_INPUT_REQUIRED"),
        ("tck-reject-task", "TASK_STATE_REJECTED"),
        ("tck-artifact-file", "TASK_STATE_COMPLETED"),
        ("tck-anything", "TASK_STATE_COMPLETED"),
    ] {
        let task = server.ok("SendMessage", message(&format!("{prefix}-1"), "x")).await;
        assert_eq!(state(&task), expected, "{prefix}: {task}");
    }
}

#[tokio::test]
async fn artifacts_of_every_kind_arrive() {
    let server = Server::conformance();
    for (prefix, part) in [
        ("tck-artifact-text", json!({"text": "Generated text content"})),
        ("tck-artifact-file", json!({"raw": "dGNr", "mediaType": "text/plain", "filename": "output.txt"})),
        ("tck-artifact-file-url", json!({"url": "https://example.com/output.txt", "mediaType": "text/plain", "filename": "output.txt"})),
        ("tck-artifact-data", json!({"data": {"key": "value", "count": 42}})),
    ] {
        let task = server.ok("SendMessage", message(&format!("{prefix}-2"), "x")).await;
        let sent = first_artifact(&task)["parts"][0].clone();
        for (name, value) in part.as_object().unwrap() {
            assert_eq!(&sent[name], value, "{prefix}: {sent}");
        }
    }
}

#[tokio::test]
async fn a_message_without_a_prefix_is_asked_back_after_a_second() {
    let server = Server::conformance();
    let task = server.ok("SendMessage", message("hello", "x")).await["task"].clone();
    assert_eq!(state(&task), "TASK_STATE_INPUT_REQUIRED");
    assert_eq!(task["status"]["message"]["parts"][0]["text"], "Hello world!");
}

#[tokio::test]
async fn a_minimal_agent_refuses_what_it_does_not_declare() {
    let server = Server::with(&[("A2A_AGENTS", "conformance"), ("A2A_CONFORMANCE_MINIMAL", "1")]);
    let card = server.get("/.well-known/agent-card.json", &[("A2A-Version", "1.0")]).await.json();
    for capability in ["streaming", "pushNotifications", "extendedAgentCard"] {
        assert_ne!(card["capabilities"][capability], true, "{card}");
    }
    let id = server.ok("SendMessage", message("tck-input-required-1", "x")).await["task"]["id"].clone();
    for (method, params, code) in [
        ("SendStreamingMessage", message("tck-stream-1", "x"), -32004),
        ("SubscribeToTask", json!({"id": id}), -32004),
        ("CreateTaskPushNotificationConfig", json!({"taskId": id, "url": "https://example.com/hook"}), -32003),
        ("GetTaskPushNotificationConfig", json!({"taskId": id, "id": "x"}), -32003),
        ("ListTaskPushNotificationConfigs", json!({"taskId": id}), -32003),
        ("DeleteTaskPushNotificationConfig", json!({"taskId": id, "id": "x"}), -32003),
        ("GetExtendedAgentCard", json!({}), -32004),
    ] {
        let response = server.v1(method, params).await;
        assert_eq!(response["error"]["code"], code, "{method}: {response}");
    }
}

#[tokio::test]
async fn content_that_the_agent_does_not_take_is_refused_before_a_task_exists() {
    let server = Server::conformance();
    let params = json!({"message": {"messageId": "tck-1", "role": "ROLE_USER", "parts": [{"raw": "AAAA", "mediaType": "image/png"}]}});
    assert_eq!(server.v1("SendMessage", params.clone()).await["error"]["code"], -32005);
    let answered = server.rest("/message:send", &params).await;
    assert_eq!((answered.status, &answered.json()["error"]["details"][0]["reason"]), (400, &json!("CONTENT_TYPE_NOT_SUPPORTED")));
    assert_eq!(server.ok("ListTasks", json!({})).await["totalSize"], 0);
}
