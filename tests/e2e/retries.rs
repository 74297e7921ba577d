//! A message that a client sends again because it heard no answer.

use serde_json::json;

use crate::harness::{Server, message};

#[tokio::test]
async fn a_repeated_message_returns_the_task_that_it_made() {
    let server = Server::conformance();
    let first = server.ok("SendMessage", message("tck-artifact-text-1", "x")).await["task"].clone();
    let again = server.ok("SendMessage", message("tck-artifact-text-1", "x")).await["task"].clone();
    assert_eq!(again, first);
    assert_eq!(server.ok("ListTasks", json!({})).await["totalSize"], 1);
}

#[tokio::test]
async fn a_repeated_stream_is_replayed() {
    let server = Server::conformance();
    let params = message("tck-stream-artifact-chunked-1", "x");
    let first = server.v1_stream("SendStreamingMessage", params.clone()).await.results().await;
    let again = server.v1_stream("SendStreamingMessage", params).await.results().await;
    assert_eq!(again[0]["task"]["id"], first[0]["task"]["id"]);
    assert_eq!(server.ok("ListTasks", json!({})).await["totalSize"], 1);
}

#[tokio::test]
async fn one_message_sent_by_many_at_once_makes_one_task() {
    let server = Server::conformance();
    let sends = (0..20).map(|_| server.ok("SendMessage", message("tck-artifact-text-2", "x")));
    let answers = futures::future::join_all(sends).await;
    assert!(answers.iter().all(|answer| answer["task"]["id"] == answers[0]["task"]["id"]), "{answers:?}");
    assert_eq!(server.ok("ListTasks", json!({})).await["totalSize"], 1);
}

#[tokio::test]
async fn the_same_id_with_other_words_is_not_taken_for_a_retry() {
    let server = Server::conformance();
    let first = server.ok("SendMessage", message("tck-artifact-text-3", "x")).await["task"]["id"].clone();
    let other = server.v1("SendMessage", message("tck-artifact-text-3", "y")).await;
    assert_ne!(other.pointer("/result/task/id"), Some(&first), "{other}");
}
