//! `kill -9` at several moments: nothing that was told is lost.

use serde_json::json;

use crate::harness::{Backend, Server, message, state};

#[tokio::test]
async fn a_long_task_goes_on_after_the_server_was_killed() {
    let mut server = Server::conformance();
    let mut events = server.v1_stream("SendStreamingMessage", message("test-resubscribe-message-id-1", "x")).await;
    let id = events.next().await.unwrap().data["result"]["task"]["id"].as_str().unwrap().to_owned();
    let told = events.next().await.unwrap().data["result"]["statusUpdate"]["status"].clone();
    assert_eq!(told["state"], "TASK_STATE_WORKING");
    server.kill();
    server.restart();
    let now = server.ok("GetTask", json!({"id": id})).await;
    assert!(["TASK_STATE_WORKING", "TASK_STATE_COMPLETED", "TASK_STATE_FAILED"].contains(&state(&now)), "what was told holds: {now}");
    let ended = server.wait_for(&id, &["TASK_STATE_COMPLETED", "TASK_STATE_FAILED"]).await;
    if state(&ended) == "TASK_STATE_FAILED" {
        assert!(!crate::harness::text_of(&ended["status"]["message"]).is_empty(), "a failure has a reason: {ended}");
    }
    assert_eq!(ended["history"][0]["messageId"], "test-resubscribe-message-id-1");
}

#[tokio::test]
async fn everything_answered_is_there_after_the_server_was_killed() {
    let mut server = Server::conformance();
    let mut tasks = Vec::new();
    for number in 0..10 {
        tasks.push(server.ok("SendMessage", message(&format!("tck-artifact-text-{number}"), "x")).await["task"].clone());
    }
    let waiting = server.ok("SendMessage", message("tck-input-required-1", "x")).await["task"].clone();
    server.kill();
    server.restart();
    for task in &tasks {
        assert_eq!(&server.ok("GetTask", json!({"id": task["id"]})).await, task);
    }
    let mut params = message("tck-artifact-text-after", "y");
    params["message"]["taskId"] = waiting["id"].clone();
    assert_eq!(state(&server.ok("SendMessage", params).await), "TASK_STATE_COMPLETED", "a conversation goes on");
}

#[tokio::test]
async fn a_queued_task_is_run_by_the_next_process() {
    let mut server = Server::conformance();
    let mut params = message("test-resubscribe-message-id-2", "x");
    params["configuration"] = json!({"returnImmediately": true});
    let id = server.ok("SendMessage", params).await["task"]["id"].as_str().unwrap().to_owned();
    server.kill();
    server.restart();
    server.wait_for(&id, &["TASK_STATE_COMPLETED", "TASK_STATE_FAILED"]).await;
}

#[tokio::test]
async fn a_task_of_a_worker_goes_on_in_the_next_process() {
    let mut server = Server::conformance();
    let mut params = message("test-resubscribe-message-id-3", "x");
    params["configuration"] = json!({"returnImmediately": true});
    let id = server.ok("SendMessage", params).await["task"]["id"].as_str().unwrap().to_owned();
    server.wait_for(&id, &["TASK_STATE_WORKING"]).await;
    server.kill();
    server.restart();
    server.wait_for(&id, &["TASK_STATE_COMPLETED", "TASK_STATE_FAILED"]).await;
}

#[tokio::test]
async fn a_server_killed_under_load_keeps_what_it_told() {
    let mut server = Server::conformance();
    let mut told = Vec::new();
    {
        let sends = (0..Backend::chosen().many() / 5).map(|number| {
            let server = &server;
            async move {
                let mut events = server.v1_stream("SendStreamingMessage", message(&format!("test-resubscribe-message-id-{number}"), "x")).await;
                events.next().await.unwrap().data["result"]["task"]["id"].clone()
            }
        });
        told.extend(futures::future::join_all(sends).await);
    }
    server.kill();
    server.restart();
    for id in told {
        server.wait_for(id.as_str().unwrap(), &["TASK_STATE_COMPLETED", "TASK_STATE_FAILED"]).await;
    }
}

#[tokio::test]
async fn a_message_repeated_after_the_server_was_killed_makes_no_second_task() {
    let mut server = Server::conformance();
    let first = server.ok("SendMessage", message("tck-artifact-text-1", "x")).await["task"].clone();
    server.kill();
    server.restart();
    assert_eq!(server.ok("SendMessage", message("tck-artifact-text-1", "x")).await["task"], first);
}
