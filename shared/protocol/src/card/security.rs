//! Security schemes as they were before v1.0: told apart by `type`, as in OpenAPI.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::types::{OAuthFlows, SecurityScheme};

/// All schemes of a v0.3 card.
pub(super) fn schemes(schemes: &HashMap<String, SecurityScheme>) -> Value {
    let schemes: Map<String, Value> = schemes.iter().map(|(name, known)| (name.clone(), scheme(known).into())).collect();
    schemes.into()
}

/// A scheme of a v0.3 card.
pub(super) fn scheme(scheme: &SecurityScheme) -> Map<String, Value> {
    let value = match scheme {
        SecurityScheme::ApiKey(key) => {
            json!({"type": "apiKey", "in": key.location, "name": key.name, "description": key.description})
        }
        SecurityScheme::HttpAuth(http) => {
            json!({"type": "http", "scheme": http.scheme, "bearerFormat": http.bearer_format, "description": http.description})
        }
        SecurityScheme::OAuth2(oauth2) => json!({
            "type": "oauth2",
            "flows": flows(&oauth2.flows),
            "oauth2MetadataUrl": oauth2.oauth2_metadata_url,
            "description": oauth2.description,
        }),
        SecurityScheme::OpenIdConnect(connect) => {
            json!({"type": "openIdConnect", "openIdConnectUrl": connect.open_id_connect_url, "description": connect.description})
        }
        SecurityScheme::MutualTls(tls) => {
            json!({"type": "mutualTLS", "description": tls.description})
        }
    };
    match value {
        Value::Object(members) => members.into_iter().filter(|(_, member)| !member.is_null()).collect(),
        _ => Map::new(),
    }
}

/// The device code flow came with v1.0, as did `pkceRequired`.
fn flows(flows: &OAuthFlows) -> Value {
    let mut value = serde_json::to_value(flows).unwrap_or_default();
    if let Some(flows) = value.as_object_mut() {
        flows.remove("deviceCode");
        for (_, flow) in flows.iter_mut() {
            if let Some(flow) = flow.as_object_mut() {
                flow.remove("pkceRequired");
            }
        }
    }
    value
}

/// What v0.1 calls schemes: `Bearer`, `Basic`, `ApiKey`, …, in order and each once.
pub(super) fn scheme_names(schemes: Option<&HashMap<String, SecurityScheme>>) -> Vec<String> {
    let name = |scheme: &SecurityScheme| match scheme {
        SecurityScheme::HttpAuth(http) => capitalised(&http.scheme),
        SecurityScheme::ApiKey(_) => "ApiKey".to_owned(),
        SecurityScheme::OAuth2(_) | SecurityScheme::OpenIdConnect(_) => "Bearer".to_owned(),
        SecurityScheme::MutualTls(_) => "MutualTLS".to_owned(),
    };
    let mut names: Vec<String> = schemes.into_iter().flat_map(HashMap::values).map(name).collect();
    names.sort_by_key(|name| (name != "Bearer", name.clone()));
    names.dedup();
    names
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()).unwrap_or_default()
}
