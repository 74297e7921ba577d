//! Blocked addresses: listed, lifted, and blocked by hand.

use chrono::SecondsFormat;
use engine::ports::{AuditKind, AuditOutcome, Offender, StoreError};
use guard::{Address, MAX_BLOCK_MINUTES};
use http::StatusCode;
use protocol::A2aError;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{App, AuditEvent, Response, asked, exchange::Exchange, respond, rest};

/// When a database that is away is worth another try.
const RETRY_AFTER_SECONDS: u64 = 5;
/// Where nobody says another time.
const BLOCK_MINUTES: u32 = 60;
const MAX_REASON_CHARACTERS: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    address: String,
    #[serde(default = "minutes")]
    minutes: u32,
    #[serde(default)]
    reason: Option<String>,
}

fn minutes() -> u32 {
    BLOCK_MINUTES
}

/// Every address that is blocked now, the latest first.
pub(super) async fn list(app: &App) -> Result<Response, A2aError> {
    let blocked = app.blocks.list(app.ports.clock.now()).await.map_err(away)?;
    Ok(respond::json(json!({"blocks": blocked.iter().map(shown).collect::<Vec<_>>()}).to_string()))
}

/// Blocks an address by hand.
pub(super) async fn block(app: &App, exchange: &Exchange<'_>, body: &[u8]) -> Result<Response, A2aError> {
    asked::check_content_type(exchange.headers)?;
    let asked: Asked = serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => A2aError::InvalidRequest { reason: error.to_string() },
        _ => A2aError::ParseError { reason: error.to_string() },
    })?;
    let address: Address = asked.address.parse().map_err(|error: guard::NoAddress| A2aError::invalid("address", error.to_string()))?;
    if !(1..=MAX_BLOCK_MINUTES).contains(&asked.minutes) {
        return Err(A2aError::invalid("minutes", format!("must be from 1 to {MAX_BLOCK_MINUTES}")));
    }
    let reason = asked.reason.as_deref().map_or("an admin's decision", str::trim);
    if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARACTERS || reason.contains(char::is_control) {
        let description = format!("must have 1 to {MAX_REASON_CHARACTERS} characters, none of them a control character");
        return Err(A2aError::invalid("reason", description));
    }
    let blocked = app.blocks.block(address, asked.minutes, reason, app.ports.clock.now()).await.map_err(away)?;
    audit(app, exchange, AuditKind::Block, address, "blocked by hand");
    let mut response = respond::json(shown(&blocked).to_string());
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// Nothing more is to be said of it.
pub(super) async fn lift(app: &App, exchange: &Exchange<'_>, named: &str) -> Result<Response, A2aError> {
    // Paths come as they were sent.
    let named = named.replace("%3A", ":").replace("%3a", ":").replace("%2F", "/").replace("%2f", "/");
    let address: Address = named.parse().map_err(|_| rest::not_found(exchange))?;
    if !app.blocks.lift(address, app.ports.clock.now()).await.map_err(away)? {
        return Err(rest::not_found(exchange));
    }
    audit(app, exchange, AuditKind::Unblock, address, "lifted");
    Ok(respond::no_content())
}

fn audit(app: &App, exchange: &Exchange<'_>, kind: AuditKind, address: Address, detail: &'static str) {
    app.audit.record(AuditEvent { object: Some(address.to_string()), ..exchange.event(kind, AuditOutcome::Done, detail) });
}

fn shown(offender: &Offender) -> Value {
    let time = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let block = offender.block.as_ref();
    json!({
        "address": offender.address,
        "reason": block.map(|block| &block.reason),
        "since": block.map(|block| time(block.since)),
        "until": block.map(|block| time(block.until)),
        "failures": block.map(|block| block.failures),
        "blocks": offender.blocks,
    })
}

fn away(error: StoreError) -> A2aError {
    tracing::error!(%error, "the blocked addresses can't be had");
    A2aError::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS }
}
