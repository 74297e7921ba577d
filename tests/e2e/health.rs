//! Health and the list of agents.

use serde_json::Value;

use crate::harness::{Server, message};

#[tokio::test]
async fn a_running_server_is_healthy_and_ready() {
    let server = Server::start();
    let health = server.get("/health", &[]).await;
    assert_eq!(health.status, 200);
    let body = health.json();
    assert_eq!(body["status"], "healthy");
    assert!(body["agents_registered"].as_u64().unwrap() >= 1);
    for field in ["timestamp", "tasks_active", "uptime", "version"] {
        assert!(!body[field].is_null(), "{field} is missing in {body}");
    }
    assert_eq!(server.get("/health/ready", &[]).await.status, 200);
}

#[tokio::test]
async fn details_of_health_need_the_system_role() {
    let server = Server::with(&[("A2A_SYSTEM_API_KEY", "a-system-key-of-32-characters-00")]);
    let refused = server.get("/health/details", &[]).await;
    assert_eq!(refused.status, 401);
    refused.json();
    let answered = server.get("/health/details", &[("X-API-Key", "a-system-key-of-32-characters-00")]).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let details = answered.json();
    assert!(["healthy", "degraded"].contains(&details["status"].as_str().unwrap()), "{details}");
    for part in ["resources", "database", "redis", "queue", "agents", "task_processing", "network"] {
        let check = &details["checks"][part];
        assert!(["healthy", "warning"].contains(&check["status"].as_str().unwrap()), "{part}: {check}");
        assert!(!check["message"].as_str().unwrap().is_empty() && check["duration_ms"].is_number(), "{part}: {check}");
        for (value, thresholds) in check["thresholds"].as_object().unwrap() {
            assert!(check["values"][value].is_number() && thresholds["unit"].is_string(), "{part}: {check}");
            assert!(["warning", "error", "critical"].iter().all(|level| thresholds[level].is_number()), "{part}: {check}");
        }
    }
    for value in ["cpu", "memory", "disk"] {
        assert!(details["checks"]["resources"]["values"][value].is_number(), "{details}");
    }
}

#[tokio::test]
async fn a_task_that_no_worker_takes_shows_in_health_whatever_the_queue() {
    // As if the queue had lost its function.
    let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml")).unwrap();
    let (before, rest) = template.split_once("  RunTask:\n").unwrap();
    let (run_task, after) = rest.split_once("\n\n").unwrap();
    let (alone, _) = run_task.split_once("      Events:\n").unwrap();
    let deaf = format!("{before}  RunTask:\n{alone}\n{after}");
    let server = Server::described_by(&deaf, &[("A2A_AGENTS", "conformance"), ("A2A_SYSTEM_API_KEY", "a-system-key-of-32-characters-00")]);
    let tasks = async || {
        let details = server.get("/health/details", &[("X-API-Key", "a-system-key-of-32-characters-00")]).await.json();
        details["checks"]["task_processing"].clone()
    };
    assert_eq!(tasks().await["values"]["waiting"], 0.0);
    let mut params = message("tck-complete-task-waits", "hello");
    params["configuration"] = serde_json::json!({"returnImmediately": true});
    let sent = server.rest("/message:send", &params).await;
    assert_eq!(sent.json()["task"]["status"]["state"], "TASK_STATE_SUBMITTED", "{sent:?}");
    let start = std::time::Instant::now();
    loop {
        let check = tasks().await;
        if check["values"]["waiting"].as_f64().unwrap() > 1.0 {
            assert!(check["message"].as_str().unwrap().contains("1 active"), "{check}");
            assert_eq!(check["thresholds"]["waiting"]["unit"], "s", "{check}");
            return;
        }
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{check}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_report_is_made_once_a_second() {
    let server = Server::with(&[("A2A_SYSTEM_API_KEY", "a-system-key-of-32-characters-00")]);
    let mut checked = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let details = server.get("/health/details", &[("X-API-Key", "a-system-key-of-32-characters-00")]).await.json();
        checked.insert(details["checked_at"].as_str().unwrap().to_owned());
    }
    assert!(checked.len() < 40, "each of 40 answers has a report of its own");
}

#[tokio::test]
async fn the_agents_are_listed_as_a_bare_array() {
    let agents = Server::start().get("/agents", &[]).await.json();
    let types: Vec<_> = agents.as_array().unwrap().iter().map(|agent| agent["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["AgentType.RESEARCH", "AgentType.ANALYSIS"]);
    for agent in agents.as_array().unwrap() {
        assert_eq!(agent["status"], "AgentStatus.IDLE");
        assert!(["agent_id", "name", "url"].iter().all(|field| agent[field].is_string()), "{agent}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = Server::start();
    let answers = [server.get("/health", &[]).await, server.get("/no/such/route", &[]).await, server.post("/", &[], "{}").await];
    for answered in answers {
        for header in ["x-content-type-options", "x-frame-options", "x-xss-protection", "referrer-policy", "content-security-policy"] {
            assert!(!answered.header(header).is_empty(), "{header} is missing: {:?}", answered.headers);
        }
    }
}

#[tokio::test]
async fn a_trailing_slash_changes_nothing() {
    let server = Server::start();
    for path in ["/health/", "/agents/", "/.well-known/agent-card.json/", "/research/.well-known/agent-card.json/"] {
        assert_eq!(server.get(path, &[]).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_base_path_answers_beside_the_root() {
    let server = Server::with(&[("A2A_BASE_PATH", "/a2a")]);
    for path in ["/a2a/health", "/health", "/a2a/.well-known/agent-card.json", "/a2a/research/.well-known/agent-card.json"] {
        assert_eq!(server.get(path, &[]).await.status, 200, "{path}");
    }
    for path in ["/a2a", "/a2a/", "/a2a/research"] {
        let body = r#"{"jsonrpc":"2.0","id":7,"method":"GetTask","params":{"id":"none"}}"#;
        let response: Value = server.post(path, &[("A2A-Version", "1.0")], body).await.json();
        assert_eq!((&response["id"], &response["error"]["code"]), (&7.into(), &(-32001).into()), "{path}: {response}");
    }
}

#[tokio::test]
async fn the_page_for_prometheus_shows_what_is_under_way() {
    let page = Server::with(&[]).metrics().await;
    for line in ["a2a_active_tasks 0", "a2a_queue_depth{queue=\"run-task\"} 0", "a2a_queue_depth{queue=\"deliver-push\"} 0"] {
        assert!(page.lines().any(|shown| shown == line), "{line} is missing in {page}");
    }
}
