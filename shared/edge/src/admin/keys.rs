//! API keys: made, listed, rotated and revoked over HTTP as on the command line.

use chrono::{DateTime, SecondsFormat, Utc};
use engine::{
    Role,
    ports::{ApiKey, AuditKind, AuditOutcome},
};
use guard::{DEFAULT_KEY_DAYS, IssuedKey, KeyError, KeyRing, NewKey};
use http::StatusCode;
use protocol::A2aError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::RETRY_AFTER_SECONDS;
use crate::{App, AuditEvent, Response, asked, exchange::Exchange, respond, rest};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    name: String,
    #[serde(default = "authenticated")]
    role: Role,
    #[serde(default = "days")]
    expires_days: u32,
    #[serde(default)]
    rate_limit_per_minute: Option<u32>,
}

fn authenticated() -> Role {
    Role::Authenticated
}

fn days() -> u32 {
    DEFAULT_KEY_DAYS
}

/// Every key, with nothing that would let anyone in.
pub(super) async fn list(app: &App, exchange: &Exchange<'_>) -> Result<Response, A2aError> {
    let keys = ring(app)?.list().await.map_err(|error| refused(exchange, error))?;
    Ok(respond::json(json!({"keys": keys.iter().map(shown).collect::<Vec<_>>()}).to_string()))
}

/// A new key, the only time that it is shown.
pub(super) async fn create(app: &App, exchange: &Exchange<'_>, body: &[u8]) -> Result<Response, A2aError> {
    asked::check_content_type(exchange.headers)?;
    let asked: Asked = serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => A2aError::InvalidRequest { reason: error.to_string() },
        _ => A2aError::ParseError { reason: error.to_string() },
    })?;
    let new = NewKey { name: asked.name, role: asked.role, days: asked.expires_days, rate_limit_per_minute: asked.rate_limit_per_minute };
    let issued = ring(app)?.create(new, app.ports.clock.now()).await.map_err(|error| refused(exchange, error))?;
    audit(app, exchange, AuditKind::KeyCreated, &issued.key.id);
    let mut response = once(&issued);
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// The same key with another secret, the only time that it is shown.
pub(super) async fn rotate(app: &App, exchange: &Exchange<'_>, named: &str) -> Result<Response, A2aError> {
    let rotated = ring(app)?.rotate(named, app.ports.clock.now()).await.map_err(|error| refused(exchange, error))?;
    audit(app, exchange, AuditKind::KeyRotated, &rotated.key.id);
    Ok(once(&rotated))
}

/// Nothing more is to be said of it.
pub(super) async fn revoke(app: &App, exchange: &Exchange<'_>, named: &str) -> Result<Response, A2aError> {
    let revoked = ring(app)?.revoke(named, app.ports.clock.now()).await.map_err(|error| refused(exchange, error))?;
    audit(app, exchange, AuditKind::KeyRevoked, &revoked.id);
    Ok(respond::no_content())
}

fn audit(app: &App, exchange: &Exchange<'_>, kind: AuditKind, id: &str) {
    let event = exchange.event(kind, AuditOutcome::Done, "over HTTP");
    app.audit.record(AuditEvent { object: Some(id.to_owned()), ..event });
}

fn ring(app: &App) -> Result<&KeyRing, A2aError> {
    app.guard.keys().ok_or(A2aError::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS })
}

fn once(issued: &IssuedKey) -> Response {
    let mut value = shown(&issued.key);
    value["key"] = issued.secret.as_str().into();
    respond::json(value.to_string())
}

fn shown(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "createdAt": timestamp(key.created_at),
        "expiresAt": timestamp(key.expires_at),
        "revokedAt": key.revoked_at.map(timestamp),
        "rateLimitPerMinute": key.rate_limit_per_minute,
    })
}

fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn refused(exchange: &Exchange<'_>, error: KeyError) -> A2aError {
    match error {
        KeyError::Invalid { field, description } => A2aError::invalid(field, description),
        KeyError::NotFound(_) => rest::not_found(exchange),
        KeyError::Ambiguous(_) | KeyError::Changed => A2aError::InvalidRequest { reason: error.to_string() },
        KeyError::NotMade => A2aError::Internal,
        KeyError::Store(error) => {
            tracing::error!(%error, "the API keys can't be had");
            A2aError::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS }
        }
    }
}
