//! Makes the v1.0 card, which all other forms are made of, from the profiles of one agent or of all.

use std::collections::HashMap;

use engine::ports::AgentProfile;
use guard::{Authentication, Guard};
use protocol::types::{
    AgentCapabilities, AgentCard, AgentExtension, AgentInterface, AgentProvider, ApiKeySecurityScheme, HttpAuthSecurityScheme, SecurityRequirement,
    SecurityScheme,
};

/// The scheme's name in the card.
const BEARER: &str = "bearer";

/// What a client can show to be let in; only what is on.
pub(super) struct Credentials {
    schemes: HashMap<String, SecurityScheme>,
    requirements: Vec<SecurityRequirement>,
}

impl Credentials {
    /// Whether there are API keys may change; everything else stays.
    pub(super) fn of(guard: &Guard, takes_api_keys: bool) -> Self {
        let mut schemes = HashMap::new();
        if guard.takes_tokens() {
            schemes.insert(BEARER.to_owned(), bearer());
        }
        if takes_api_keys {
            let scheme = ApiKeySecurityScheme {
                location: "header".into(),
                name: "X-API-Key".into(),
                description: Some("An API key, also taken as a Bearer".into()),
            };
            schemes.insert("apiKey".to_owned(), SecurityScheme::ApiKey(scheme));
        }
        // Any one of them will do. Where none is needed, none is demanded.
        let mut names: Vec<&String> = schemes.keys().collect();
        names.sort_unstable();
        let requirements = match guard.authentication() {
            Authentication::Required => names.into_iter().map(|name| HashMap::from([(name.clone(), Vec::new())])).collect(),
            Authentication::Optional => Vec::new(),
        };
        Credentials { schemes, requirements }
    }
}

/// Declares that a Bearer can be shown, whether anyone has one or not.
pub(super) fn add_bearer(card: &mut AgentCard) {
    card.security_schemes.get_or_insert_default().entry(BEARER.to_owned()).or_insert_with(bearer);
}

fn bearer() -> SecurityScheme {
    SecurityScheme::HttpAuth(HttpAuthSecurityScheme {
        scheme: "Bearer".into(),
        bearer_format: Some("JWT".into()),
        description: Some("An access token of this server, or of its identity provider".into()),
    })
}

/// The card of these agents at `base_url`, below it at the tenant's path if it is one agent's.
pub(super) fn card(profiles: &[AgentProfile], is_tenant: bool, base_url: &str, credentials: &Credentials) -> AgentCard {
    let rest = match profiles {
        [profile] if is_tenant => format!("{base_url}/{}", profile.id),
        _ => base_url.to_owned(),
    };
    // With a slash: no URL of a v0.3 card may stand for two transports (its section 5.6.4).
    let json_rpc = format!("{rest}/");
    AgentCard {
        name: joined(profiles.iter().map(|profile| profile.name.as_str()), " and "),
        description: joined(profiles.iter().map(|profile| profile.description.as_str()), " "),
        version: match profiles {
            [profile] => profile.version.clone(),
            _ => env!("CARGO_PKG_VERSION").to_owned(),
        },
        supported_interfaces: ["1.0", "0.3"]
            .into_iter()
            .flat_map(|version| [interface(&json_rpc, "JSONRPC", version), interface(&rest, "HTTP+JSON", version)])
            .collect(),
        capabilities: AgentCapabilities {
            streaming: Some(profiles.iter().any(|profile| profile.streaming)),
            push_notifications: Some(profiles.iter().any(|profile| profile.push_notifications)),
            extensions: Some(extensions(profiles)).filter(|extensions| !extensions.is_empty()),
            extended_agent_card: Some(profiles.iter().any(|profile| profile.extended_agent_card)),
        },
        default_input_modes: union(profiles.iter().map(|profile| &profile.input_modes)),
        default_output_modes: union(profiles.iter().map(|profile| &profile.output_modes)),
        skills: profiles.iter().flat_map(|profile| profile.skills.iter().cloned()).collect(),
        provider: Some(AgentProvider { organization: "a2a-lambda".into(), url: base_url.to_owned() }),
        documentation_url: None,
        icon_url: None,
        security_schemes: Some(credentials.schemes.clone()).filter(|schemes| !schemes.is_empty()),
        security_requirements: Some(credentials.requirements.clone()).filter(|requirements| !requirements.is_empty()),
        signatures: None,
    }
}

fn interface(url: &str, binding: &str, version: &str) -> AgentInterface {
    AgentInterface { url: url.to_owned(), protocol_binding: binding.to_owned(), protocol_version: version.to_owned(), tenant: None }
}

/// Each extension once. Together, the agents require one only if each of them does.
fn extensions(profiles: &[AgentProfile]) -> Vec<AgentExtension> {
    let mut together: Vec<AgentExtension> = Vec::new();
    for extension in profiles.iter().flat_map(|profile| &profile.extensions) {
        if together.iter().any(|known| known.uri == extension.uri) {
            continue;
        }
        let is_required = |profile: &AgentProfile| profile.extensions.iter().any(|one| one.uri == extension.uri && one.required == Some(true));
        together.push(AgentExtension { required: extension.required.map(|_| profiles.iter().all(is_required)), ..extension.clone() });
    }
    together
}

fn union<'a>(lists: impl Iterator<Item = &'a Vec<String>>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for item in lists.flatten() {
        if !all.contains(item) {
            all.push(item.clone());
        }
    }
    all
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>, by: &str) -> String {
    texts.collect::<Vec<_>>().join(by)
}
