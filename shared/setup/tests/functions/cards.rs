//! Agent cards: their forms, their addresses, how they are cached and signed.

use serde_json::{Value, json};

use crate::*;

const CARD: &str = "/.well-known/agent-card.json";

async fn card(server: &Server, path: &str, version: &str) -> Value {
    let answer = server.send(Serves::AgentCards, "GET", path, &[("A2A-Version", version)], "").await;
    assert_eq!((answer.status, answer.header("vary")), (200, "A2A-Version"));
    answer.json()
}

#[tokio::test]
async fn the_version_header_chooses_the_form() {
    let server = Server::new().await;
    let pure = card(&server, CARD, "1.0").await;
    assert!(pure.get("url").is_none() && pure.get("protocolVersion").is_none(), "{pure}");
    let interfaces: Vec<(&Value, &Value)> =
        pure["supportedInterfaces"].as_array().unwrap().iter().map(|one| (&one["protocolBinding"], &one["protocolVersion"])).collect();
    assert_eq!(interfaces[..2], [(&json!("JSONRPC"), &json!("1.0")), (&json!("HTTP+JSON"), &json!("1.0"))]);

    let older = card(&server, CARD, "0.3").await;
    assert!(older.get("supportedInterfaces").is_none(), "{older}");
    assert_eq!((&older["url"], &older["preferredTransport"]), (&json!("http://agents.example:8080/"), &json!("JSONRPC")));

    let hybrid = server.get(Serves::AgentCards, CARD).await.json();
    assert!(hybrid["url"].is_string() && hybrid["supportedInterfaces"].is_array());

    let first = server.get(Serves::AgentCards, "/.well-known/agent.json").await.json();
    assert_eq!(first["authentication"]["schemes"], json!(["Bearer"]), "{first}");
    assert!(first["capabilities"]["streaming"].is_boolean(), "{first}");
}

#[tokio::test]
async fn the_form_for_a_client_without_a_version_is_a_setting() {
    let server = Server::with(&[("A2A_CARD", "v0.3")]).await;
    assert!(server.get(Serves::AgentCards, CARD).await.json().get("supportedInterfaces").is_none());
    let server = Server::with(&[("A2A_CARD", "v1.0")]).await;
    assert!(server.get(Serves::AgentCards, CARD).await.json().get("url").is_none());
}

#[tokio::test]
async fn each_tenant_has_its_own_card_and_the_default_one_has_every_skill() {
    let server = Server::new().await;
    let all = card(&server, CARD, "1.0").await;
    let echo = card(&server, &format!("/echo{CARD}"), "1.0").await;
    assert_eq!(echo["supportedInterfaces"][0]["url"], "http://agents.example:8080/echo/");
    assert!(all["skills"].as_array().unwrap().len() > echo["skills"].as_array().unwrap().len());
}

#[tokio::test]
async fn addresses_are_those_of_the_public_url_or_else_of_the_request() {
    let server = Server::with(&[("A2A_PUBLIC_URL", "https://agents.example.com/a2a/")]).await;
    assert_eq!(card(&server, CARD, "0.3").await["url"], "https://agents.example.com/a2a/");
    let server = Server::with(&[("A2A_BASE_PATH", "/a2a")]).await;
    assert_eq!(card(&server, &format!("/a2a{CARD}"), "0.3").await["url"], "http://agents.example:8080/a2a/");
    let headers = [("X-Forwarded-Proto", "https"), ("Host", "other.example")];
    let answer = server.send(Serves::AgentCards, "GET", CARD, &headers, "").await;
    assert_eq!(answer.json()["url"], "https://other.example/");
}

#[tokio::test]
async fn a_card_that_the_client_has_is_not_sent_again() {
    let server = Server::new().await;
    let first = server.get(Serves::AgentCards, CARD).await;
    let (etag, modified) = (first.header("etag"), first.header("last-modified"));
    assert!(first.header("cache-control").contains("max-age=") && etag.starts_with('"'));
    for headers in [("If-None-Match", etag), ("If-None-Match", "\"x\", *"), ("If-Modified-Since", modified)] {
        let again = server.send(Serves::AgentCards, "GET", CARD, &[headers], "").await;
        assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", etag), "{headers:?}");
    }
    for headers in [("If-None-Match", "\"other\""), ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")] {
        assert_eq!(server.send(Serves::AgentCards, "GET", CARD, &[headers], "").await.status, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn a_card_is_signed_with_a_key_of_the_key_set() {
    let server = Server::new().await;
    let signature = &card(&server, CARD, "1.0").await["signatures"][0];
    assert!(signature["protected"].is_string() && signature["signature"].is_string());
    let keys = server.get(Serves::AgentCards, "/.well-known/jwks.json").await.json();
    assert_eq!((&keys["keys"][0]["kty"], &keys["keys"][0]["crv"]), (&json!("EC"), &json!("P-256")));
}

#[tokio::test]
async fn the_extended_card_is_for_authenticated_callers_where_an_agent_has_one() {
    let server = Server::with(&[("A2A_AGENTS", "conformance"), ("A2A_ADMIN_API_KEY", "admin-key-1")]).await;
    let anonymous = server.get(Serves::EveryMethod, "/extendedAgentCard").await;
    assert_eq!((anonymous.status, anonymous.header("www-authenticate")), (401, "Bearer realm=\"a2a\""));
    let headers = [("X-API-Key", "admin-key-1"), ("A2A-Version", "1.0")];
    let extended = server.send(Serves::Method(Method::GetExtendedAgentCard), "GET", "/extendedAgentCard", &headers, "").await;
    assert_eq!(extended.status, 200, "{}", extended.text);
    assert!(extended.json()["securitySchemes"]["apiKey"].is_object(), "{}", extended.text);
    assert_eq!(server.send(Serves::EveryMethod, "GET", "/v1/card", &headers[..1], "").await.status, 200);
}
