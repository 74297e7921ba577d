//! The `a2a` command beside `serve`, and how the server starts and stops.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Server, message};

#[tokio::test]
async fn sigterm_drains_and_exits_with_zero() {
    let mut server = Server::conformance();
    let mut events = server.v1_stream("SendStreamingMessage", message("anything", "x")).await;
    let id = events.next().await.unwrap().data["result"]["task"]["id"].clone();
    server.terminate();
    let rest = events.results().await;
    assert_eq!(rest.last().unwrap()["statusUpdate"]["status"]["state"], "TASK_STATE_INPUT_REQUIRED", "a running stream is finished: {rest:?}");
    assert_eq!(server.ended(Duration::from_secs(20)).await.code(), Some(0));
    server.restart();
    assert_eq!(crate::harness::state(&server.ok("GetTask", json!({"id": id})).await), "TASK_STATE_INPUT_REQUIRED");
}

#[tokio::test]
async fn an_idle_server_stops_at_once() {
    let mut server = Server::conformance();
    server.get("/health", &[]).await;
    server.terminate();
    assert_eq!(server.ended(Duration::from_secs(5)).await.code(), Some(0));
}

#[tokio::test]
async fn a_wrong_variable_stops_the_start_and_is_named() {
    let server = Server::with(&[]);
    for (name, value, shown) in [
        ("A2A_REQUEST_TIMEOUT_SECONDS", "soon", "soon"),
        ("A2A_AUTH", "sometimes", "sometimes"),
        ("A2A_CARD", "v7", "v7"),
        ("A2A_AGENTS", "research,nobody", "nobody"),
        ("A2A_DATABASE_URL", "mysql://u:hush@h/d", "A2A_DATABASE_URL"),
        ("A2A_SECRET_KEY", "short-hush", "32"),
        ("A2A_TASK_RETENTION_DAYS", "-1", "-1"),
    ] {
        let output = std::process::Command::new(std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("a2a"))
            .args(["serve", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"])
            .current_dir(server.directory())
            .env(name, value)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name}={value} was taken");
        assert!(said.contains(name) && said.contains(shown), "{name}={value}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{name}={value}: {said}");
        assert!(!said.contains("hush"), "a secret is not shown: {said}");
    }
}

#[tokio::test]
async fn a_health_check_tells_by_its_exit_code() {
    let server = Server::with(&[]);
    let good = server.command(&["healthcheck", "--url", &server.url("/health/ready")]);
    assert!(good.status.success(), "{good:?}");
    let bad = server.command(&["healthcheck", "--url", "http://127.0.0.1:9/health"]);
    assert!(!bad.status.success());
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let server = Server::with(&[]);
    for _ in 0..2 {
        let output = server.command(&["migrate"]);
        assert!(output.status.success(), "{output:?}");
    }
}

#[tokio::test]
async fn what_can_not_be_indexed_is_named() {
    let server = Server::with(&[]);
    let output = server.command(&["index", "no/such/folder"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no/such/folder"), "{output:?}");
}
