//! API keys: made by the command line and over HTTP, shown once, and worth nothing when they expired or were revoked.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answered, Server, answered, message};

const ADMIN: (&str, &str) = ("X-API-Key", "the-admins-own-key");

fn server() -> Server {
    Server::with(&[("A2A_AGENTS", "conformance"), ("A2A_AUTH", "required"), ("A2A_ADMIN_API_KEY", ADMIN.1)])
}

/// Runs `a2a key …`; what it prints.
fn key(server: &Server, arguments: &[&str]) -> String {
    let output = server.command(&[&["key"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn status(server: &Server, key: &str) -> u16 {
    server.get("/tasks", &[("A2A-Version", "1.0"), ("X-API-Key", key)]).await.status
}

/// Other processes believe for 5 s what they have read.
async fn until_refused(server: &Server, key: &str) {
    let start = Instant::now();
    while status(server, key).await != 401 {
        assert!(start.elapsed() < Duration::from_secs(20), "the key still lets its bearer in");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn admin(server: &Server, method: Method, path: &str, body: Value) -> Answered {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    answered(server.send(method, path, &[ADMIN, ("Content-Type", "application/json")], body).await).await
}

#[tokio::test]
async fn a_key_of_the_command_line_lets_its_bearer_in_until_it_is_revoked() {
    let server = server();
    let secret = key(&server, &["create", "--name", "ci", "--role", "authenticated", "--expires", "30", "--rate-limit", "600"]);
    assert!(secret.strip_prefix("a2a_").is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_alphanumeric())), "alone: {secret}");
    let bearer = format!("Bearer {secret}");
    let (as_key, as_bearer) =
        ([("A2A-Version", "1.0"), ("X-API-Key", secret.as_str())], [("A2A-Version", "1.0"), ("Authorization", bearer.as_str())]);
    let task = server.rpc(&as_key, "SendMessage", message("tck-1", "x")).await["result"]["task"].clone();
    assert_eq!(server.rpc(&as_bearer, "GetTask", json!({"id": task["id"]})).await["result"]["id"], task["id"], "one owner either way");
    assert_eq!(server.get("/admin/keys", &as_key).await.status, 403);

    let list = key(&server, &["list"]);
    assert!(list.contains("in-use") && list.contains("authenticated") && list.contains("600") && list.ends_with("ci"), "{list}");
    assert!(!list.contains(&secret[4..]));
    let id = list.split_whitespace().next().unwrap().to_owned();
    assert_eq!(key(&server, &["revoke", "ci"]), format!("revoked {id}"));
    until_refused(&server, &secret).await;
    assert!(key(&server, &["list"]).contains("revoked"));
    assert!(!server.command(&["key", "revoke", "ci"]).status.success(), "it is no more");
}

#[tokio::test]
async fn an_expired_or_made_up_key_is_refused() {
    let server = server();
    let over = key(&server, &["create", "--name", "over", "--expires", "0"]);
    for wrong in [over.as_str(), "a2a_00000000000000000000000000000000", "a2a_", "a2a_short"] {
        assert_eq!(status(&server, wrong).await, 401, "{wrong}");
    }
    for wrong in [&["create", "--name", ""][..], &["create", "--name", "k", "--role", "public"], &["create", "--name", "k", "--expires", "3651"]] {
        let output = server.command(&[&["key"], wrong].concat());
        assert!(!output.status.success() && output.stdout.is_empty(), "{wrong:?}: {output:?}");
    }
}

#[tokio::test]
async fn admins_make_list_rotate_and_revoke_keys_over_http() {
    let server = server();
    let made =
        admin(&server, Method::POST, "/admin/keys", json!({"name": "ops", "role": "system", "expiresDays": 7, "rateLimitPerMinute": 50})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let (id, secret) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert_eq!((&made["role"], &made["rateLimitPerMinute"], &made["revokedAt"]), (&json!("system"), &json!(50), &Value::Null));
    assert_eq!(server.get("/health/details", &[("X-API-Key", secret)]).await.status, 200);

    let listed = admin(&server, Method::GET, "/admin/keys", Value::Null).await;
    assert_eq!((listed.status, &listed.json()["keys"][0]["id"]), (200, &json!(id)));
    assert!(!listed.text.contains(&secret[4..]), "{listed:?}");

    let rotated = admin(&server, Method::POST, &format!("/admin/keys/{id}:rotate"), Value::Null).await;
    assert_eq!((rotated.status, &rotated.json()["id"]), (200, &json!(id)), "{rotated:?}");
    let new = rotated.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(status(&server, &new).await, 200);
    until_refused(&server, secret).await;

    assert_eq!(admin(&server, Method::DELETE, &format!("/admin/keys/{id}"), Value::Null).await.status, 204);
    until_refused(&server, &new).await;
    assert_eq!(admin(&server, Method::DELETE, &format!("/admin/keys/{id}"), Value::Null).await.status, 404);
    for wrong in [json!({}), json!({"name": ""}), json!({"name": "k", "role": "root"}), json!({"name": "k", "expires": 5}), json!([])] {
        let refused = admin(&server, Method::POST, "/admin/keys", wrong.clone()).await;
        assert_eq!((refused.status, refused.json()["error"].is_object()), (400, true), "{wrong}");
    }
    assert_eq!(admin(&server, Method::PUT, "/admin/keys", json!({})).await.status, 405);
}

#[tokio::test]
async fn a_card_declares_api_keys_while_there_are_some() {
    let server = Server::with(&[("A2A_AGENTS", "conformance"), ("A2A_SECRET_KEY", "a-secret-key-of-at-least-32-bytes!")]);
    let schemes = async || {
        let card = server.get("/.well-known/agent-card.json", &[("A2A-Version", "1.0")]).await.json();
        let mut names: Vec<String> = card["securitySchemes"].as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    let until = async |expected: &[&str]| {
        let start = Instant::now();
        while schemes().await != expected {
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", schemes().await);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    assert_eq!(schemes().await, ["bearer"]);
    key(&server, &["create", "--name", "ci"]);
    until(&["apiKey", "bearer"]).await;
    key(&server, &["revoke", "ci"]);
    until(&["bearer"]).await;
}
