//! Agent cards: every form, cached, signed (spec section 8).

use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

use crate::harness::{Answered, Server};

const CARD: &str = "/.well-known/agent-card.json";

#[tokio::test]
async fn a_client_of_1_0_gets_a_card_without_fields_of_0_3() {
    let card = Server::start().get(CARD, &[("A2A-Version", "1.0")]).await.json();
    for field in ["url", "preferredTransport", "additionalInterfaces", "protocolVersion", "supportsAuthenticatedExtendedCard"] {
        assert!(card.get(field).is_none(), "{field} in {card}");
    }
    let interfaces = card["supportedInterfaces"].as_array().unwrap();
    assert_eq!(interfaces[0]["protocolVersion"], "1.0");
    for binding in ["JSONRPC", "HTTP+JSON"] {
        assert!(interfaces.iter().any(|i| i["protocolBinding"] == binding && i["protocolVersion"] == "1.0"), "{interfaces:?}");
    }
    let typed: a2a::AgentCard = serde_json::from_value(card).unwrap();
    assert!(!typed.skills.is_empty());
}

#[tokio::test]
async fn a_client_of_0_3_gets_a_card_of_0_3() {
    let server = Server::start();
    let card = server.get(CARD, &[("A2A-Version", "0.3")]).await.json();
    assert!(card.get("supportedInterfaces").is_none(), "{card}");
    assert!(card["protocolVersion"].as_str().unwrap().starts_with("0.3"), "{card}");
    assert_eq!(card["preferredTransport"], "JSONRPC");
    assert!(card["url"].as_str().unwrap().starts_with("http"), "{card}");
    for field in ["capabilities", "skills", "defaultInputModes", "defaultOutputModes", "name", "description", "version"] {
        assert!(!card[field].is_null(), "{field} is missing in {card}");
    }
}

#[tokio::test]
async fn a_client_that_names_no_version_gets_what_both_generations_read() {
    let card = Server::start().get(CARD, &[]).await.json();
    for field in ["url", "preferredTransport", "protocolVersion", "additionalInterfaces", "supportedInterfaces"] {
        assert!(!card[field].is_null(), "{field} is missing in {card}");
    }
}

#[tokio::test]
async fn a_setting_chooses_the_card_for_a_client_that_names_no_version() {
    let pure = Server::with(&[("A2A_CARD", "v1.0")]).get(CARD, &[]).await.json();
    assert!(pure.get("url").is_none() && pure.get("supportedInterfaces").is_some(), "{pure}");
    let older = Server::with(&[("A2A_CARD", "v0.3")]).get(CARD, &[]).await.json();
    assert!(older.get("url").is_some() && older.get("supportedInterfaces").is_none(), "{older}");
}

#[tokio::test]
async fn the_first_generation_reads_agent_json() {
    let card = Server::start().get("/.well-known/agent.json", &[]).await.json();
    for field in ["name", "description", "url", "version", "provider", "defaultInputModes", "defaultOutputModes"] {
        assert!(!card[field].is_null(), "{field} is missing in {card}");
    }
    assert_eq!(card["authentication"]["schemes"], serde_json::json!(["Bearer"]));
    for capability in ["streaming", "pushNotifications", "stateTransitionHistory"] {
        assert!(card["capabilities"][capability].is_boolean(), "{capability} in {card}");
    }
    let mut ids: Vec<_> = card["skills"].as_array().unwrap().iter().map(|skill| skill["id"].as_str().unwrap()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), count), (10, 10));
}

#[tokio::test]
async fn a_tenant_has_a_card_with_its_own_skills_only() {
    let server = Server::start();
    for (tenant, skill, foreign) in [("research", "document_search", "trend_analysis"), ("analysis", "trend_analysis", "document_search")] {
        let card = server.get(&format!("/{tenant}{CARD}"), &[("A2A-Version", "1.0")]).await.json();
        let skills: Vec<_> = card["skills"].as_array().unwrap().iter().map(|skill| skill["id"].as_str().unwrap().to_owned()).collect();
        assert!(skills.iter().any(|id| id == skill) && !skills.iter().any(|id| id == foreign), "{skills:?}");
    }
    assert_eq!(server.get(&format!("/nobody{CARD}"), &[]).await.status, 404);
}

#[tokio::test]
async fn no_url_of_a_0_3_card_stands_for_two_transports() {
    let server = Server::start();
    for tenant in ["", "/research"] {
        let card = server.get(&format!("{tenant}{CARD}"), &[("A2A-Version", "0.3")]).await.json();
        let interfaces = card["additionalInterfaces"].as_array().unwrap();
        assert_eq!(interfaces[0], serde_json::json!({"url": card["url"], "transport": card["preferredTransport"]}), "{card}");
        for one in interfaces {
            assert!(interfaces.iter().all(|other| one["url"] != other["url"] || one["transport"] == other["transport"]), "{card}");
        }
    }
}

#[tokio::test]
async fn a_card_that_has_not_changed_is_not_sent_again() {
    let server = Server::start();
    let first = server.get(CARD, &[]).await;
    assert!(first.header("cache-control").contains("max-age"), "{:?}", first.headers);
    assert!(first.header("vary").to_ascii_lowercase().contains("a2a-version"), "{:?}", first.headers);
    assert!(!first.header("last-modified").is_empty(), "{:?}", first.headers);
    let tag = first.header("etag");
    assert!(tag.starts_with('"') && tag.len() > 2, "{tag}");
    assert_eq!(server.get(CARD, &[("If-None-Match", tag)]).await.status, 304);
    assert_eq!(server.get(CARD, &[("If-None-Match", "\"another\"")]).await.status, 200);
    let of_1_0 = server.get(CARD, &[("A2A-Version", "1.0")]).await;
    assert_ne!(of_1_0.header("etag"), tag, "another form is another entity");
}

#[tokio::test]
async fn the_signature_of_a_card_holds() {
    let server = Server::start();
    let keys = server.get("/.well-known/jwks.json", &[]).await.json();
    let answered = server.get(CARD, &[("A2A-Version", "1.0")]).await;
    verify(&answered, &keys);
    verify(&server.get(&format!("/research{CARD}"), &[("A2A-Version", "1.0")]).await, &keys);
}

#[tokio::test]
async fn readers_that_drop_what_is_empty_find_a_signature_too() {
    let server = Server::with(&[("A2A_AUTH", "required"), ("A2A_SECRET_KEY", "0123456789abcdef0123456789abcdef")]);
    let keys = server.get("/.well-known/jwks.json", &[]).await.json();
    let answered = server.get(CARD, &[("A2A-Version", "1.0")]).await;
    verify(&answered, &keys);
    let mut card = answered.json();
    assert_eq!(card["securityRequirements"], serde_json::json!([{"schemes": {"bearer": {}}}]));
    card.as_object_mut().unwrap().remove("securityRequirements");
    let signatures = card.as_object_mut().unwrap().remove("signatures").unwrap();
    assert!(holds(&card, &signatures[1], &keys), "{signatures}");
}

/// Checks the detached JWS over the canonical card without its signatures (section 8.4).
fn verify(answered: &Answered, keys: &Value) {
    let mut card = answered.json();
    let signatures = card.as_object_mut().unwrap().remove("signatures").expect("a signed card");
    assert!(holds(&card, &signatures[0], keys), "the signature doesn't hold over {card}");
}

fn holds(card: &Value, signature: &Value, keys: &Value) -> bool {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signature["protected"].as_str().unwrap()).unwrap()).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).expect("the key that signed is published");
    assert_eq!((header["alg"].as_str(), key["crv"].as_str()), (Some("ES256"), Some("P-256")));
    let payload = serde_json_canonicalizer::to_vec(card).unwrap();
    let signed = format!("{}.{}", signature["protected"].as_str().unwrap(), URL_SAFE_NO_PAD.encode(payload));
    let bytes = |text: &Value| URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap();
    let point = [vec![4], bytes(&key["x"]), bytes(&key["y"])].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &bytes(&signature["signature"])).is_ok()
}
