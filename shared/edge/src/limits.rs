//! How often who may ask: requests are counted, refused, and told what is left.

use bytes::Bytes;
use engine::ports::{AuditKind, AuditLevel, AuditOutcome};
use guard::{Client, Rate, Standing, Taken, Turn};
use http::{HeaderName, HeaderValue, header::InvalidHeaderValue};
use metrics::counter;
use protocol::{A2aError, Method};
use telemetry::metric;

use crate::{
    App, AuditEvent, Response,
    blocks::{self, address},
    exchange::Exchange,
};

/// The headers of an Internet draft (draft-ietf-httpapi-ratelimit-headers, from its eighth version on).
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Counts this request to who it is from. Whether others know that its address is blocked is asked at the same time.
pub(crate) async fn count(app: &App, exchange: &mut Exchange<'_>) -> Result<(), A2aError> {
    if blocks::is_exempt(exchange) {
        return Ok(());
    }
    let now = exchange.came_at;
    let (taken, heard) = futures::join!(app.limits.take(client(exchange), 1, now), blocks::check_shared(app, exchange));
    heard?;
    exchange.standing = taken.standing;
    judge(app, exchange, taken)
}

/// Counts the members of a batch, but the first, which was counted as the request.
pub(crate) async fn count_members(app: &App, exchange: &Exchange<'_>, members: usize) -> Result<(), A2aError> {
    match u32::try_from(members.saturating_sub(1)).unwrap_or(u32::MAX) {
        0 => Ok(()),
        more => judge(app, exchange, app.limits.take(client(exchange), more, app.ports.clock.now()).await),
    }
}

/// Counts a call to its method.
pub(crate) async fn count_call(app: &App, exchange: &Exchange<'_>, method: Method) -> Result<(), A2aError> {
    judge(app, exchange, app.limits.take_for(method, client(exchange), exchange.came_at).await)
}

/// Tells the client what it may and what is left of that.
pub(crate) fn tell(response: &mut Response, standing: Option<(&'static str, Standing)>) {
    let Some((quota, standing)) = standing else { return };
    let Rate { per_minute, burst } = standing.rate;
    // When to ask again, for who is refused; else when all is there again.
    let (left, after) = match standing.has_passed() {
        true => (standing.remaining(), standing.full_after_seconds()),
        false => (0, standing.retry_after_seconds()),
    };
    let headers = [
        (RATE_LIMIT, item(quota, &[("r", left), ("t", after)])),
        (RATE_LIMIT_POLICY, item(quota, &[("q", per_minute.into()), ("w", 60), ("burst", burst.into())])),
    ];
    for (name, value) in headers {
        if let Ok(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
}

/// A quota's name and numbers that belong to it, as an item of a structured field (RFC 9651). Each answer has two of them, which formatting machinery
/// would make dearer than the counting.
fn item(quota: &str, parameters: &[(&str, u64)]) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut text = Vec::with_capacity(64);
    for piece in ["\"", quota, "\""] {
        text.extend_from_slice(piece.as_bytes());
    }
    for (name, number) in parameters {
        for piece in [";", name, "=", itoa::Buffer::new().format(*number)] {
            text.extend_from_slice(piece.as_bytes());
        }
    }
    HeaderValue::from_maybe_shared(Bytes::from(text))
}

fn client<'a>(exchange: &'a Exchange<'_>) -> Client<'a> {
    match exchange.caller.is_authenticated() {
        true => Client::Identity { owner: &exchange.caller.owner, own_limit: exchange.own_limit },
        false => Client::Address(address(exchange)),
    }
}

fn judge(app: &App, exchange: &Exchange<'_>, taken: Taken) -> Result<(), A2aError> {
    match taken.turn {
        None => {}
        Some(Turn::Away) => {
            let event = AuditEvent::new(AuditKind::Limit, AuditOutcome::Done, "the shared limits are away: each process counts for itself");
            app.audit.record(AuditEvent { level: AuditLevel::Medium, ..event });
        }
        Some(Turn::Back) => app.audit.record(AuditEvent::new(AuditKind::Limit, AuditOutcome::Done, "the shared limits are back")),
    }
    let Some((quota, standing)) = taken.standing.filter(|(_, standing)| !standing.has_passed()) else { return Ok(()) };
    counter!(metric::LIMITED, "by" => quota).increment(1);
    if app.limits.is_worth_telling(client(exchange), app.ports.clock.now()) {
        app.audit.record(exchange.event(AuditKind::Limit, AuditOutcome::Refused, quota));
    }
    Err(A2aError::RateLimited { retry_after_seconds: standing.retry_after_seconds() })
}
