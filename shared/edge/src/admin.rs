//! What operators look at.

use engine::ports::QueueName;
use serde_json::{Value, json};

use crate::{App, Response, exchange::Exchange, health, respond, rest};

/// A path below `/admin`.
pub(crate) async fn answer(app: &App, exchange: &Exchange<'_>, path: &str) -> Response {
    match path {
        "/queues" => queues(app).await,
        _ => respond::plain_error(exchange, &rest::not_found(exchange)),
    }
}

/// Each queue and how much waits in it; `null` where it doesn't answer.
async fn queues(app: &App) -> Response {
    let mut queues: Vec<Value> = Vec::new();
    for queue in [QueueName::RunTask, QueueName::DeliverPush] {
        queues.push(json!({"queue": queue.as_str(), "depth": health::depth(app, queue).await}));
    }
    respond::json(json!({"queues": queues}).to_string())
}
