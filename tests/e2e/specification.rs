//! What the specification of 1.0 demands across operations and bindings; each test names its section.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answered, Server, answered, message, state};

const V1: (&str, &str) = ("A2A-Version", "1.0");

async fn get(server: &Server, path: &str) -> Answered {
    server.get(path, &[V1]).await
}

async fn delete(server: &Server, path: &str) -> Answered {
    answered(server.send(Method::DELETE, path, &[V1], "").await).await
}

fn with(mut params: Value, field: &str, value: impl Into<Value>) -> Value {
    params["message"][field] = value.into();
    params
}

/// Every member of an object at any depth, but for those inside what belongs to the client.
fn members<'a>(value: &'a Value, found: &mut Vec<(&'a str, &'a Value)>) {
    match value {
        Value::Object(map) => {
            for (name, member) in map {
                found.push((name, member));
                if !["metadata", "data", "params"].contains(&name.as_str()) {
                    members(member, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn section_3_1_10_a_deleted_webhook_can_be_deleted_again() {
    let server = Server::conformance();
    let id = server.ok("SendMessage", message("tck-input-required-1", "x")).await["task"]["id"].clone();
    let config = server.ok("CreateTaskPushNotificationConfig", json!({"taskId": id, "url": "https://example.com/hook"})).await;
    let named = json!({"taskId": id, "id": config["id"]});
    for _ in 0..2 {
        server.ok("DeleteTaskPushNotificationConfig", named.clone()).await;
        assert_eq!(server.v1("GetTaskPushNotificationConfig", named.clone()).await["error"]["code"], -32001);
    }
    let path = format!("/tasks/{}/pushNotificationConfigs/{}", id.as_str().unwrap(), config["id"].as_str().unwrap());
    assert_eq!(delete(&server, &path).await.status, 200);
}

#[tokio::test]
async fn section_3_4_1_every_answer_names_its_context() {
    let server = Server::conformance();
    let task = server.ok("SendMessage", message("tck-input-required-1", "x")).await["task"].clone();
    assert!(task["contextId"].as_str().is_some_and(|id| !id.is_empty()), "{task}");
    let direct = server.ok("SendMessage", message("tck-message-response-1", "x")).await;
    assert!(direct["message"]["contextId"].as_str().is_some_and(|id| !id.is_empty()), "{direct}");
    for id in ["tck-artifact-text-1", "tck-message-response-2"] {
        let kept = server.ok("SendMessage", with(message(id, "x"), "contextId", "mine")).await;
        assert!(kept["task"]["contextId"] == "mine" || kept["message"]["contextId"] == "mine", "{kept}");
    }
}

#[tokio::test]
async fn section_3_4_2_clients_do_not_choose_the_ids_of_tasks() {
    let server = Server::conformance();
    let own = with(message("tck-artifact-text-1", "x"), "taskId", "my-own-task");
    assert_eq!(server.v1("SendMessage", own.clone()).await["error"]["code"], -32001);
    let refused = server.rest("/message:send", &own).await;
    assert_eq!((refused.status, &refused.json()["error"]["details"][0]["reason"]), (404, &json!("TASK_NOT_FOUND")));
    assert_eq!(server.ok("ListTasks", json!({})).await["totalSize"], 0);
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(server.ok("SendMessage", message(&format!("tck-{number}"), "x")).await["task"]["id"].to_string());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn section_3_4_3_the_context_follows_from_the_task_and_no_other_is_taken() {
    let server = Server::conformance();
    let task = server.ok("SendMessage", message("tck-input-required-1", "x")).await["task"].clone();
    let again = with(message("tck-input-required-2", "x"), "taskId", task["id"].clone());
    let refused = server.v1("SendMessage", with(again.clone(), "contextId", "another")).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    let continued = server.ok("SendMessage", again).await;
    assert_eq!((&continued["task"]["id"], &continued["task"]["contextId"]), (&task["id"], &task["contextId"]));
}

#[tokio::test]
async fn section_5_1_both_bindings_answer_the_same() {
    let server = Server::conformance();
    let task = server.ok("SendMessage", message("tck-artifact-data-1", "x")).await["task"].clone();
    let id = task["id"].as_str().unwrap();
    assert_eq!(server.ok("GetTask", json!({"id": id})).await, task);
    assert_eq!(get(&server, &format!("/tasks/{id}")).await.json(), task);
    let listed = server.ok("ListTasks", json!({"includeArtifacts": true})).await;
    assert_eq!(get(&server, "/tasks?includeArtifacts=true").await.json(), listed);
    assert_eq!(listed["tasks"], json!([task]));
    let config = server.ok("CreateTaskPushNotificationConfig", json!({"taskId": id, "id": "a", "url": "https://example.com/"})).await;
    assert_eq!(get(&server, &format!("/tasks/{id}/pushNotificationConfigs/a")).await.json(), config);
    let configs = server.ok("ListTaskPushNotificationConfigs", json!({"taskId": id})).await;
    assert_eq!(get(&server, &format!("/tasks/{id}/pushNotificationConfigs")).await.json(), configs);
}

#[tokio::test]
async fn section_5_4_each_error_has_its_code_status_and_reason() {
    let server = Server::conformance();
    let done = server.ok("SendMessage", message("tck-artifact-text-1", "x")).await["task"]["id"].clone();
    let path = |verb: &str| format!("/tasks/{}{verb}", done.as_str().unwrap());
    let image = json!({"message": {"messageId": "tck-1", "role": "ROLE_USER", "parts": [{"raw": "AAAA", "mediaType": "image/png"}]}});
    let more = with(message("tck-2", "x"), "taskId", done.clone());
    for (method, params, route, code, status, rpc_status, reason) in [
        ("GetTask", json!({"id": "none"}), "/tasks/none".to_owned(), -32001, 404, "NOT_FOUND", "TASK_NOT_FOUND"),
        ("CancelTask", json!({"id": done}), path(":cancel"), -32002, 400, "FAILED_PRECONDITION", "TASK_NOT_CANCELABLE"),
        ("SubscribeToTask", json!({"id": done}), path(":subscribe"), -32004, 400, "FAILED_PRECONDITION", "UNSUPPORTED_OPERATION"),
        ("SendMessage", more, "/message:send".to_owned(), -32004, 400, "FAILED_PRECONDITION", "UNSUPPORTED_OPERATION"),
        ("SendMessage", image, "/message:send".to_owned(), -32005, 400, "INVALID_ARGUMENT", "CONTENT_TYPE_NOT_SUPPORTED"),
    ] {
        let error = server.v1(method, params.clone()).await["error"].clone();
        let info = &error["data"][0];
        assert_eq!((&error["code"], &info["reason"], &info["domain"]), (&json!(code), &json!(reason), &json!("a2a-protocol.org")), "{error}");
        let answered = if method == "GetTask" { get(&server, &route).await } else { server.rest(&route, &params).await };
        let error = answered.json()["error"].clone();
        assert_eq!((answered.status, &error["code"], &error["status"]), (status, &json!(status), &json!(rpc_status)), "{error}");
        assert_eq!(&error["details"][0], info, "the same details in both bindings");
        assert_eq!(info["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
    }
    let wrong_version = server.get("/tasks", &[("A2A-Version", "7.0")]).await;
    assert_eq!((wrong_version.status, &wrong_version.json()["error"]["details"][0]["reason"]), (400, &json!("VERSION_NOT_SUPPORTED")));
}

#[tokio::test]
async fn sections_5_5_and_5_6_1_names_are_camel_case_and_times_are_utc() {
    let server = Server::conformance();
    let id = server.ok("SendMessage", message("tck-input-required-1", "x")).await["task"]["id"].clone();
    server.ok("CreateTaskPushNotificationConfig", json!({"taskId": id, "url": "https://example.com/", "token": "t"})).await;
    let mut answers = vec![
        server.ok("SendMessage", with(message("tck-artifact-file-1", "x"), "metadata", json!({"snake_case": 1}))).await,
        server.ok("GetTask", json!({"id": id})).await,
        server.ok("ListTasks", json!({"includeArtifacts": true})).await,
        server.ok("ListTaskPushNotificationConfigs", json!({"taskId": id})).await,
        get(&server, "/.well-known/agent-card.json").await.json(),
        server.v1("GetTask", json!({"id": "none"})).await,
    ];
    let told = server.v1_stream("SendStreamingMessage", message("tck-stream-artifact-chunked-1", "x")).await.all().await;
    answers.extend(told.into_iter().map(|event| event.data));
    let mut found = Vec::new();
    answers.iter().for_each(|answer| members(answer, &mut found));
    assert!(found.len() > 100, "{}", found.len());
    let mut times = 0;
    for (name, value) in found {
        assert!(!name.contains('_'), "{name}");
        if name == "timestamp" {
            let time = value.as_str().unwrap();
            assert!(time.len() == "2025-10-28T10:30:00.000Z".len() && time.ends_with('Z') && time.as_bytes()[19] == b'.', "{time}");
            times += 1;
        }
        if name == "state" {
            assert!(value.as_str().unwrap().starts_with("TASK_STATE_"), "{value}");
        }
    }
    assert!(times > 5, "{times}");
}

#[tokio::test]
async fn section_5_7_what_is_required_must_be_there_and_what_is_unknown_is_ignored() {
    let server = Server::conformance();
    let whole = message("tck-artifact-text-1", "x");
    for field in ["messageId", "role", "parts"] {
        let mut without = whole.clone();
        without["message"].as_object_mut().unwrap().remove(field);
        let empty = with(whole.clone(), field, if field == "parts" { json!([]) } else { json!("") });
        for params in [without, empty] {
            let error = server.v1("SendMessage", params.clone()).await["error"].clone();
            assert_eq!(error["code"], -32602, "{params}");
            let named = |details: &Value| details.to_string().contains(&format!("\"field\":\"message.{field}\""));
            assert!(named(&error["data"]), "{error}");
            let refused = server.rest("/message:send", &params).await;
            assert!(refused.status == 400 && named(&refused.json()["error"]["details"]), "{refused:?}");
        }
    }
    for (method, field) in [("GetTask", "id"), ("CancelTask", "id"), ("SubscribeToTask", "id"), ("ListTaskPushNotificationConfigs", "taskId")] {
        let refused = server.v1(method, json!({})).await;
        assert!(refused["error"]["code"] == -32602 && refused.to_string().contains(&format!("\"field\":\"{field}\"")), "{refused}");
    }
    let mut future = with(whole, "comesLater", json!({"x": [1]}));
    future["alsoLater"] = json!(true);
    server.ok("SendMessage", future).await;
}

#[tokio::test]
async fn section_8_3_1_every_declared_interface_answers_where_it_says() {
    for (tenant, server) in [("", Server::conformance()), ("/research", Server::start())] {
        let card = get(&server, &format!("{tenant}/.well-known/agent-card.json")).await.json();
        let interfaces = card["supportedInterfaces"].as_array().unwrap();
        assert_eq!(interfaces.len(), 4, "{card}");
        for interface in interfaces {
            let (url, version) = (interface["url"].as_str().unwrap(), interface["protocolVersion"].as_str().unwrap());
            let path = url.strip_prefix(&server.base).unwrap_or_else(|| panic!("{url} is not at {}", server.base));
            let (binding, method) = (&interface["protocolBinding"], if version == "1.0" { "GetTask" } else { "tasks/get" });
            let refused = if binding == "JSONRPC" {
                let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"id": "none"}}).to_string();
                server.post(path, &[("A2A-Version", version)], body).await
            } else {
                let prefix = if version == "1.0" { "" } else { "/v1" };
                server.get(&format!("{path}{prefix}/tasks/none"), &[("A2A-Version", version)]).await
            };
            assert!(refused.text.contains("TASK_NOT_FOUND"), "{interface}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn sections_9_2_and_11_2_the_names_of_service_parameters_are_case_insensitive() {
    let server = Server::conformance();
    for name in ["a2a-version", "A2A-VERSION", "A2a-Version"] {
        assert_eq!(server.rpc(&[(name, "7.0")], "GetTask", json!({"id": "x"})).await["error"]["code"], -32009, "{name}");
        assert_eq!(server.get("/tasks", &[(name, "7.0")]).await.status, 400, "{name}");
        assert_eq!(server.get(&format!("/tasks?{name}=7.0"), &[]).await.status, 400, "{name}");
    }
}

#[tokio::test]
async fn section_11_5_parameters_travel_in_the_query_with_every_type() {
    let server = Server::conformance();
    let first = server.ok("SendMessage", with(message("tck-artifact-text-1", "x"), "contextId", "a context/ü")).await["task"].clone();
    server.ok("SendMessage", message("tck-input-required-1", "x")).await;
    let list = async |query: &str| get(&server, &format!("/tasks?{query}")).await.json();
    assert_eq!(list("contextId=a%20context%2F%C3%BC").await["tasks"][0]["id"], first["id"]);
    assert_eq!(list("status=TASK_STATE_COMPLETED&includeArtifacts=true&historyLength=0").await["tasks"][0]["artifacts"], first["artifacts"]);
    assert_eq!(list("statusTimestampAfter=2000-01-01T00%3A00%3A00Z").await["totalSize"], 2);
    let page = list("pageSize=1").await;
    let rest = list(&format!("pageSize=1&pageToken={}", page["nextPageToken"].as_str().unwrap())).await;
    assert_eq!((&rest["tasks"][0]["id"], &rest["nextPageToken"]), (&first["id"], &json!("")));
    for wrong in
        ["pageSize=0", "pageSize=x", "includeArtifacts=maybe", "status=DONE", "statusTimestampAfter=today", "historyLength=-1", "pageToken=x"]
    {
        let refused = get(&server, &format!("/tasks?{wrong}")).await;
        let field = wrong.split('=').next().unwrap();
        assert!(refused.status == 400 && refused.text.contains(&format!("\"field\":\"{field}\"")), "{wrong}: {refused:?}");
    }
    let bare = get(&server, &format!("/tasks/{}?historyLength=0", first["id"].as_str().unwrap())).await.json();
    assert!(bare.get("history").is_none() && state(&bare) == "TASK_STATE_COMPLETED", "{bare}");
}
