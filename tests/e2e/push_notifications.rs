//! Webhooks: their configs, their delivery in each dialect, and the addresses that they must not reach (spec section 3.1.7 on, 4.3).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Inbox, Server, message};

const V1: (&str, &str) = ("A2A-Version", "1.0");

#[tokio::test]
async fn a_webhook_gets_the_events_of_1_0_with_its_credentials() {
    let server = Server::conformance();
    let mut inbox = Inbox::open().await;
    let mut params = message("tck-stream-artifact-chunked-1", "x");
    params["configuration"] = json!({"taskPushNotificationConfig":
        {"id": "hook", "url": inbox.url, "token": "a-token", "authentication": {"scheme": "Bearer", "credentials": "secret"}}});
    let id = server.ok("SendMessage", params).await["task"]["id"].clone();
    loop {
        let delivery = inbox.next().await;
        assert!(delivery.header("content-type").starts_with("application/json"));
        assert_eq!(delivery.header("authorization"), "Bearer secret");
        assert_eq!(delivery.header("x-a2a-notification-token"), "a-token");
        let (kind, event) = delivery.body.as_object().unwrap().iter().next().unwrap();
        assert!(["task", "statusUpdate", "artifactUpdate"].contains(&kind.as_str()), "{}", delivery.body);
        assert_eq!(event.get("taskId").or(event.get("id")).unwrap(), &id);
        if event.pointer("/status/state") == Some(&json!("TASK_STATE_COMPLETED")) {
            break;
        }
    }
}

#[tokio::test]
async fn the_older_generations_get_the_bare_task() {
    let server = Server::conformance();
    let mut inbox = Inbox::open().await;
    let params = json!({"message": {"kind": "message", "messageId": "tck-artifact-text-2", "role": "user", "parts": [{"kind": "text", "text": "x"}]},
        "configuration": {"pushNotificationConfig": {"url": inbox.url, "token": "t"}}});
    server.old("message/send", params).await;
    last_state(&mut inbox, "completed", |body| assert_eq!(body["kind"], "task", "{body}")).await;

    let params = json!({"id": "older", "pushNotification": {"url": inbox.url}, "message": {"role": "user", "parts": [{"type": "text", "text": "tck-artifact-text"}]}});
    server.old("tasks/send", params).await;
    last_state(&mut inbox, "completed", |body| assert_eq!(body["id"], "older", "{body}")).await;
}

async fn last_state(inbox: &mut Inbox, state: &str, check: impl Fn(&Value)) {
    loop {
        let body = inbox.next().await.body;
        check(&body);
        if body["status"]["state"] == state {
            return;
        }
    }
}

#[tokio::test]
async fn a_webhook_that_fails_is_called_again() {
    let server = Server::conformance();
    let mut inbox = Inbox::refusing_first(2).await;
    let mut params = message("tck-artifact-text-3", "x");
    params["configuration"] = json!({"taskPushNotificationConfig": {"url": inbox.url}});
    server.ok("SendMessage", params).await;
    inbox.next().await;
}

#[tokio::test]
async fn configs_are_created_read_listed_and_deleted() {
    let server = Server::conformance();
    let id = server.ok("SendMessage", message("tck-input-required-1", "x")).await["task"]["id"].clone();
    let created = server.ok("CreateTaskPushNotificationConfig", json!({"taskId": id, "id": "a", "url": "https://example.com/a"})).await;
    assert_eq!((&created["id"], &created["taskId"], &created["url"]), (&json!("a"), &id, &json!("https://example.com/a")), "{created}");
    let unnamed = server.ok("CreateTaskPushNotificationConfig", json!({"taskId": id, "url": "https://example.com/b"})).await;
    assert!(unnamed["id"].as_str().is_some_and(|id| !id.is_empty()), "{unnamed}");
    assert_eq!(server.ok("GetTaskPushNotificationConfig", json!({"taskId": id, "id": "a"})).await, created);
    let listed = server.ok("ListTaskPushNotificationConfigs", json!({"taskId": id})).await;
    assert_eq!(listed["configs"].as_array().unwrap().len(), 2, "{listed}");
    for _ in 0..2 {
        let deleted = server.v1("DeleteTaskPushNotificationConfig", json!({"taskId": id, "id": "a"})).await;
        assert!(deleted.get("error").is_none(), "deleting twice succeeds: {deleted}");
    }
    let gone = server.v1("GetTaskPushNotificationConfig", json!({"taskId": id, "id": "a"})).await;
    assert!(gone.get("error").is_some(), "{gone}");
}

#[tokio::test]
async fn credentials_of_webhooks_are_kept_sealed() {
    let server = Server::conformance();
    let mut inbox = Inbox::open().await;
    let mut params = message("tck-input-required-5", "x");
    let secrets = ["token-f8a1c95d", "bearer-0b7be0c2"];
    let config = json!({"id": "hook", "url": inbox.url, "token": secrets[0], "authentication": {"scheme": "Bearer", "credentials": secrets[1]}});
    params["configuration"] = json!({"taskPushNotificationConfig": config});
    let task = server.ok("SendMessage", params).await["task"].clone();
    let id = &task["id"];
    let delivery = inbox.next().await;
    assert_eq!((delivery.header("x-a2a-notification-token"), delivery.header("authorization")), (secrets[0], "Bearer bearer-0b7be0c2"));

    let mut another = config.clone();
    another["id"] = json!("another");
    another["taskId"] = id.clone();
    let created = server.ok("CreateTaskPushNotificationConfig", another).await;
    assert_eq!((&created["token"], &created["authentication"]["credentials"]), (&json!(secrets[0]), &json!(secrets[1])), "{created}");
    for id_of_config in ["hook", "another"] {
        let got = server.ok("GetTaskPushNotificationConfig", json!({"taskId": id, "id": id_of_config})).await;
        assert_eq!((&got["token"], &got["authentication"]), (&json!(secrets[0]), &config["authentication"]), "{got}");
    }
    let listed = server.ok("ListTaskPushNotificationConfigs", json!({"taskId": id})).await;
    assert!(listed["configs"].as_array().unwrap().iter().all(|config| config["token"] == secrets[0]), "{listed}");

    let everything = server.everything().await;
    let holds = |text: &str| everything.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("sealed.1.") && holds(id.as_str().unwrap()), "the configs are somewhere else");
    assert!(secrets.iter().all(|secret| !holds(secret)), "credentials lie about");
}

#[tokio::test]
async fn credentials_outlive_the_process_that_sealed_them() {
    let mut server = Server::conformance();
    let id = server.ok("SendMessage", message("tck-input-required-6", "x")).await["task"]["id"].clone();
    let config = json!({"taskId": id, "id": "a", "url": "https://example.com/a", "token": "t-9f1b"});
    server.ok("CreateTaskPushNotificationConfig", config).await;
    server.kill();
    server.restart();
    assert_eq!(server.ok("GetTaskPushNotificationConfig", json!({"taskId": id, "id": "a"})).await["token"], "t-9f1b");
}

#[tokio::test]
async fn credentials_whose_key_is_gone_are_an_error_and_no_crash() {
    let mut server = Server::conformance_with(&[("A2A_CREDENTIALS_KEY", "0123456789abcdef0123456789abcdef")]);
    let id = server.ok("SendMessage", message("tck-input-required-7", "x")).await["task"]["id"].clone();
    let config = json!({"taskId": id, "id": "a", "url": "https://example.com/a", "token": "t-9f1b"});
    server.ok("CreateTaskPushNotificationConfig", config).await;
    let get = json!({"taskId": id, "id": "a"});
    server.kill();
    server.set("A2A_CREDENTIALS_KEY", "another-key-another-key-another-key");
    server.restart();
    let began = Instant::now();
    assert_eq!(server.v1("GetTaskPushNotificationConfig", get.clone()).await["error"]["code"], -32603);
    let said = |server: &Server| server.log().contains("were sealed with the key `d478a3f4b61d6c61`, which isn't there any more");
    while !said(&server) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(began.elapsed() < Duration::from_secs(30), "{}", server.log());
    }
    server.ok("GetTask", json!({"id": id})).await;
    // The old key behind the new one.
    server.kill();
    server.set("A2A_CREDENTIALS_KEY", "another-key-another-key-another-key,0123456789abcdef0123456789abcdef");
    server.restart();
    assert_eq!(server.ok("GetTaskPushNotificationConfig", get).await["token"], "t-9f1b");
}

#[tokio::test]
async fn configs_have_their_routes() {
    let server = Server::conformance();
    let id = server.ok("SendMessage", message("tck-input-required-2", "x")).await["task"]["id"].as_str().unwrap().to_owned();
    let path = format!("/tasks/{id}/pushNotificationConfigs");
    let created = server.rest(&path, &json!({"id": "a", "url": "https://example.com/a"})).await;
    assert!([200, 201].contains(&created.status), "{created:?}");
    assert_eq!(server.get(&format!("{path}/a"), &[V1]).await.json()["url"], "https://example.com/a");
    assert_eq!(server.get(&path, &[V1]).await.json()["configs"].as_array().unwrap().len(), 1);
    let deleted = server.send(reqwest::Method::DELETE, &format!("{path}/a"), &[V1], "").await;
    assert_eq!((deleted.status().as_u16(), deleted.text().await.unwrap().as_str()), (200, "{}"));
    assert_eq!(server.get(&format!("{path}/a"), &[V1]).await.status, 404);
}

#[tokio::test]
async fn configs_of_0_3_and_0_1_are_set_and_read() {
    let server = Server::conformance();
    let id = server.ok("SendMessage", message("tck-input-required-3", "x")).await["task"]["id"].clone();
    let set = server.old("tasks/pushNotificationConfig/set", json!({"taskId": id, "pushNotificationConfig": {"url": "https://example.com/a"}})).await;
    assert_eq!((&set["result"]["taskId"], &set["result"]["pushNotificationConfig"]["id"]), (&id, &json!("default")), "{set}");
    let got = server.old("tasks/pushNotificationConfig/get", json!({"id": id})).await;
    assert_eq!(got["result"]["pushNotificationConfig"]["url"], "https://example.com/a", "{got}");
    let listed = server.old("tasks/pushNotificationConfig/list", json!({"id": id})).await;
    assert_eq!(listed["result"].as_array().unwrap().len(), 1, "{listed}");
    let named = json!({"taskId": id, "pushNotificationConfig": {"id": "another", "url": "https://example.com/c"}});
    server.old("tasks/pushNotificationConfig/set", named).await;
    let got = server.old("tasks/pushNotificationConfig/get", json!({"id": id})).await;
    assert_eq!(got["result"]["pushNotificationConfig"]["id"], "default", "{got}");
    let deleted = server.old("tasks/pushNotificationConfig/delete", json!({"id": id, "pushNotificationConfigId": "default"})).await;
    assert_eq!(deleted.get("result"), Some(&Value::Null), "{deleted}");
    let got = server.old("tasks/pushNotificationConfig/get", json!({"id": id})).await;
    assert_eq!(got["result"]["pushNotificationConfig"]["id"], "another", "{got}");
    let set = server.old("tasks/pushNotification/set", json!({"id": id, "pushNotificationConfig": {"url": "https://example.com/b"}})).await;
    assert_eq!((&set["result"]["id"], &set["result"]["pushNotificationConfig"]["url"]), (&id, &json!("https://example.com/b")), "{set}");
}

#[tokio::test]
async fn addresses_inside_are_never_called() {
    let server = Server::with(&[("A2A_AGENTS", "conformance")]);
    let id = server.ok("SendMessage", message("tck-input-required-4", "x")).await["task"]["id"].clone();
    for url in [
        "http://127.0.0.1:80/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "not a url",
    ] {
        let refused = server.v1("CreateTaskPushNotificationConfig", json!({"taskId": id, "url": url})).await;
        assert_eq!(refused["error"]["code"], -32602, "{url}: {refused}");
    }
}
