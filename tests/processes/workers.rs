//! Background work of the real functions in processes of their own: workers that are killed, webhooks, the sweep.

use std::process::Command;

use serde_json::{Value, json};

use crate::{
    harness::{Inbox, Server, message, state},
    start::with_processes,
    until,
};

/// The ids of the processes that were started for a function so far.
fn processes_of(server: &Server, function: &str) -> Vec<u64> {
    let log = server.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let starts = lines.filter(|line| line["message"] == "cold start" && line["function"] == function);
    starts.map(|line| line["pid"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_task_whose_worker_was_killed_is_finished_by_another() {
    let server = with_processes(&[("A2A_AGENTS", "conformance")], None, &[]);
    let mut params = message("test-resubscribe-message-id-1", "x");
    params["configuration"] = json!({"returnImmediately": true});
    let id = server.ok("SendMessage", params).await["task"]["id"].as_str().unwrap().to_owned();
    server.wait_for(&id, &["TASK_STATE_WORKING"]).await;
    until("its worker is started", || processes_of(&server, "run-task").len() == 1).await;
    let worker = processes_of(&server, "run-task")[0];
    assert!(Command::new("kill").args(["-KILL", &worker.to_string()]).status().unwrap().success());
    let ended = server.wait_for(&id, &["TASK_STATE_COMPLETED", "TASK_STATE_FAILED"]).await;
    assert_eq!(state(&ended), "TASK_STATE_COMPLETED", "{ended}");
    until("another was started", || processes_of(&server, "run-task").len() > 1).await;
}

#[tokio::test]
async fn a_webhook_is_called_by_a_function_of_its_own() {
    let server = with_processes(&[("A2A_AGENTS", "conformance"), ("A2A_PUSH_ALLOW_LOOPBACK", "1")], None, &[]);
    let (mut refusing, mut accepting) = (Inbox::refusing_first(1).await, Inbox::open().await);
    let mut params = message("tck-input-required-1", "x");
    params["configuration"] = json!({"taskPushNotificationConfig": {"url": accepting.url}});
    let task = server.ok("SendMessage", params).await["task"].clone();
    server.ok("CreateTaskPushNotificationConfig", json!({"taskId": task["id"], "url": refusing.url})).await;
    let mut params = message("tck-artifact-text-1", "y");
    params["message"]["taskId"] = task["id"].clone();
    server.ok("SendMessage", params).await;
    for inbox in [&mut accepting, &mut refusing] {
        while inbox.next().await.body.pointer("/statusUpdate/status/state") != Some(&json!("TASK_STATE_COMPLETED")) {}
    }
    until("its function was started", || !processes_of(&server, "deliver-push").is_empty()).await;
}

#[tokio::test]
async fn no_process_outlives_a_killed_server() {
    let mut server = with_processes(&[], None, &[]);
    server.get("/health", &[]).await;
    let started = || [processes_of(&server, "health"), processes_of(&server, "sweep")].concat();
    until("two functions are started", || started().len() == 2).await;
    let processes = started();
    server.kill();
    // A zombie that nobody has waited for yet has no program either.
    until("all are gone", || processes.iter().all(|pid| std::fs::read_link(format!("/proc/{pid}/exe")).is_err())).await;
}
