//! Who gets in, and what browsers are told.

use serde_json::json;

use crate::*;

const KEYS: [(&str, &str); 2] = [("A2A_ADMIN_API_KEY", "admin-key-1"), ("A2A_SYSTEM_API_KEY", "system-key-1")];

#[tokio::test]
async fn wrong_credentials_are_refused_in_the_form_of_the_binding() {
    let server = Server::with(&KEYS).await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "ListTasks"});
    let answer = server.post("/", &[("X-API-Key", "wrong")], body).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (401, &json!(-32010)), "{}", answer.text);
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"a2a\"");
    let answer = server.send(Serves::EveryMethod, "GET", "/tasks", &[("Authorization", "Bearer wrong")], "").await;
    assert_eq!((answer.status, &answer.json()["error"]["status"]), (401, &json!("UNAUTHENTICATED")), "{}", answer.text);
}

#[tokio::test]
async fn where_authentication_is_required_only_public_places_are_open() {
    let server = Server::with(&[("A2A_AUTH", "required"), KEYS[0], KEYS[1]]).await;
    assert_eq!(server.get(Serves::EveryMethod, "/tasks").await.status, 401);
    assert_eq!(server.post("/", &[], json!({"jsonrpc": "2.0", "id": 1, "method": "Nothing"})).await.status, 401);
    assert_eq!(server.get(Serves::AgentCards, "/.well-known/agent-card.json").await.status, 200);
    assert_eq!(server.get(Serves::Health, "/health").await.status, 200);
    let answer = server.send(Serves::EveryMethod, "GET", "/tasks", &[("X-API-Key", "system-key-1")], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let card = server.send(Serves::AgentCards, "GET", "/.well-known/agent-card.json", &[("A2A-Version", "1.0")], "").await.json();
    assert!(card["securityRequirements"].is_array(), "{card}");
}

#[tokio::test]
async fn operators_places_need_their_own_role() {
    let server = Server::with(&KEYS).await;
    for (serves, path, key) in [(Serves::Health, "/health/details", "system-key-1"), (Serves::Admin, "/admin/queues", "admin-key-1")] {
        assert_eq!(server.get(serves, path).await.status, 401, "{path}");
        for (_, other) in KEYS {
            let expected = if other == key { 200 } else { 403 };
            assert_eq!(server.send(serves, "GET", path, &[("Authorization", &format!("Bearer {other}"))], "").await.status, expected, "{path}");
        }
    }
    assert_eq!(server.send(Serves::Admin, "GET", "/admin/nothing", &[("X-API-Key", "admin-key-1")], "").await.status, 404);
}

#[tokio::test]
async fn owners_see_only_their_own_tasks() {
    let server = Server::with(&KEYS).await;
    let mine = server.call("SendMessage", message("m-1", "hello")).await;
    let path = format!("/tasks/{}", mine["result"]["task"]["id"].as_str().unwrap());
    assert_eq!(server.get(Serves::EveryMethod, &path).await.status, 200);
    assert_eq!(server.send(Serves::EveryMethod, "GET", &path, &[("X-API-Key", "admin-key-1")], "").await.status, 404);
}

#[tokio::test]
async fn every_response_has_the_security_headers_and_the_request_id() {
    let server = Server::new().await;
    for (serves, path) in [(Serves::Health, "/health"), (Serves::EveryMethod, "/nowhere"), (Serves::AgentCards, "/.well-known/agent.json")] {
        let answer = server.get(serves, path).await;
        for name in [
            "x-content-type-options",
            "x-frame-options",
            "x-xss-protection",
            "strict-transport-security",
            "content-security-policy",
            "referrer-policy",
        ] {
            assert!(!answer.header(name).is_empty(), "{path} lacks {name}");
        }
        assert_eq!(answer.header("x-amzn-requestid"), "request-1");
        assert!(answer.header("access-control-allow-origin").is_empty());
    }
}

#[tokio::test]
async fn where_https_is_required_only_this_machine_may_do_without() {
    let server = Server::with(&[("A2A_REQUIRE_HTTPS", "1")]).await;
    let answer = server.get(Serves::EveryMethod, "/tasks").await;
    assert_eq!((answer.status, &answer.json()["error"]["status"]), (403, &json!("PERMISSION_DENIED")), "{}", answer.text);
    assert!(!answer.header("strict-transport-security").is_empty());
    for (scheme, status) in [("https", 200), ("http", 403), ("https, http", 403), ("HTTPS ", 403)] {
        let answer = server.send(Serves::EveryMethod, "GET", "/tasks", &[("X-Forwarded-Proto", scheme)], "").await;
        assert_eq!(answer.status, status, "{scheme}: {}", answer.text);
    }
    let refused = server.post("/", &[("A2A-Version", "1.0")], json!({"jsonrpc": "2.0", "id": "i", "method": "ListTasks"})).await;
    assert_eq!((refused.status, &refused.json()["id"]), (403, &json!("i")), "{}", refused.text);
}

#[tokio::test]
async fn only_pages_of_exactly_the_allowed_origins_may_read() {
    let server = Server::with(&[("A2A_CORS_ORIGINS", "https://app.example")]).await;
    let from = async |origin| server.send(Serves::Health, "GET", "/health", &[("Origin", origin)], "").await;
    assert_eq!(from("https://app.example").await.header("access-control-allow-origin"), "https://app.example");
    for other in ["https://app.example.evil", "http://app.example", "null"] {
        let answer = from(other).await;
        assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), ("", "Origin"), "{other}");
    }
    let headers = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "POST")];
    for (path, methods) in [("/", "POST, OPTIONS"), ("/message:send", "POST, OPTIONS"), ("/tasks/1", "GET, OPTIONS")] {
        let answer = server.send(Serves::EveryMethod, "OPTIONS", path, &headers, "").await;
        assert_eq!((answer.status, answer.header("access-control-allow-methods")), (204, methods), "{path}");
        assert!(answer.header("access-control-allow-headers").contains("a2a-version"));
    }
}
