//! What HTTP, JSON and Postgres cost on this machine: axum, one row in one commit for a SendMessage, one row read for a GetTask.

use anyhow::Result;
use axum::{Json, Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};

/// As many as this server has by default.
const CONNECTIONS: u32 = 20;

#[derive(Deserialize)]
struct Request {
    id: u64,
    params: Params,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Params {
    Send { message: Message },
    Get { id: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: String,
    parts: Vec<Value>,
}

/// Makes its table in an empty database.
pub async fn router(database: &str) -> Result<Router> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).min_connections(CONNECTIONS).connect(database).await?;
    sqlx::query("CREATE TABLE tasks (id text PRIMARY KEY, task text NOT NULL)").execute(&pool).await?;
    Ok(Router::new().route("/", post(answer)).with_state(pool))
}

async fn answer(State(pool): State<PgPool>, Json(request): Json<Request>) -> Result<impl IntoResponse, String> {
    let result = match request.params {
        Params::Send { message } => send(&pool, message).await,
        Params::Get { id } => sqlx::query_scalar("SELECT task FROM tasks WHERE id = $1").bind(id).fetch_one(&pool).await,
    };
    let result = result.map_err(|error| error.to_string())?;
    Ok(([(CONTENT_TYPE, "application/json")], format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, request.id)))
}

async fn send(pool: &PgPool, message: Message) -> sqlx::Result<String> {
    let id = message.message_id;
    let task = json!({"id": id, "contextId": id, "status": {"state": "TASK_STATE_COMPLETED", "timestamp": "2026-01-01T00:00:00.000Z"},
        "artifacts": [{"artifactId": "echo", "parts": message.parts}], "history": [{"messageId": id, "role": "ROLE_USER", "parts": message.parts}]});
    let task = json!({"task": task}).to_string();
    sqlx::query("INSERT INTO tasks (id, task) VALUES ($1, $2)").bind(&id).bind(&task).execute(pool).await?;
    Ok(task)
}
