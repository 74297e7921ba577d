//! Who gets a message: a tenant, a skill, or whom its words mean.

use serde_json::json;

use crate::harness::{Server, data_message, message, say, state};

#[tokio::test]
async fn a_skill_that_is_named_finds_its_agent() {
    let server = Server::start();
    let task = server.ok("SendMessage", data_message("trend_analysis", json!({"values": [1, 2, 3, 4]}))).await;
    assert!(task.to_string().contains("slope"), "{task}");
    let unknown = server.v1("SendMessage", say("juggling", "x")).await;
    let refused = unknown["error"]["code"] == -32602 || ["TASK_STATE_FAILED", "TASK_STATE_REJECTED"].contains(&state(&unknown["result"]));
    assert!(refused && unknown.to_string().contains("juggling"), "an unknown skill is named: {unknown}");
}

#[tokio::test]
async fn words_find_their_agent() {
    let server = Server::start();
    for (text, agent) in [
        ("Search for documents about machine learning algorithms", "research"),
        ("Synthesize findings from multiple research sources", "research"),
        ("Analyze the statistical trend of 1, 2, 4, 8, 16", "analysis"),
        ("Find anomalies in 1, 1, 1, 50, 1", "analysis"),
    ] {
        let params = json!({"message": {"role": "user", "parts": [{"type": "text", "text": text}]}});
        let task = server.old("tasks/send", params).await["result"].clone();
        assert_eq!(task["status"]["state"], "completed", "{text}: {task}");
        assert!(task["artifacts"][0]["metadata"]["agent_id"].as_str().is_some_and(|id| id.contains(agent)), "{text}: {task}");
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own_tasks_only() {
    let server = Server::with(&[]);
    let body = data_message("statistical_analysis", json!({"values": [1, 2]}));
    let sent = server.rest("/analysis/message:send", &body).await.json();
    let id = sent["task"]["id"].as_str().unwrap();
    let v1 = [("A2A-Version", "1.0")];
    assert_eq!(server.get(&format!("/analysis/tasks/{id}"), &v1).await.status, 200);
    assert_eq!(server.get(&format!("/research/tasks/{id}"), &v1).await.status, 404);
    assert_eq!(server.get(&format!("/tasks/{id}"), &v1).await.status, 200, "the default tenant sees all agents");
    assert_eq!(server.get("/research/tasks", &v1).await.json()["totalSize"], 0);
}

#[tokio::test]
async fn a_tenant_answers_json_rpc_at_its_path_and_by_the_field() {
    let server = Server::with(&[]);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": data_message("statistical_analysis", json!({"values": [1, 2]}))});
    for path in ["/analysis", "/analysis/"] {
        let response = server.post(path, &[("A2A-Version", "1.0")], body.to_string()).await.json();
        assert_eq!(state(&response["result"]), "TASK_STATE_COMPLETED", "{path}: {response}");
    }
    let mut params = message("by-field", "1, 2, 3");
    params["tenant"] = json!("analysis");
    let task = server.ok("SendMessage", params).await;
    assert_eq!(state(&task), "TASK_STATE_COMPLETED", "{task}");
    let unknown = server.post("/nobody", &[("A2A-Version", "1.0")], body.to_string()).await;
    assert!(unknown.json()["error"].is_object(), "{unknown:?}");
}
