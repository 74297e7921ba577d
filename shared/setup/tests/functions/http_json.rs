//! HTTP+JSON: each route, content types, errors, and v0.3 under `/v1`.

use serde_json::json;

use crate::*;

const V1_0: (&str, &str) = ("A2A-Version", "1.0");

#[tokio::test]
async fn each_route_reaches_its_operation() {
    let server = Server::with(&[("A2A_PUSH_ALLOW_LOOPBACK", "1")]).await;
    let sent = server.post("/echo/message:send", &[V1_0], message("m-1", "keep going")).await;
    let task = sent.json()["task"].clone();
    assert_eq!(task["status"]["state"], "TASK_STATE_INPUT_REQUIRED", "{}", sent.text);
    let id = task["id"].as_str().unwrap();

    let got = server.get(Serves::EveryMethod, &format!("/tasks/{id}?historyLength=0")).await.json();
    assert_eq!((&got["id"], got.get("history")), (&task["id"], None), "{got}");
    let listed = server.get(Serves::EveryMethod, "/tasks?pageSize=1").await.json();
    assert_eq!(listed["totalSize"], 1, "{listed}");

    let configs = format!("/conformance/tasks/{id}/pushNotificationConfigs");
    assert_eq!(server.get(Serves::EveryMethod, &configs).await.status, 404, "another tenant's task is not found");

    let canceled = server.send(Serves::EveryMethod, "POST", &format!("/tasks/{id}:cancel"), &[V1_0], "").await.json();
    assert_eq!(canceled["status"]["state"], "TASK_STATE_CANCELED", "{canceled}");
    let refused = server.send(Serves::EveryMethod, "POST", &format!("/tasks/{id}:cancel"), &[V1_0], "").await;
    assert_eq!((refused.status, &refused.json()["error"]["details"][0]["reason"]), (400, &json!("TASK_NOT_CANCELABLE")), "{}", refused.text);
}

#[tokio::test]
async fn webhooks_are_configured_over_http() {
    let server = Server::with(&[("A2A_PUSH_ALLOW_LOOPBACK", "1"), ("A2A_AGENTS", "conformance")]).await;
    let sent = server.post("/message:send", &[V1_0], message("tck-input-required-1", "hello")).await.json();
    let configs = format!("/tasks/{}/pushNotificationConfigs", sent["task"]["id"].as_str().unwrap());
    let created = server.post(&configs, &[V1_0], json!({"id": "c-1", "url": "http://127.0.0.1:9/hook"})).await;
    assert_eq!((created.status, &created.json()["id"]), (200, &json!("c-1")), "{}", created.text);
    assert_eq!(server.get(Serves::EveryMethod, &configs).await.json()["configs"][0]["id"], "c-1");
    assert_eq!(server.get(Serves::EveryMethod, &format!("{configs}/c-1")).await.json()["url"], "http://127.0.0.1:9/hook");
    for _ in 0..2 {
        let deleted = server.send(Serves::EveryMethod, "DELETE", &format!("{configs}/c-1"), &[V1_0], "").await;
        assert_eq!((deleted.status, deleted.text.as_str()), (200, "{}"));
    }
}

#[tokio::test]
async fn the_content_type_is_the_one_that_the_client_names() {
    let server = Server::new().await;
    let plain = server.get(Serves::EveryMethod, "/tasks").await;
    assert_eq!(plain.header("content-type"), "application/json");
    let named = server.send(Serves::EveryMethod, "GET", "/tasks/none", &[("Accept", "application/a2a+json")], "").await;
    assert_eq!((named.status, named.header("content-type")), (404, "application/a2a+json"));
    let wrong = server.send(Serves::EveryMethod, "POST", "/message:send", &[("Content-Type", "text/plain")], "{}").await;
    assert_eq!((wrong.status, &wrong.json()["error"]["code"]), (415, &json!(415)), "{}", wrong.text);
}

#[tokio::test]
async fn v0_3_lives_under_v1_with_its_own_errors() {
    let server = Server::new().await;
    let body = json!({"message": {"messageId": "m-1", "role": "ROLE_USER", "content": [{"text": "hello"}]}});
    let sent = server.post("/v1/message:send", &[], body).await;
    assert_eq!(sent.json()["task"]["status"]["state"], "TASK_STATE_COMPLETED", "{}", sent.text);
    let missing = server.get(Serves::EveryMethod, "/v1/tasks/none").await;
    assert_eq!((missing.status, &missing.json()["code"], &missing.json()["type"]), (404, &json!(-32001), &json!("TaskNotFoundError")));
}

#[tokio::test]
async fn a_wrong_path_and_a_wrong_http_method_are_told_apart() {
    let server = Server::new().await;
    let missing = server.get(Serves::EveryMethod, "/nowhere/at/all").await;
    assert_eq!((missing.status, missing.header("content-type")), (404, "application/json"));
    let wrong = server.send(Serves::EveryMethod, "DELETE", "/tasks/1", &[], "").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "GET, OPTIONS"), "{}", wrong.text);
    let wrong = server.get(Serves::EveryMethod, "/").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "POST, OPTIONS"), "{}", wrong.text);
}
