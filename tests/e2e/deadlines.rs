//! Streams and calls that last longer than their function may: the template gives it some seconds in place of its minutes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Event, Events, Server, message, state};

/// When functions are killed.
const TIMEOUT: Duration = Duration::from_secs(4);

fn server() -> Server {
    let template = include_str!("../../template.yaml");
    let streaming = "      Timeout: 900\n      Environment: { Variables: { A2A_REQUEST_TIMEOUT_SECONDS";
    let others = "\n    Timeout: 30\n";
    assert_eq!(template.matches(streaming).count(), 3, "the functions that stream");
    assert_eq!(template.matches(others).count(), 1, "what functions have that say nothing");
    let seconds = TIMEOUT.as_secs().to_string();
    let hurried = template.replace(streaming, &streaming.replace("900", &seconds)).replace(others, &others.replace("30", &seconds));
    Server::described_by(&hurried, &[("A2A_AGENTS", "steps")])
}

/// Listens to the end, which has to come by itself and in time.
async fn listen(mut stream: Events, since: Instant) -> (Vec<Event>, Option<String>) {
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(event);
    }
    assert!(since.elapsed() < TIMEOUT + Duration::from_secs(1), "the stream lasted {:?}", since.elapsed());
    (events, stream.comment)
}

fn is_over(events: &[Event]) -> bool {
    let last = &events.last().unwrap().data["result"]["statusUpdate"]["status"]["state"];
    last == "TASK_STATE_COMPLETED"
}

#[tokio::test]
async fn a_stream_longer_than_its_function_may_last_says_that_it_ends_and_is_resumed_without_a_gap() {
    let server = server();
    let mut since = Instant::now();
    let (mut events, mut comment) = listen(server.v1_stream("SendStreamingMessage", message("long", "20 steps of 250 ms")).await, since).await;
    let id = events[0].data["result"]["task"]["id"].clone();
    let mut told: Vec<Event> = events[1..].to_vec();
    let mut streams = 1;
    while !is_over(&told) {
        assert!(comment.is_some_and(|comment| comment.starts_with(": ") && comment.contains("Last-Event-ID")), "{events:?}");
        let last = told.last().unwrap().id.clone().unwrap();
        since = Instant::now();
        let resumed = server.stream(&[("A2A-Version", "1.0"), ("Last-Event-ID", &last)], "SubscribeToTask", json!({"id": id})).await;
        (events, comment) = listen(resumed, since).await;
        assert_eq!((&events[0].data["result"]["task"]["id"], &events[0].id), (&id, &None), "the task as it was then");
        told.extend_from_slice(&events[1..]);
        streams += 1;
        assert!(streams < 10, "{told:?}");
    }
    assert!(streams > 1, "the task was too short for this test");
    let numbers: Vec<u64> = told.iter().map(|event| event.id.as_ref().unwrap().parse().unwrap()).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
    let task = server.ok("GetTask", json!({"id": id})).await;
    assert_eq!(state(&task), "TASK_STATE_COMPLETED");
    assert_eq!(text(told.iter().map(|event| &event.data["result"]["artifactUpdate"])), text_of(&task));
}

#[tokio::test]
async fn a_call_longer_than_its_function_may_last_is_answered_before_with_the_task_as_it_stands() {
    let server = server();
    let since = Instant::now();
    let by_rest = message("rest", "20 steps of 300 ms");
    let by_front_door = server.ok("SendMessage", message("rpc", "20 steps of 300 ms"));
    let (by_front_door, by_rest) = tokio::join!(by_front_door, server.rest("/message:send", &by_rest));
    assert!(since.elapsed() < TIMEOUT, "answered after {:?}", since.elapsed());
    assert_eq!(by_rest.status, 200, "{by_rest:?}");
    for answer in [by_front_door, by_rest.json()] {
        assert_eq!(state(&answer["task"]), "TASK_STATE_WORKING", "{answer}");
        let done = server.wait_for(answer["task"]["id"].as_str().unwrap(), &["TASK_STATE_COMPLETED"]).await;
        assert_eq!(done["artifacts"][0]["parts"].as_array().unwrap().len(), 20, "{done}");
    }
}

/// What the pieces of an artifact make; one that isn't appended begins anew.
fn text<'a>(pieces: impl Iterator<Item = &'a Value>) -> String {
    let mut whole = String::new();
    for piece in pieces.filter(|piece| !piece.is_null()) {
        if piece["append"] != true {
            whole.clear();
        }
        whole.push_str(piece["artifact"]["parts"][0]["text"].as_str().unwrap());
    }
    whole
}

fn text_of(task: &Value) -> String {
    let parts = task["artifacts"][0]["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 20, "{task}");
    parts.iter().map(|part| part["text"].as_str().unwrap()).collect()
}
