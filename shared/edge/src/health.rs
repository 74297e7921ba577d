//! Whether the process lives, can serve, and how its parts are.

use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use engine::ports::QueueName;
use http::StatusCode;
use metrics::gauge;
use serde_json::{Value, json};
use telemetry::metric;

use crate::{App, Response, respond};

/// A store that takes longer is as good as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Liveness, in the form that the first clients read: always 200, because nothing connects otherwise.
pub(crate) async fn live(app: &App) -> Response {
    let active = active_tasks(app).await;
    let now = app.ports.clock.now();
    respond::json(
        json!({
            "status": if active.is_some() { "healthy" } else { "degraded" },
            "timestamp": timestamp(now),
            "agents_registered": app.engine.agents().count(),
            "tasks_active": active.unwrap_or(0),
            "uptime": uptime_seconds(app, now),
            "version": env!("CARGO_PKG_VERSION"),
        })
        .to_string(),
    )
}

/// Readiness: 503 where no request could be served.
pub(crate) async fn ready(app: &App) -> Response {
    let is_ready = answers(app).await.is_ok();
    let mut response = respond::json(json!({"status": if is_ready { "ready" } else { "unavailable" }}).to_string());
    if !is_ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// Each part by itself, for operators.
pub(crate) async fn details(app: &App) -> Response {
    let now = app.ports.clock.now();
    // All at once: each of them may take as long as patience lasts.
    let (database, events, active, run_task, deliver_push) = tokio::join!(
        answers(app),
        tokio::time::timeout(PATIENCE, app.ports.events.ping()),
        active_tasks(app),
        depth(app, QueueName::RunTask),
        depth(app, QueueName::DeliverPush)
    );
    let database = match database {
        Ok(took) => json!({"status": "healthy", "round_trip_ms": took.as_secs_f64() * 1000.0}),
        Err(reason) => json!({"status": "unavailable", "reason": reason}),
    };
    let events = match events {
        Ok(Ok(())) => json!({"status": "healthy"}),
        // Others poll the database meanwhile, so this is no reason to serve nobody.
        Ok(Err(_)) | Err(_) => json!({"status": "unavailable", "reason": "signals stay within the process"}),
    };
    let mut queues = serde_json::Map::new();
    for (queue, depth) in [(QueueName::RunTask, run_task), (QueueName::DeliverPush, deliver_push)] {
        let state = match depth {
            Some(depth) => json!({"status": "healthy", "depth": depth}),
            None => json!({"status": "unavailable"}),
        };
        queues.insert(queue.as_str().to_owned(), state);
    }
    let is_healthy = [&database, &events].iter().all(|part| part["status"] == "healthy") && queues.values().all(|queue| queue["status"] == "healthy");
    let agents: Vec<Value> = app.engine.agents().map(|profile| json!({"id": profile.id, "version": profile.version})).collect();
    respond::json(
        json!({
            "status": if is_healthy { "healthy" } else { "degraded" },
            "timestamp": timestamp(now),
            "uptime": uptime_seconds(app, now),
            "version": env!("CARGO_PKG_VERSION"),
            "checks": {"database": database, "events": events, "queues": queues, "tasks": {"active": active}, "agents": agents},
        })
        .to_string(),
    )
}

/// Brings the gauges of what is in the store up to date: called before someone reads them.
pub async fn measure(app: &App) {
    tokio::join!(active_tasks(app), depth(app, QueueName::RunTask), depth(app, QueueName::DeliverPush));
}

/// How long a round trip to the store takes, or why there is none.
pub(crate) async fn answers(app: &App) -> Result<Duration, String> {
    let asked = Instant::now();
    match tokio::time::timeout(PATIENCE, app.ports.tasks.ping()).await {
        Ok(Ok(())) => Ok(asked.elapsed()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// Pieces of work that wait or run; `None` where the queue doesn't answer.
pub(crate) async fn depth(app: &App, queue: QueueName) -> Option<u64> {
    let depth = tokio::time::timeout(PATIENCE, app.ports.queue.depth(queue)).await.ok()?.ok()?;
    gauge!(metric::QUEUE_DEPTH, "queue" => queue.as_str()).set(depth as f64);
    Some(depth)
}

async fn active_tasks(app: &App) -> Option<u64> {
    let active = tokio::time::timeout(PATIENCE, app.ports.tasks.active_tasks()).await.ok()?.ok()?;
    gauge!(metric::ACTIVE_TASKS).set(active as f64);
    Some(active)
}

fn uptime_seconds(app: &App, now: DateTime<Utc>) -> f64 {
    (now - app.started).num_milliseconds() as f64 / 1000.0
}

/// Milliseconds, because older readers stumble over more digits.
fn timestamp(now: DateTime<Utc>) -> String {
    now.to_rfc3339_opts(SecondsFormat::Millis, true)
}
