//! The cards of v0.3 and v0.1, and the one for readers of any version.

use serde_json::{Map, Value, json};

use super::{canonical::v1_0, security};
use crate::types::{AgentCard, AgentInterface, AgentSkill, SecurityScheme, TRANSPORT_PROTOCOL_JSONRPC};

/// The version of the specification that v0.3 cards declare.
const PROTOCOL_VERSION: &str = "0.3.0";

/// The v0.3 card. It carries no signatures: those are over the v1.0 card.
pub(crate) fn v0_3(card: &AgentCard) -> Value {
    let mut value = common(card);
    value.extend(connection(card));
    let mut capabilities = capabilities(card);
    if let Some(extensions) = card.capabilities.extensions.as_ref().filter(|extensions| !extensions.is_empty()) {
        capabilities.insert("extensions".to_owned(), json!(extensions));
    }
    value.insert("capabilities".to_owned(), capabilities.into());
    value.insert("skills".to_owned(), card.skills.iter().map(skill_with_security).collect());
    if let Some(url) = &card.icon_url {
        value.insert("iconUrl".to_owned(), url.as_str().into());
    }
    if let Some(schemes) = card.security_schemes.as_ref().filter(|schemes| !schemes.is_empty()) {
        value.insert("securitySchemes".to_owned(), security::schemes(schemes));
    }
    value.into()
}

/// The v0.3 card as `GET /v1/card` answers: some clients read the JSON schema's security schemes there, some the proto's.
pub(crate) fn v0_3_by_rest(card: &AgentCard) -> Value {
    let mut value = v0_3(card);
    if let Some(object) = value.as_object_mut() {
        each_scheme(object, card, |scheme, known| {
            if let Ok(Value::Object(of_proto)) = serde_json::to_value(known) {
                scheme.extend(of_proto);
            }
        });
    }
    value
}

/// The card of v0.1, which v0.2 clients read as well. No boolean in it is null.
pub(crate) fn v0_1(card: &AgentCard) -> Value {
    let mut value = common(card);
    value.insert("url".to_owned(), url(card).into());
    value.insert("capabilities".to_owned(), capabilities(card).into());
    value.insert("authentication".to_owned(), json!({"schemes": security::scheme_names(card.security_schemes.as_ref())}));
    value.insert("skills".to_owned(), card.skills.iter().map(|skill| Value::Object(self::skill(skill))).collect());
    value.into()
}

/// The v1.0 card with what v0.3 readers need beside it. The two only share a name for security schemes, which then hold both shapes.
pub(crate) fn hybrid(card: &AgentCard) -> Value {
    let mut value = v1_0(card);
    let Some(object) = value.as_object_mut() else {
        return value;
    };
    object.extend(connection(card));
    each_scheme(object, card, |scheme, known| scheme.extend(security::scheme(known)));
    if let Some(Value::Array(skills)) = object.get_mut("skills") {
        for (skill, known) in skills.iter_mut().zip(&card.skills) {
            if let (Some(skill), Some(requirements)) = (skill.as_object_mut(), &known.security_requirements) {
                skill.insert("security".to_owned(), json!(requirements));
            }
        }
    }
    value
}

fn each_scheme(object: &mut Map<String, Value>, card: &AgentCard, change: impl Fn(&mut Map<String, Value>, &SecurityScheme)) {
    let (Some(Value::Object(schemes)), Some(known)) = (object.get_mut("securitySchemes"), &card.security_schemes) else { return };
    for (name, scheme) in schemes.iter_mut() {
        if let (Some(scheme), Some(known)) = (scheme.as_object_mut(), known.get(name)) {
            change(scheme, known);
        }
    }
}

/// What the cards of all generations call the same.
fn common(card: &AgentCard) -> Map<String, Value> {
    let mut value = Map::from_iter([
        ("name".to_owned(), card.name.as_str().into()),
        ("description".to_owned(), card.description.as_str().into()),
        ("version".to_owned(), card.version.as_str().into()),
        ("defaultInputModes".to_owned(), json!(card.default_input_modes)),
        ("defaultOutputModes".to_owned(), json!(card.default_output_modes)),
    ]);
    if let Some(provider) = &card.provider {
        value.insert("provider".to_owned(), json!(provider));
    }
    if let Some(url) = &card.documentation_url {
        value.insert("documentationUrl".to_owned(), url.as_str().into());
    }
    value
}

/// How v0.3 says where and how the agent is reached, and by whom.
fn connection(card: &AgentCard) -> Map<String, Value> {
    let interfaces = interfaces(card);
    let preferred = preferred(&interfaces);
    let all: Vec<Value> = interfaces.iter().map(|interface| json!({"url": interface.url, "transport": interface.protocol_binding})).collect();
    let mut value = Map::from_iter([
        ("protocolVersion".to_owned(), PROTOCOL_VERSION.into()),
        ("url".to_owned(), preferred.map_or("", |interface| &interface.url).into()),
        ("preferredTransport".to_owned(), preferred.map_or(TRANSPORT_PROTOCOL_JSONRPC, |interface| &interface.protocol_binding).into()),
        ("additionalInterfaces".to_owned(), all.into()),
        ("supportsAuthenticatedExtendedCard".to_owned(), card.capabilities.extended_agent_card.unwrap_or_default().into()),
    ]);
    if let Some(requirements) = card.security_requirements.as_ref().filter(|requirements| !requirements.is_empty()) {
        value.insert("security".to_owned(), json!(requirements));
    }
    value
}

/// The interfaces declared for v0.3; all of them, each once, where none is.
fn interfaces(card: &AgentCard) -> Vec<&AgentInterface> {
    let declared: Vec<_> = card.supported_interfaces.iter().filter(|interface| interface.protocol_version.starts_with("0.3")).collect();
    let candidates = if declared.is_empty() { card.supported_interfaces.iter().collect() } else { declared };
    let mut interfaces: Vec<&AgentInterface> = Vec::new();
    for candidate in candidates {
        if !interfaces.iter().any(|known| known.url == candidate.url && known.protocol_binding == candidate.protocol_binding) {
            interfaces.push(candidate);
        }
    }
    interfaces
}

/// JSON-RPC where there is any: the transport that every client before v1.0 has.
fn preferred<'a>(interfaces: &[&'a AgentInterface]) -> Option<&'a AgentInterface> {
    let json_rpc = interfaces.iter().find(|interface| interface.protocol_binding == TRANSPORT_PROTOCOL_JSONRPC);
    json_rpc.or(interfaces.first()).copied()
}

fn url(card: &AgentCard) -> &str {
    preferred(&interfaces(card)).map_or("", |interface| &interface.url)
}

fn capabilities(card: &AgentCard) -> Map<String, Value> {
    Map::from_iter([
        ("streaming".to_owned(), card.capabilities.streaming.unwrap_or_default().into()),
        ("pushNotifications".to_owned(), card.capabilities.push_notifications.unwrap_or_default().into()),
        // Statuses are not listed in a task, only the messages are.
        ("stateTransitionHistory".to_owned(), false.into()),
    ])
}

fn skill(skill: &AgentSkill) -> Map<String, Value> {
    let mut value = Map::from_iter([
        ("id".to_owned(), skill.id.as_str().into()),
        ("name".to_owned(), skill.name.as_str().into()),
        ("description".to_owned(), skill.description.as_str().into()),
        ("tags".to_owned(), json!(skill.tags)),
    ]);
    let lists = [("examples", &skill.examples), ("inputModes", &skill.input_modes), ("outputModes", &skill.output_modes)];
    for (name, list) in lists {
        if let Some(list) = list.as_ref().filter(|list| !list.is_empty()) {
            value.insert(name.to_owned(), json!(list));
        }
    }
    value
}

fn skill_with_security(known: &AgentSkill) -> Value {
    let mut value = skill(known);
    if let Some(requirements) = known.security_requirements.as_ref().filter(|requirements| !requirements.is_empty()) {
        value.insert("security".to_owned(), json!(requirements));
    }
    value.into()
}
