//! The v1.0 card as its proto demands it, and the text that is signed (spec section 8.4.1).

use serde_json::{Map, Value};

use crate::types::AgentCard;

/// The v1.0 card: fields at their default are left out, unless the proto marks them as required or as optional.
pub(crate) fn v1_0(card: &AgentCard) -> Value {
    let mut value = serde_json::to_value(card).unwrap_or_default();
    let Some(card) = value.as_object_mut() else {
        return value;
    };
    drop_defaults(card, &["securitySchemes", "securityRequirements", "signatures"]);
    each(card.get_mut("supportedInterfaces"), |interface| drop_defaults(interface, &["tenant"]));
    each(card.get_mut("skills"), |skill| {
        requirements(skill);
        drop_defaults(skill, &["examples", "inputModes", "outputModes", "securityRequirements"]);
    });
    if let Some(capabilities) = card.get_mut("capabilities").and_then(Value::as_object_mut) {
        each(capabilities.get_mut("extensions"), |extension| drop_defaults(extension, &["description", "required"]));
        drop_defaults(capabilities, &["extensions"]);
    }
    requirements(card);
    each_member(card.get_mut("securitySchemes"), |scheme| each_value(scheme, security_scheme));
    value
}

/// What the card's signatures are over: RFC 8785 of the v1.0 card without its signatures.
///
/// The official Python and JavaScript clients drop every empty value before they verify, required or not. Where a card has one
/// (a security requirement without scopes is enough), the text that they compute is the second payload: one signature that fits
/// is all that a verifier needs.
pub fn signing_payloads(card: &AgentCard) -> Result<Vec<String>, serde_json::Error> {
    let mut value = v1_0(card);
    if let Some(card) = value.as_object_mut() {
        card.remove("signatures");
    }
    let mut payloads = vec![serde_json_canonicalizer::to_string(&value)?];
    let without_empty = serde_json_canonicalizer::to_string(&filled(value))?;
    if !payloads.contains(&without_empty) {
        payloads.push(without_empty);
    }
    Ok(payloads)
}

/// The value without empty texts, lists and objects at any depth, and without what is empty then; null where nothing is left.
fn filled(value: Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Array(items) => {
            let items: Vec<Value> = items.into_iter().map(filled).filter(|item| !item.is_null()).collect();
            if items.is_empty() { Value::Null } else { items.into() }
        }
        Value::Object(members) => {
            let members: Map<String, Value> =
                members.into_iter().map(|(name, member)| (name, filled(member))).filter(|(_, member)| !member.is_null()).collect();
            if members.is_empty() { Value::Null } else { members.into() }
        }
        other => other,
    }
}

/// A requirement is a map of lists; the proto's list of strings is an object whose empty `list` is left out.
fn requirements(holder: &mut Map<String, Value>) {
    each(holder.get_mut("securityRequirements"), |requirement| {
        each_member(requirement.get_mut("schemes"), |scopes| drop_defaults(scopes, &["list"]));
        drop_defaults(requirement, &["schemes"]);
    });
}

fn security_scheme(scheme: &mut Map<String, Value>) {
    drop_defaults(scheme, &["description", "bearerFormat", "oauth2MetadataUrl"]);
    each_member(scheme.get_mut("flows"), |flow| drop_defaults(flow, &["refreshUrl", "pkceRequired"]));
    if let Some(flows) = scheme.get_mut("flows").and_then(Value::as_object_mut) {
        for unrequired in ["implicit", "password"] {
            if let Some(flow) = flows.get_mut(unrequired).and_then(Value::as_object_mut) {
                drop_defaults(flow, &["authorizationUrl", "tokenUrl", "scopes"]);
            }
        }
    }
}

fn drop_defaults(object: &mut Map<String, Value>, fields: &[&str]) {
    for field in fields {
        if object.get(*field).is_some_and(is_default) {
            object.remove(*field);
        }
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

fn each(list: Option<&mut Value>, mut change: impl FnMut(&mut Map<String, Value>)) {
    for item in list.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(object) = item.as_object_mut() {
            change(object);
        }
    }
}

fn each_member(map: Option<&mut Value>, change: impl FnMut(&mut Map<String, Value>)) {
    if let Some(map) = map.and_then(Value::as_object_mut) {
        each_value(map, change);
    }
}

fn each_value(map: &mut Map<String, Value>, mut change: impl FnMut(&mut Map<String, Value>)) {
    for (_, member) in map.iter_mut() {
        if let Some(object) = member.as_object_mut() {
            change(object);
        }
    }
}
