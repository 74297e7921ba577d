//! SubscribeToTask: every subscriber hears everything, in one order, and can resume (spec section 3.1.6).

use serde_json::{Value, json};

use crate::harness::{Event, Server, message};

const V1: (&str, &str) = ("A2A-Version", "1.0");

/// The events that change the task: what comes after the first picture of it.
fn changes(events: &[Event]) -> Vec<Value> {
    events.iter().map(|event| event.data["result"].clone()).filter(|result| result.get("task").is_none()).collect()
}

#[tokio::test]
async fn many_subscribers_hear_the_same_events_in_the_same_order() {
    let server = Server::conformance();
    let mut stream = server.v1_stream("SendStreamingMessage", message("test-resubscribe-message-id-1", "x")).await;
    let id = stream.next().await.unwrap().data["result"]["task"]["id"].clone();
    let subscriptions = (0..20).map(|_| async {
        let events = server.v1_stream("SubscribeToTask", json!({"id": id})).await.all().await;
        assert_eq!(events[0].data["result"]["task"]["id"], id, "the task comes first");
        events
    });
    let all = futures::future::join_all(subscriptions).await;
    let last = changes(&all[0]).last().cloned().unwrap();
    assert_eq!(last["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED");
    for events in &all {
        let told = changes(events);
        let shorter = told.len().min(changes(&all[0]).len());
        assert_eq!(told[told.len() - shorter..], changes(&all[0])[changes(&all[0]).len() - shorter..]);
        assert_eq!(told.last(), Some(&last));
    }
}

#[tokio::test]
async fn a_client_that_lost_its_connection_resumes_without_a_gap() {
    let server = Server::conformance();
    let whole = server.v1_stream("SendStreamingMessage", message("tck-stream-artifact-chunked-1", "x"));
    let mut running = server.v1_stream("SendStreamingMessage", message("test-resubscribe-message-id-1", "x")).await;
    let first = running.next().await.unwrap();
    let id = first.data["result"]["task"]["id"].clone();
    drop(running);
    let resumed = server.stream(&[V1, ("Last-Event-ID", first.id.as_deref().unwrap())], "SubscribeToTask", json!({"id": id})).await.all().await;
    let states: Vec<_> = changes(&resumed).iter().map(|change| change["statusUpdate"]["status"]["state"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["TASK_STATE_WORKING", "TASK_STATE_COMPLETED"], "{resumed:?}");
    let mut ids: Vec<u64> = resumed.iter().filter_map(|event| event.id.as_ref()?.parse().ok()).collect();
    let sorted = ids.clone();
    ids.sort_unstable();
    assert_eq!(ids, sorted);
    whole.await.all().await;
}

#[tokio::test]
async fn a_finished_task_can_not_be_subscribed_to() {
    let server = Server::conformance();
    let id = server.ok("SendMessage", message("tck-artifact-text-1", "x")).await["task"]["id"].clone();
    assert_eq!(server.v1("SubscribeToTask", json!({"id": id})).await["error"]["code"], -32004);
}

#[tokio::test]
async fn the_older_generations_resubscribe() {
    let server = Server::conformance();
    let params = json!({"configuration": {"blocking": false}, "message":
        {"kind": "message", "messageId": "test-resubscribe-message-id-3", "role": "user", "parts": [{"kind": "text", "text": "x"}]}});
    let id = server.old("message/send", params).await["result"]["id"].clone();
    let events = server.stream(&[], "tasks/resubscribe", json!({"id": id})).await.results().await;
    assert_eq!((&events[0]["kind"], &events.last().unwrap()["final"]), (&json!("task"), &json!(true)), "{events:?}");
}
