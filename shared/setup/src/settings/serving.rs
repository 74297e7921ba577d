//! What is served, and how it looks from outside.

use std::time::Duration;

use edge::DefaultCard;

use super::vars::{SettingError, Vars, wrong};

/// What is served, and how it looks from outside.
#[derive(Debug, Clone)]
pub struct ServingSettings {
    /// `A2A_AGENTS`: the agents to serve, comma separated; the first is the default one. Default `research,analysis`;
    /// `conformance`, `echo` and `steps` are for tests.
    pub agents: Vec<String>,
    /// `A2A_CONFORMANCE_MINIMAL`: `1` makes the conformance agent declare no optional capability. Default off.
    pub conformance_minimal: bool,
    /// `A2A_CARD`: the card for a client that names no version: `hybrid`, `v1.0`, `v0.3`. Default `hybrid`.
    pub default_card: DefaultCard,
    /// `A2A_PUBLIC_URL`: the base URL written into the agent cards. Default each request's own origin.
    pub public_url: Option<String>,
    /// `A2A_BASE_PATH`: a prefix such as `/a2a` under which everything answers as well. Default none.
    pub base_path: Option<String>,
    /// `A2A_CORS_ORIGINS`: origins such as `https://example.com` whose pages may read answers, comma separated. Default none.
    pub cors_origins: Vec<String>,
    /// `A2A_REQUIRE_HTTPS`: `1` refuses requests that didn't come by HTTPS, but for those of this machine. Default off.
    pub require_https: bool,
    /// `A2A_REQUEST_TIMEOUT_SECONDS`: how long a blocking call may take, 1 to 900. Default 60.
    pub request_timeout: Duration,
    /// `A2A_OTLP_URL`: a collector of OpenTelemetry that `a2a serve` tells of each request but those that are not sampled, where it is built with the feature `otlp`. Default none.
    pub otlp_url: Option<String>,
    /// `AWS_LAMBDA_FUNCTION_NAME`, which Lambda sets.
    pub surroundings: Surroundings,
    /// The same name; `None` in a server.
    pub function: Option<String>,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, which Lambda sets, in bytes; `None` in a server.
    pub memory_bytes: Option<u64>,
}

/// What kind of process this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surroundings {
    /// One that runs on after a response.
    Server,
    /// One that is frozen after each response.
    Lambda,
}

pub(super) fn read(vars: &Vars) -> Result<ServingSettings, SettingError> {
    let public_url = vars.read("A2A_PUBLIC_URL", "a URL such as `https://example.com` or `https://example.com/a2a`", |url| {
        let url = url.trim_end_matches('/');
        is_base_url(url).then(|| url.to_owned())
    })?;
    let base_path = vars.read("A2A_BASE_PATH", "a path such as `/a2a`", |path| {
        let path = path.trim_end_matches('/');
        let usable = path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_segment));
        usable.then(|| path.to_owned())
    })?;
    Ok(ServingSettings {
        agents: agents(vars)?,
        conformance_minimal: vars.switch("A2A_CONFORMANCE_MINIMAL")?,
        default_card: vars.word(
            "A2A_CARD",
            &[("hybrid", DefaultCard::Hybrid), ("v1.0", DefaultCard::V1_0), ("v0.3", DefaultCard::V0_3)],
            DefaultCard::Hybrid,
        )?,
        public_url,
        base_path,
        cors_origins: cors_origins(vars)?,
        require_https: vars.switch("A2A_REQUIRE_HTTPS")?,
        request_timeout: Duration::from_secs(vars.number("A2A_REQUEST_TIMEOUT_SECONDS", 1..=900, 60)?),
        otlp_url: vars.url("A2A_OTLP_URL", &["http", "https"])?,
        surroundings: vars.get("AWS_LAMBDA_FUNCTION_NAME").map_or(Surroundings::Server, |_| Surroundings::Lambda),
        function: vars.get("AWS_LAMBDA_FUNCTION_NAME").map(str::to_owned),
        memory_bytes: vars.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|megabytes| Some(megabytes.parse::<u64>().ok()? << 20)),
    })
}

fn agents(vars: &Vars) -> Result<Vec<String>, SettingError> {
    let names: Vec<String> = list(vars.get("A2A_AGENTS").unwrap_or("research,analysis")).map(str::to_owned).collect();
    let twice = names.iter().enumerate().any(|(at, name)| names[..at].contains(name));
    if names.is_empty() || twice {
        let holds = format!("`{}`", vars.get("A2A_AGENTS").unwrap_or_default());
        return Err(wrong("A2A_AGENTS", holds, "names of agents, each once, such as `research,analysis`"));
    }
    Ok(names)
}

fn cors_origins(vars: &Vars) -> Result<Vec<String>, SettingError> {
    let origins: Vec<String> = list(vars.get("A2A_CORS_ORIGINS").unwrap_or_default()).map(str::to_owned).collect();
    match origins.iter().find(|origin| !is_origin(origin)) {
        Some(origin) => Err(wrong("A2A_CORS_ORIGINS", format!("`{origin}`"), "exact origins such as `https://example.com`, comma separated")),
        None => Ok(origins),
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn is_base_url(url: &str) -> bool {
    match url.split_once("://").and_then(|(_, rest)| rest.split_once('/')) {
        Some((_, path)) => is_origin(&url[..url.len() - path.len() - 1]) && path.split('/').all(is_segment),
        None => is_origin(url),
    }
}

/// A scheme and an authority without credentials, and nothing after them.
fn is_origin(origin: &str) -> bool {
    let Some(authority) = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")) else { return false };
    !authority.contains('@') && authority.parse::<http::uri::Authority>().is_ok_and(|authority| !authority.host().is_empty())
}

fn is_segment(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}
