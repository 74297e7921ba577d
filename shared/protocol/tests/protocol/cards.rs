//! Agent cards in every form, and what is signed of them (spec sections 4.4 and 8.4).

use std::collections::HashMap;

use protocol::{
    card::{self, CardForm},
    types::{
        AgentCapabilities, AgentCard, AgentCardSignature, AgentExtension, AgentInterface, AgentProvider, AgentSkill, ApiKeySecurityScheme,
        HttpAuthSecurityScheme, SecurityScheme,
    },
};
use serde_json::{Value, json};

fn interface(path: &str, binding: &str, version: &str) -> AgentInterface {
    AgentInterface { protocol_version: version.to_owned(), ..AgentInterface::new(format!("https://a.example{path}"), binding) }
}

pub fn full() -> AgentCard {
    let bearer = HttpAuthSecurityScheme { scheme: "bearer".to_owned(), description: None, bearer_format: Some("JWT".to_owned()) };
    let key = ApiKeySecurityScheme { location: "header".to_owned(), name: "X-API-Key".to_owned(), description: Some(String::new()) };
    AgentCard {
        name: "Research".to_owned(),
        description: "Finds things".to_owned(),
        version: "1.2.3".to_owned(),
        supported_interfaces: vec![
            interface("/", "JSONRPC", "1.0"),
            interface("/", "HTTP+JSON", "1.0"),
            interface("/", "JSONRPC", "0.3"),
            interface("/", "HTTP+JSON", "0.3"),
        ],
        capabilities: AgentCapabilities {
            streaming: Some(true),
            push_notifications: Some(false),
            extensions: Some(vec![AgentExtension {
                uri: "https://example.com/x".to_owned(),
                description: Some(String::new()),
                required: Some(false),
                params: None,
            }]),
            extended_agent_card: Some(true),
        },
        default_input_modes: vec!["text/plain".to_owned()],
        default_output_modes: vec!["text/plain".to_owned()],
        skills: vec![AgentSkill {
            id: "document_search".to_owned(),
            name: "Search".to_owned(),
            description: "Ranked".to_owned(),
            tags: vec!["search".to_owned()],
            examples: Some(vec![]),
            input_modes: None,
            output_modes: Some(vec!["text/plain".to_owned()]),
            security_requirements: Some(vec![HashMap::from([("bearer".to_owned(), vec![])])]),
        }],
        provider: Some(AgentProvider { organization: "Example".to_owned(), url: "https://example.com".to_owned() }),
        documentation_url: Some("https://a.example/docs".to_owned()),
        icon_url: None,
        security_schemes: Some(HashMap::from([
            ("bearer".to_owned(), SecurityScheme::HttpAuth(bearer)),
            ("apiKey".to_owned(), SecurityScheme::ApiKey(key)),
        ])),
        security_requirements: Some(vec![HashMap::from([("bearer".to_owned(), vec!["read".to_owned()])])]),
        signatures: Some(vec![AgentCardSignature { protected: "p".to_owned(), signature: "s".to_owned(), header: None }]),
    }
}

fn v1_0() -> Value {
    json!({
        "name": "Research",
        "description": "Finds things",
        "version": "1.2.3",
        "supportedInterfaces": [
            {"url": "https://a.example/", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
            {"url": "https://a.example/", "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"},
            {"url": "https://a.example/", "protocolBinding": "JSONRPC", "protocolVersion": "0.3"},
            {"url": "https://a.example/", "protocolBinding": "HTTP+JSON", "protocolVersion": "0.3"},
        ],
        "capabilities": {"streaming": true, "pushNotifications": false, "extendedAgentCard": true, "extensions": [{"uri": "https://example.com/x"}]},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [{
            "id": "document_search", "name": "Search", "description": "Ranked", "tags": ["search"], "outputModes": ["text/plain"],
            "securityRequirements": [{"schemes": {"bearer": {}}}],
        }],
        "provider": {"organization": "Example", "url": "https://example.com"},
        "documentationUrl": "https://a.example/docs",
        "securitySchemes": {
            "bearer": {"httpAuthSecurityScheme": {"scheme": "bearer", "bearerFormat": "JWT"}},
            "apiKey": {"apiKeySecurityScheme": {"location": "header", "name": "X-API-Key"}},
        },
        "securityRequirements": [{"schemes": {"bearer": {"list": ["read"]}}}],
        "signatures": [{"protected": "p", "signature": "s"}],
    })
}

fn v0_3() -> Value {
    json!({
        "protocolVersion": "0.3.0",
        "name": "Research",
        "description": "Finds things",
        "version": "1.2.3",
        "url": "https://a.example/",
        "preferredTransport": "JSONRPC",
        "additionalInterfaces": [
            {"url": "https://a.example/", "transport": "JSONRPC"},
            {"url": "https://a.example/", "transport": "HTTP+JSON"},
        ],
        "capabilities": {
            "streaming": true, "pushNotifications": false, "stateTransitionHistory": false,
            "extensions": [{"uri": "https://example.com/x", "description": "", "required": false}],
        },
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [{
            "id": "document_search", "name": "Search", "description": "Ranked", "tags": ["search"], "outputModes": ["text/plain"],
            "security": [{"bearer": []}],
        }],
        "provider": {"organization": "Example", "url": "https://example.com"},
        "documentationUrl": "https://a.example/docs",
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": ""},
        },
        "security": [{"bearer": ["read"]}],
        "supportsAuthenticatedExtendedCard": true,
    })
}

#[test]
fn the_v1_0_card_leaves_defaults_out() {
    assert_eq!(card::render(&full(), CardForm::V1_0), v1_0());
}

#[test]
fn the_v0_3_card_has_the_fields_of_its_schema() {
    assert_eq!(card::render(&full(), CardForm::V0_3), v0_3());
}

#[test]
fn the_v0_1_card_has_no_null_and_names_its_authentication() {
    let expected = json!({
        "name": "Research",
        "description": "Finds things",
        "url": "https://a.example/",
        "version": "1.2.3",
        "provider": {"organization": "Example", "url": "https://example.com"},
        "documentationUrl": "https://a.example/docs",
        "authentication": {"schemes": ["Bearer", "ApiKey"]},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "capabilities": {"streaming": true, "pushNotifications": false, "stateTransitionHistory": false},
        "skills": [{"id": "document_search", "name": "Search", "description": "Ranked", "tags": ["search"], "outputModes": ["text/plain"]}],
    });
    assert_eq!(card::render(&full(), CardForm::V0_1), expected);
}

#[test]
fn the_hybrid_card_is_the_v1_0_card_with_v0_3_fields_beside() {
    let hybrid = card::render(&full(), CardForm::Hybrid);
    let (new, old) = (v1_0(), v0_3());
    for (field, value) in new.as_object().unwrap() {
        if !["securitySchemes", "skills"].contains(&field.as_str()) {
            assert_eq!(&hybrid[field], value, "{field}");
        }
    }
    for field in ["url", "preferredTransport", "protocolVersion", "additionalInterfaces", "supportsAuthenticatedExtendedCard", "security"] {
        assert_eq!(hybrid[field], old[field], "{field}");
    }
    let bearer =
        json!({"httpAuthSecurityScheme": {"scheme": "bearer", "bearerFormat": "JWT"}, "type": "http", "scheme": "bearer", "bearerFormat": "JWT"});
    assert_eq!(hybrid["securitySchemes"]["bearer"], bearer);
    assert_eq!(hybrid["skills"][0]["security"], json!([{"bearer": []}]));
    assert_eq!(hybrid["skills"][0]["securityRequirements"], json!([{"schemes": {"bearer": {}}}]));
}

#[test]
fn an_agent_without_v0_3_interfaces_shows_the_ones_it_has() {
    let mut card = full();
    card.supported_interfaces = vec![interface("/r", "HTTP+JSON", "1.0"), interface("/j", "JSONRPC", "1.0"), interface("/j", "JSONRPC", "1.0")];
    let old = card::render(&card, CardForm::V0_3);
    assert_eq!((&old["url"], &old["preferredTransport"]), (&json!("https://a.example/j"), &json!("JSONRPC")));
    assert_eq!(old["additionalInterfaces"].as_array().unwrap().len(), 2);
}

#[test]
fn section_8_4_1_the_payload_is_canonical_and_has_no_signatures() {
    let payload = card::signing_payloads(&full()).unwrap().remove(0);
    let mut expected = v1_0();
    expected.as_object_mut().unwrap().remove("signatures");
    assert_eq!(serde_json::from_str::<Value>(&payload).unwrap(), expected);
    let mut unsigned = full();
    unsigned.signatures = None;
    assert_eq!(card::signing_payloads(&unsigned).unwrap()[0], payload);
    assert!(payload.starts_with(r#"{"capabilities":{"extendedAgentCard":true,"extensions":[{"uri":"https://example.com/x"}],"pushNotifications":false,"streaming":true},"defaultInputModes""#), "{payload}");
}

#[test]
fn section_8_4_1_the_specification_s_example_holds() {
    let card = AgentCard {
        name: "Example Agent".to_owned(),
        description: String::new(),
        capabilities: AgentCapabilities {
            streaming: Some(false),
            push_notifications: Some(false),
            extensions: Some(vec![]),
            extended_agent_card: None,
        },
        skills: vec![],
        ..full()
    };
    let payload: Value = serde_json::from_str(&card::signing_payloads(&card).unwrap()[0]).unwrap();
    assert_eq!(payload["capabilities"], json!({"pushNotifications": false, "streaming": false}));
    assert_eq!((&payload["description"], &payload["name"], &payload["skills"]), (&json!(""), &json!("Example Agent"), &json!([])));
}

#[test]
fn a_card_with_something_empty_has_a_second_payload_without_it() {
    let mut card = full();
    card.skills.iter_mut().for_each(|skill| skill.security_requirements = None);
    card.security_requirements = Some(vec![HashMap::from([("bearer".to_owned(), vec![])])]);
    card.description = String::new();
    let payloads = card::signing_payloads(&card).unwrap();
    let [whole, filled] = payloads.iter().map(|payload| serde_json::from_str(payload).unwrap()).collect::<Vec<Value>>().try_into().unwrap();
    assert_eq!((&whole["securityRequirements"], &whole["description"]), (&json!([{"schemes": {"bearer": {}}}]), &json!("")));
    let mut expected = whole;
    expected.as_object_mut().unwrap().remove("securityRequirements");
    expected.as_object_mut().unwrap().remove("description");
    assert_eq!(filled, expected);

    (card.security_requirements, card.description) = (None, "an agent".to_owned());
    assert_eq!(card::signing_payloads(&card).unwrap().len(), 1, "nothing is empty");
}

#[test]
fn a_card_reads_back_as_it_was() {
    let mut card = full();
    card.capabilities.extensions.as_mut().unwrap()[0].description = None;
    card.capabilities.extensions.as_mut().unwrap()[0].required = None;
    card.skills[0].examples = None;
    let Some(SecurityScheme::ApiKey(key)) = card.security_schemes.as_mut().unwrap().get_mut("apiKey") else { panic!() };
    key.description = None;
    let back: AgentCard = serde_json::from_value(card::render(&card, CardForm::V1_0)).unwrap();
    assert_eq!(back, card);
    let back: AgentCard = serde_json::from_value(card::render(&card, CardForm::Hybrid)).unwrap();
    assert_eq!(back, card, "a v1.0 reader that ignores unknown fields reads a hybrid card as well");
}
