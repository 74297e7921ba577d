//! Who may do what: tokens, owners, the extended card.

use serde_json::json;
use tests::tokens::SigningKey;

use crate::harness::{Server, message, state};

const KEY: &str = "a-secret-key-of-at-least-32-bytes!";

fn token(server: &Server, arguments: &[&str]) -> String {
    let output = server.command(&[&["token"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    assert_eq!(token.split('.').count(), 3, "the token alone: {token}");
    format!("Bearer {token}")
}

#[tokio::test]
async fn anothers_task_looks_like_one_that_never_was() {
    let server = Server::with(&[("A2A_AGENTS", "conformance"), ("A2A_SECRET_KEY", KEY)]);
    let ada = token(&server, &["--sub", "ada", "--role", "authenticated", "--ttl", "600"]);
    let bob = token(&server, &["--sub", "bob", "--role", "authenticated", "--ttl", "600"]);
    let (ada, bob) = ([("A2A-Version", "1.0"), ("Authorization", ada.as_str())], [("A2A-Version", "1.0"), ("Authorization", bob.as_str())]);
    let task = server.rpc(&ada, "SendMessage", message("tck-input-required-1", "x")).await["result"]["task"].clone();
    assert_eq!(server.rpc(&ada, "GetTask", json!({"id": task["id"]})).await["result"]["id"], task["id"]);

    let mut follow_up = message("tck-2", "y");
    follow_up["message"]["taskId"] = task["id"].clone();
    for (method, params) in [
        ("GetTask", json!({"id": task["id"]})),
        ("CancelTask", json!({"id": task["id"]})),
        ("SubscribeToTask", json!({"id": task["id"]})),
        ("SendMessage", follow_up),
        ("CreateTaskPushNotificationConfig", json!({"taskId": task["id"], "url": "https://example.com/"})),
        ("ListTaskPushNotificationConfigs", json!({"taskId": task["id"]})),
    ] {
        let foreign = server.rpc(&bob, method, params.clone()).await["error"].clone();
        let made_up =
            server.rpc(&bob, method, serde_json::from_str(&params.to_string().replace(task["id"].as_str().unwrap(), "none")).unwrap()).await;
        assert_eq!((&foreign["code"], &made_up["error"]["code"]), (&json!(-32001), &json!(-32001)), "{method}: {foreign}");
    }
    assert_eq!(server.rpc(&bob, "ListTasks", json!({})).await["result"]["totalSize"], 0);
    assert_eq!(server.v1("GetTask", json!({"id": task["id"]})).await["error"]["code"], -32001, "nor does an anonymous caller");
    assert_eq!(state(&server.rpc(&ada, "CancelTask", json!({"id": task["id"]})).await["result"]), "TASK_STATE_CANCELED");
}

#[tokio::test]
async fn the_extended_card_needs_credentials() {
    let server = Server::with(&[("A2A_AGENTS", "conformance"), ("A2A_SECRET_KEY", KEY)]);
    let refused = server.get("/extendedAgentCard", &[("A2A-Version", "1.0")]).await;
    assert_eq!(refused.status, 401);
    assert!(refused.json()["error"].is_object());
    assert!(!refused.header("www-authenticate").is_empty(), "{:?}", refused.headers);
    let ada = token(&server, &["--sub", "ada", "--role", "authenticated", "--ttl", "600"]);
    let headers = [("A2A-Version", "1.0"), ("Authorization", ada.as_str())];
    let card = server.get("/extendedAgentCard", &headers).await;
    assert_eq!((card.status, card.json()["name"].is_string()), (200, true));
    assert!(server.rpc(&headers, "GetExtendedAgentCard", json!({})).await["result"]["name"].is_string());
    let old = server.rpc(&headers[1..], "agent/getAuthenticatedExtendedCard", json!({})).await;
    assert!(old["result"]["url"].is_string(), "{old}");
}

#[tokio::test]
async fn a_bad_credential_is_refused_even_where_none_is_needed() {
    let server = Server::with(&[("A2A_AGENTS", "conformance"), ("A2A_SECRET_KEY", KEY)]);
    let claims = json!({"sub": "ada", "role": "authenticated", "iat": 1_000_000_000, "exp": 1_000_003_600});
    let expired = SigningKey::secret("", KEY).bearer(&claims);
    for bad in ["Bearer nonsense", "Bearer a.b.c", expired.as_str()] {
        let body = json!({"jsonrpc": "2.0", "id": 9, "method": "GetTask", "params": {"id": "x"}}).to_string();
        let answered = server.post("/", &[("A2A-Version", "1.0"), ("Authorization", bad)], body).await;
        assert_eq!(answered.status, 401, "{bad}: {answered:?}");
        assert!(answered.json()["error"]["code"].is_i64(), "a JSON-RPC error object: {answered:?}");
    }
}

#[tokio::test]
async fn where_credentials_are_required_only_cards_and_health_are_open() {
    let server = Server::with(&[("A2A_AGENTS", "conformance"), ("A2A_SECRET_KEY", KEY), ("A2A_AUTH", "required")]);
    for path in ["/health", "/.well-known/agent-card.json", "/.well-known/jwks.json"] {
        assert_eq!(server.get(path, &[]).await.status, 200, "{path}");
    }
    let refused = server.rest("/message:send", &message("tck-1", "x")).await;
    assert_eq!(refused.status, 401);
    refused.json();
    let body = json!({"jsonrpc": "2.0", "id": 4, "method": "SendMessage", "params": message("tck-2", "x")}).to_string();
    let refused = server.post("/", &[("A2A-Version", "1.0")], body).await;
    assert_eq!((refused.status, refused.json()["error"]["code"].is_i64()), (401, true));
    let ada = token(&server, &["--sub", "ada", "--role", "authenticated", "--ttl", "600"]);
    let response = server.rpc(&[("A2A-Version", "1.0"), ("Authorization", ada.as_str())], "SendMessage", message("tck-3", "x")).await;
    assert_eq!(state(&response["result"]), "TASK_STATE_COMPLETED", "{response}");
}
