//! The list of agents, in the form that the first clients read.

use serde_json::{Value, json};

use crate::{App, Response, exchange::Exchange, health, respond};

/// All agents; none of them can be had while the store doesn't answer.
pub(crate) async fn list(app: &App, exchange: &Exchange<'_>) -> Response {
    let status = if health::answers(app).await.is_ok() { "AgentStatus.IDLE" } else { "AgentStatus.OFFLINE" };
    let base_url = exchange.base_url(app);
    let agents: Vec<Value> = app
        .engine
        .agents()
        .map(|profile| {
            json!({
                "agent_id": profile.id,
                "name": profile.name,
                "type": protocol::agent_type(&profile.id),
                "url": format!("{base_url}/{}", profile.id),
                "status": status,
            })
        })
        .collect();
    respond::json(Value::from(agents).to_string())
}
