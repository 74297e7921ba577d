//! What is beside the protocol: agents and health.

use crate::*;

#[tokio::test]
async fn the_list_of_agents_is_a_bare_array() {
    let server = Server::new().await;
    let agents = server.get(Serves::Agents, "/agents").await.json();
    let echo = &agents.as_array().unwrap()[0];
    assert_eq!(
        (&echo["agent_id"], &echo["type"], &echo["status"], &echo["url"]),
        (&json!("echo"), &json!("AgentType.ECHO"), &json!("AgentStatus.IDLE"), &json!("http://agents.example:8080/echo"))
    );
    assert!(echo["name"].is_string());
}

#[tokio::test]
async fn health_has_the_fields_that_the_first_clients_read() {
    let server = Server::new().await;
    server.call("SendMessage", message("m-1", "hello")).await;
    let health = server.get(Serves::Health, "/health").await;
    assert_eq!(health.status, 200);
    let health = health.json();
    assert_eq!((&health["status"], &health["agents_registered"], &health["tasks_active"]), (&json!("healthy"), &json!(2), &json!(0)), "{health}");
    assert!(health["timestamp"].is_string() && health["uptime"].is_number() && health["version"].is_string());
    let ready = server.get(Serves::Health, "/health/ready").await;
    assert_eq!((ready.status, &ready.json()["status"]), (200, &json!("ready")));
}

#[tokio::test]
async fn a_head_request_is_answered_like_a_get() {
    let server = Server::new().await;
    for (serves, path) in [(Serves::Health, "/health"), (Serves::AgentCards, "/.well-known/agent-card.json"), (Serves::EveryMethod, "/tasks")] {
        assert_eq!(server.send(serves, "HEAD", path, &[], "").await.status, 200, "{path}");
    }
    let wrong = server.send(Serves::Agents, "POST", "/agents", &[], "").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "GET, OPTIONS"));
}
