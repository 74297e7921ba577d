//! What operators look at and change.

mod audit;
mod blocks;
mod keys;

use engine::ports::{AuditKind, AuditOutcome, QueueName};
use http::Method;
use serde_json::{Value, json};

use crate::{App, Response, exchange::Exchange, health, observe::Seen, respond, rest};

/// When a database that is away is worth another try.
const RETRY_AFTER_SECONDS: u64 = 5;

/// The HTTP methods that a path below `/admin` takes.
pub(crate) fn allowed(path: &str) -> Vec<Method> {
    match path.split('/').skip(1).collect::<Vec<_>>().as_slice() {
        ["keys"] => vec![Method::GET, Method::POST],
        ["keys", named] if named.ends_with(":rotate") => vec![Method::POST],
        ["keys", _] => vec![Method::DELETE],
        ["blocks"] => vec![Method::GET, Method::POST],
        ["blocks", _] | ["blocks", _, "64"] => vec![Method::DELETE],
        _ => vec![Method::GET],
    }
}

/// A path below `/admin`, with a method that it takes.
pub(crate) async fn answer(app: &App, exchange: &Exchange<'_>, path: &str, body: &[u8], seen: &mut Seen) -> Response {
    let answered = match path.split('/').skip(1).collect::<Vec<_>>().as_slice() {
        ["queues"] => Ok(queues(app).await),
        ["audit"] => audit::list(app, exchange).await,
        ["threats"] => audit::threats(app, exchange).await,
        ["keys"] if exchange.http_method == Method::POST => keys::create(app, exchange, body).await,
        ["keys"] => keys::list(app, exchange).await,
        ["keys", named] => match named.strip_suffix(":rotate") {
            Some(named) => keys::rotate(app, exchange, named).await,
            None => keys::revoke(app, exchange, named).await,
        },
        ["blocks"] if exchange.http_method == Method::POST => blocks::block(app, exchange, body).await,
        ["blocks"] => blocks::list(app).await,
        ["blocks", address] | ["blocks", address, "64"] => blocks::lift(app, exchange, address).await,
        _ => Err(rest::not_found(exchange)),
    };
    if answered.is_ok() && matches!(*exchange.http_method, Method::GET | Method::HEAD) {
        app.audit.record(exchange.event(AuditKind::AdminRead, AuditOutcome::Allowed, read(path)));
    }
    answered.unwrap_or_else(|error| {
        seen.failed(&error);
        respond::plain_error(exchange, &error)
    })
}

/// What is read there, in a fixed word.
fn read(path: &str) -> &'static str {
    let first = path.split('/').nth(1).unwrap_or_default();
    ["queues", "keys", "blocks", "audit", "threats"].into_iter().find(|known| *known == first).unwrap_or("other")
}

/// Each queue and how much waits in it; `null` where it doesn't answer.
async fn queues(app: &App) -> Response {
    let mut queues: Vec<Value> = Vec::new();
    for queue in [QueueName::RunTask, QueueName::DeliverPush] {
        queues.push(json!({"queue": queue.as_str(), "depth": health::depth(app, queue).await}));
    }
    respond::json(json!({"queues": queues}).to_string())
}
