//! Who isn't heard: addresses that are blocked, and credentials that were one too many.

use chrono::{DateTime, Utc};
use engine::ports::{AuditKind, AuditOutcome};
use guard::{Address, Failed};
use metrics::counter;
use protocol::A2aError;
use telemetry::metric;

use crate::{App, exchange::Exchange, path::Place};

/// Whether the request is one that is answered whoever sends it: whoever watches a server needs to know most of all when it has much to do. Not
/// where it shows credentials, because the answer would tell whether they hold.
pub(crate) fn is_exempt(exchange: &Exchange<'_>) -> bool {
    matches!(exchange.place, Place::Health | Place::Ready) && !guard::shows_credentials(exchange.headers)
}

/// Refuses who is known to be blocked.
pub(crate) async fn check(app: &App, exchange: &Exchange<'_>) -> Result<(), A2aError> {
    let until = app.blocks.known(|| address(exchange), guard::shows_credentials(exchange.headers), exchange.came_at).await;
    refuse(exchange, until, exchange.came_at)
}

/// Refuses who is blocked as all processes know who share that. Nobody waits for it who neither guesses nor waits for their quota anyway.
pub(crate) async fn check_shared(app: &App, exchange: &Exchange<'_>) -> Result<(), A2aError> {
    if !guard::shows_credentials(exchange.headers) && !app.limits.count_everybody() {
        return Ok(());
    }
    let now = app.ports.clock.now();
    refuse(exchange, app.blocks.shared(address(exchange), now).await, now)
}

/// Notes that credentials don't hold, unless they once did: who has an old key isn't guessing.
pub(crate) async fn note_failure(app: &App, exchange: &Exchange<'_>) -> Result<(), A2aError> {
    let now = app.ports.clock.now();
    if app.guard.knew(exchange.headers, now).await {
        return Ok(());
    }
    match app.blocks.failed(address(exchange), now).await {
        Ok(Failed::Counted) => Ok(()),
        Ok(Failed::Blocked) => {
            counter!(metric::BLOCKS).increment(1);
            app.audit.record(exchange.event(AuditKind::Block, AuditOutcome::Done, "too many wrong credentials"));
            Ok(())
        }
        Ok(Failed::WasBlocked(until)) => refuse(exchange, Some(until), now),
        Err(error) => {
            tracing::warn!(%error, "wrong credentials can't be noted");
            Ok(())
        }
    }
}

pub(crate) fn address(exchange: &Exchange<'_>) -> Address {
    Address::of_source(exchange.address)
}

fn refuse(exchange: &Exchange<'_>, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), A2aError> {
    let Some(until) = until.filter(|_| !is_exempt(exchange)) else { return Ok(()) };
    counter!(metric::BLOCKED).increment(1);
    let left = u64::try_from((until - now).num_milliseconds()).unwrap_or(0);
    Err(A2aError::AddressBlocked { retry_after_seconds: left.div_ceil(1000).max(1) })
}
