//! What requests are searched for before anything is done: as the settings say, a finding is recorded or refused.

use engine::ports::{AuditKind, AuditLevel, AuditOutcome};
use guard::threats::{Context, Finding, Policy, in_call, in_field};
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use metrics::counter;
use protocol::{A2aError, Call, Dialect, json_rpc::RpcId};
use telemetry::metric;

use crate::{App, AuditEvent, exchange::Exchange};

/// From these scores on a threat matters so much.
const HIGH: u8 = 20;
const MEDIUM: u8 = 10;

/// The path, the query, the headers; of these not the credentials, which are checked for what they are.
pub(crate) fn in_head(app: &App, exchange: &Exchange<'_>) -> Result<(), A2aError> {
    judge(app, exchange, exchange.place.name(), || head(app, exchange))
}

/// The head, and what is around the parameters of a JSON-RPC request.
pub(crate) fn in_request(app: &App, exchange: &Exchange<'_>, id: Option<&RpcId>, method: &str) -> Result<(), A2aError> {
    judge(app, exchange, exchange.place.name(), || {
        let id = match id {
            Some(RpcId::String(id)) => in_field("id", id, Context::Name),
            _ => None,
        };
        id.or_else(|| in_field("method", method, Context::Name)).or_else(|| head(app, exchange))
    })
}

/// The parameters.
pub(crate) fn in_parameters(app: &App, exchange: &Exchange<'_>, dialect: Dialect, call: &Call) -> Result<(), A2aError> {
    judge(app, exchange, call.method().name(), || in_call(call, dialect))
}

fn head(app: &App, exchange: &Exchange<'_>) -> Option<Finding> {
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        if [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION].contains(name) || name == "x-api-key" {
            return None;
        }
        if name == "x-amzn-trace-id" && value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"=;:-".contains(byte)) {
            // AWS's own, in each event: its words `Root` and `Parent` would have rules compiled before a function's first answer.
            return None;
        }
        let threat = app.clean_headers.inspect(value.as_bytes())?;
        Some(Finding { field: name.as_str().to_owned(), threat })
    };
    in_field("path", exchange.full_path, Context::Name)
        .or_else(|| exchange.query.iter().find_map(|(name, _)| in_field("query", name, Context::Name)))
        .or_else(|| exchange.query.iter().find_map(|(name, value)| in_field(name, value, Context::Name)))
        .or_else(|| exchange.headers.iter().find_map(header))
}

fn judge(app: &App, exchange: &Exchange<'_>, method: &'static str, search: impl FnOnce() -> Option<Finding>) -> Result<(), A2aError> {
    let policy = app.settings.threats;
    if policy == Policy::Off {
        return Ok(());
    }
    let Some(Finding { field, threat }) = search() else { return Ok(()) };
    let (kind, action) = (threat.kind, policy.as_str());
    counter!(metric::THREATS, "type" => kind.label(), "action" => action).increment(1);
    tracing::warn!(
        target: "a2a::threat",
        request_id = exchange.request_id.unwrap_or_default(),
        caller = exchange.caller.owner,
        field,
        kind = kind.as_str(),
        score = threat.score,
        reasons = threat.reasons.join(", "),
        action,
    );
    // Not the field, whose name may be the client's.
    let outcome = if policy == Policy::Block { AuditOutcome::Refused } else { AuditOutcome::Allowed };
    let level = match threat.score {
        HIGH.. => AuditLevel::High,
        MEDIUM.. => AuditLevel::Medium,
        _ => AuditLevel::Low,
    };
    app.audit.record(AuditEvent { method, level, ..exchange.event(AuditKind::Threat, outcome, kind.as_str()) });
    if policy == Policy::Report {
        return Ok(());
    }
    let reason = threat.reasons.first().copied().unwrap_or_default();
    Err(A2aError::invalid(field, format!("looks like {} ({reason}), which is refused here", kind.as_str())))
}
