//! Streams: their first event, their order, their end (spec sections 3.1.2 and 3.5).

use serde_json::json;

use crate::harness::{Server, message};

#[tokio::test]
async fn a_stream_begins_with_the_task_and_closes_after_its_end() {
    let server = Server::conformance();
    let events = server.v1_stream("SendStreamingMessage", message("tck-stream-artifact-chunked-1", "x")).await.all().await;
    let kinds: Vec<_> = events.iter().map(|event| event.data["result"].as_object().unwrap().keys().next().unwrap().as_str()).collect();
    assert_eq!(kinds, ["task", "statusUpdate", "artifactUpdate", "artifactUpdate", "statusUpdate"]);
    let pieces: Vec<_> = events[2..4].iter().map(|event| &event.data["result"]["artifactUpdate"]).collect();
    assert_eq!(pieces[0]["artifact"]["artifactId"], pieces[1]["artifact"]["artifactId"]);
    assert_eq!((&pieces[1]["append"], &pieces[1]["lastChunk"]), (&json!(true), &json!(true)));
    let ids: Vec<u64> = events.iter().filter_map(|event| event.id.as_ref()?.parse().ok()).collect();
    assert_eq!(ids.len(), events.len(), "each event has a number: {events:?}");
    assert!(ids.is_sorted(), "{ids:?}");
    assert!(events.iter().all(|event| event.data["id"] == 1), "each event answers the request");
}

#[tokio::test]
async fn what_was_streamed_is_what_is_stored() {
    let server = Server::conformance();
    let events = server.v1_stream("SendStreamingMessage", message("tck-stream-artifact-chunked-2", "x")).await.results().await;
    let task = server.ok("GetTask", json!({"id": events[0]["task"]["id"]})).await;
    let text: String = task["artifacts"][0]["parts"].as_array().unwrap().iter().map(|part| part["text"].as_str().unwrap()).collect();
    assert_eq!(text, "chunk-1 chunk-2");
}

#[tokio::test]
async fn a_direct_message_is_the_only_event() {
    let server = Server::conformance();
    let events = server.v1_stream("SendStreamingMessage", message("tck-message-response-1", "x")).await.results().await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["message"]["parts"][0]["text"], "Direct message response");
}

#[tokio::test]
async fn a_stream_closes_when_the_task_waits_for_the_client() {
    let server = Server::conformance();
    let events = server.v1_stream("SendStreamingMessage", message("anything", "x")).await.results().await;
    assert_eq!(events.last().unwrap()["statusUpdate"]["status"]["state"], "TASK_STATE_INPUT_REQUIRED");
}

#[tokio::test]
async fn events_come_while_the_task_runs_and_not_at_its_end() {
    let server = Server::conformance();
    let begun = std::time::Instant::now();
    let mut events = server.v1_stream("SendStreamingMessage", message("test-resubscribe-message-id-1", "x")).await;
    events.next().await.unwrap();
    let first = begun.elapsed();
    events.all().await;
    let last = begun.elapsed();
    assert!(last - first > std::time::Duration::from_secs(2), "first after {first:?}, last after {last:?}");
}

#[tokio::test]
async fn ending_the_stream_does_not_end_the_task() {
    let server = Server::conformance();
    let mut events = server.v1_stream("SendStreamingMessage", message("test-resubscribe-message-id-2", "x")).await;
    let id = events.next().await.unwrap().data["result"]["task"]["id"].as_str().unwrap().to_owned();
    drop(events);
    server.wait_for(&id, &["TASK_STATE_COMPLETED"]).await;
}

#[tokio::test]
async fn a_stream_forbids_buffering_and_caching_on_its_way() {
    let server = Server::conformance();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "SendStreamingMessage", "params": message("tck-stream-1", "x")}).to_string();
    let answered = server.post("/", &[("A2A-Version", "1.0")], body).await;
    assert!(answered.header("content-type").starts_with("text/event-stream"));
    assert!(answered.header("cache-control").contains("no-cache") || answered.header("cache-control").contains("no-store"), "{:?}", answered.headers);
}
