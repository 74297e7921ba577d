//! What HTTP and JSON cost on this machine: axum, one object in, one object of a task's size out, nothing else.

use axum::{
    Json, Router,
    routing::{get, post},
};
use serde_json::{Value, json};

/// Answers everything at once.
pub fn router() -> Router {
    Router::new().route("/", post(answer)).route("/.well-known/agent-card.json", get(card))
}

async fn answer(Json(request): Json<Value>) -> Json<Value> {
    let text = request.pointer("/params/message/parts").cloned().unwrap_or_default();
    Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": {"task": {"id": "task", "contextId": "context",
        "status": {"state": "TASK_STATE_COMPLETED", "timestamp": "2026-01-01T00:00:00.000Z"}, "artifacts": [{"artifactId": "echo", "parts": text}]}}}))
}

async fn card() -> Json<Value> {
    Json(json!({"name": "limit", "description": "Answers at once.", "version": "1", "skills": [], "capabilities": {}}))
}
