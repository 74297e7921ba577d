//! Whether the process lives, can serve, and how its parts are.

mod checks;
mod report;

use chrono::{DateTime, SecondsFormat, Utc};
use engine::ports::QueueName;
use http::StatusCode;
use metrics::gauge;
use serde_json::json;
use telemetry::metric;

use crate::{App, Response, respond};
pub(crate) use checks::answers;
pub(crate) use report::LatestReport;
use report::{Report, Status};

/// Liveness, in the form that the first clients read: always 200, because nothing connects otherwise.
pub(crate) async fn live(app: &App) -> Response {
    let report = app.health.of(app).await;
    let now = app.ports.clock.now();
    respond::json(
        json!({
            "status": report.status.as_str(),
            "timestamp": timestamp(now),
            "agents_registered": app.engine.agents().count(),
            "tasks_active": report.active_tasks.unwrap_or(0),
            "uptime": uptime_seconds(app, now),
            "version": env!("CARGO_PKG_VERSION"),
        })
        .to_string(),
    )
}

/// Readiness: 503 where no request could be served.
pub(crate) async fn ready(app: &App) -> Response {
    let report = app.health.of(app).await;
    let is_ready = report.status != Status::Unhealthy;
    let mut response = respond::json(json!({"status": if is_ready { "ready" } else { "unavailable" }}).to_string());
    if !is_ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// Each part by itself, for operators.
pub(crate) async fn details(app: &App) -> Response {
    let report = app.health.of(app).await;
    let now = app.ports.clock.now();
    let checks: serde_json::Map<_, _> = report.checks.iter().map(|(name, check)| ((*name).to_owned(), check.to_json())).collect();
    respond::json(
        json!({
            "status": report.status.as_str(),
            "timestamp": timestamp(now),
            "checked_at": timestamp(report.checked_at),
            "uptime": uptime_seconds(app, now),
            "version": env!("CARGO_PKG_VERSION"),
            "agents": app.engine.agents().map(|profile| json!({"id": profile.id, "version": profile.version})).collect::<Vec<_>>(),
            "checks": checks,
        })
        .to_string(),
    )
}

/// Brings the gauges of what is in the store, and of how everything is, up to date: called before someone reads them.
pub async fn measure(app: &App) {
    app.health.of(app).await;
}

/// Pieces of work that wait or run; `None` where the queue doesn't answer.
pub(crate) async fn depth(app: &App, queue: QueueName) -> Option<u64> {
    checks::in_time(app.ports.queue.depth(queue)).await.ok()
}

/// Shows a report's numbers to who reads metrics.
fn show(report: &Report) {
    gauge!(metric::SYSTEM_HEALTH).set(match report.status {
        Status::Healthy => 1.0,
        Status::Degraded => 0.5,
        Status::Unhealthy => 0.0,
    });
    if let Some(active) = report.active_tasks {
        gauge!(metric::ACTIVE_TASKS).set(active as f64);
    }
    for (queue, depth) in &report.depths {
        gauge!(metric::QUEUE_DEPTH, "queue" => queue.as_str()).set(*depth as f64);
    }
    telemetry::availability::show();
}

fn uptime_seconds(app: &App, now: DateTime<Utc>) -> f64 {
    (now - app.started).num_milliseconds() as f64 / 1000.0
}

/// Milliseconds, because older readers stumble over more digits.
fn timestamp(now: DateTime<Utc>) -> String {
    now.to_rfc3339_opts(SecondsFormat::Millis, true)
}
