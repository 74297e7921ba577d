//! Two gateways over the same data: whatever a client asks of one, the other one answers too.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::harness::{Backend, Event, Events, Inbox, Server, message, state};

const V1: (&str, &str) = ("A2A-Version", "1.0");
/// A task that works for 4 seconds.
const LONG: &str = "test-resubscribe-message-id";

/// How long the other gateway may be behind: where nobody tells it, it looks each 2 s at the latest.
fn longest_lag() -> Duration {
    match Backend::chosen() {
        Backend::PostgresRedis => Duration::from_secs(1),
        _ => Duration::from_secs(4),
    }
}

fn two() -> (Server, Server) {
    let one = Server::conformance();
    let other = one.beside();
    (one, other)
}

/// What a stream says, each event with the time at which it came.
async fn timed(mut events: Events) -> Vec<(Value, Instant)> {
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        told.push((event.data["result"].clone(), Instant::now()));
    }
    told
}

/// The changes alone, without the task that comes first.
fn changes(events: &[Event]) -> Vec<Value> {
    events.iter().map(|event| event.data["result"].clone()).filter(|result| result.get("task").is_none()).collect()
}

#[tokio::test]
async fn a_task_is_followed_through_the_other_gateway() {
    let (one, other) = two();
    let mut stream = one.v1_stream("SendStreamingMessage", message(&format!("{LONG}-1"), "x")).await;
    let id = stream.next().await.unwrap().data["result"]["task"]["id"].clone();
    let subscription = other.v1_stream("SubscribeToTask", json!({"id": id})).await;
    let (here, there) = tokio::join!(timed(stream), timed(subscription));
    let ((last_here, told_here), (last_there, told_there)) = (here.last().unwrap(), there.last().unwrap());
    assert_eq!(there[0].0["task"]["id"], id, "the task comes first");
    assert_eq!((state_of(last_here), last_there), ("TASK_STATE_COMPLETED", last_here));
    let lag = told_there.saturating_duration_since(*told_here);
    assert!(lag <= longest_lag(), "the other gateway is {lag:?} behind");
    assert_eq!(state(&other.ok("GetTask", json!({"id": id})).await), "TASK_STATE_COMPLETED");
}

fn state_of(event: &Value) -> &str {
    event.pointer("/statusUpdate/status/state").and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test]
async fn a_task_is_canceled_through_the_other_gateway() {
    let (one, other) = two();
    let mut stream = one.v1_stream("SendStreamingMessage", message(&format!("{LONG}-2"), "x")).await;
    let id = stream.next().await.unwrap().data["result"]["task"]["id"].clone();
    assert_eq!(state(&other.ok("CancelTask", json!({"id": id})).await), "TASK_STATE_CANCELED");
    let told = stream.results().await;
    assert_eq!(state_of(told.last().unwrap()), "TASK_STATE_CANCELED", "{told:?}");
    assert_eq!(state(&one.ok("GetTask", json!({"id": id})).await), "TASK_STATE_CANCELED");
    assert_eq!(one.v1("CancelTask", json!({"id": id})).await["error"]["code"], -32002);
}

#[tokio::test]
async fn a_stream_is_taken_up_again_at_the_other_gateway() {
    let (one, other) = two();
    let mut stream = one.v1_stream("SendStreamingMessage", message(&format!("{LONG}-3"), "x")).await;
    let first = stream.next().await.unwrap();
    let id = first.data["result"]["task"]["id"].clone();
    drop(stream);
    let resumed = other.stream(&[V1, ("Last-Event-ID", first.id.as_deref().unwrap())], "SubscribeToTask", json!({"id": id})).await.all().await;
    let states: Vec<_> = changes(&resumed).iter().map(|change| state_of(change).to_owned()).collect();
    assert_eq!(states, ["TASK_STATE_WORKING", "TASK_STATE_COMPLETED"], "nothing is missed and nothing comes twice: {resumed:?}");
    let numbers: Vec<u64> = resumed.iter().filter_map(|event| event.id.as_ref()?.parse().ok()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");

    // After its end as well, from any event on.
    let again = one.stream(&[V1, ("Last-Event-ID", resumed[1].id.as_deref().unwrap())], "SubscribeToTask", json!({"id": id})).await.all().await;
    assert_eq!(changes(&again), changes(&resumed)[1..]);
}

#[tokio::test]
async fn many_follow_many_tasks_through_both_gateways() {
    let (one, other) = two();
    let streams = (0..20).map(|number| {
        let (at, elsewhere) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
        async move {
            let mut stream = at.v1_stream("SendStreamingMessage", message(&format!("{LONG}-{number}"), "x")).await;
            let id = stream.next().await.unwrap().data["result"]["task"]["id"].clone();
            let subscription = elsewhere.v1_stream("SubscribeToTask", json!({"id": id})).await;
            let (here, there) = tokio::join!(stream.all(), subscription.all());
            let (here, there) = (changes(&here), changes(&there));
            assert_eq!(here.len(), 2, "{here:?}");
            assert_eq!(there, here[here.len() - there.len()..], "whoever comes later hears the rest, in the same order");
            assert!(there.last().is_some_and(|last| state_of(last) == "TASK_STATE_COMPLETED"), "{there:?}");
        }
    });
    futures::future::join_all(streams).await;
}

#[tokio::test]
async fn a_conversation_goes_on_at_either_gateway() {
    let (one, other) = two();
    let mut task = one.ok("SendMessage", message("tck-input-required-0", "turn 0")).await["task"].clone();
    for turn in 1..=6 {
        let gateway = if turn % 2 == 0 { &one } else { &other };
        let behaviour = if turn == 6 { "tck-artifact-text" } else { "tck-input-required" };
        let mut params = message(&format!("{behaviour}-{turn}"), &format!("turn {turn}"));
        params["message"]["taskId"] = task["id"].clone();
        task = gateway.ok("SendMessage", params).await["task"].clone();
    }
    assert_eq!(state(&task), "TASK_STATE_COMPLETED");
    for gateway in [&one, &other] {
        let read = gateway.ok("GetTask", json!({"id": task["id"]})).await;
        let said: Vec<_> = read["history"].as_array().unwrap().iter().filter(|said| said["role"] == "ROLE_USER").collect();
        let texts: Vec<_> = said.iter().map(|said| crate::harness::text_of(said)).collect();
        assert_eq!(texts, (0..=6).map(|turn| format!("turn {turn}")).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_message_repeated_at_the_other_gateway_makes_no_second_task() {
    let (one, other) = two();
    let first = one.ok("SendMessage", message("tck-artifact-text-1", "x")).await["task"].clone();
    assert_eq!(other.ok("SendMessage", message("tck-artifact-text-1", "x")).await["task"], first);

    let sends = (0..20).map(|number| if number % 2 == 0 { &one } else { &other }.ok("SendMessage", message("tck-artifact-text-2", "x")));
    let answers = futures::future::join_all(sends).await;
    assert!(answers.iter().all(|answer| answer["task"]["id"] == answers[0]["task"]["id"]), "sent by many at once: {answers:?}");
    assert_eq!(other.ok("ListTasks", json!({})).await["totalSize"], 2);
}

#[tokio::test]
async fn what_one_gateway_took_on_is_done_once_by_either() {
    let (one, other) = two();
    let sends = (0..30).map(|number| {
        let mut params = message(&format!("tck-artifact-text-{number}"), "x");
        params["configuration"] = json!({"returnImmediately": true});
        if number % 2 == 0 { &one } else { &other }.ok("SendMessage", params)
    });
    for answer in futures::future::join_all(sends).await {
        let id = answer["task"]["id"].as_str().unwrap();
        let task = other.wait_for(id, &["TASK_STATE_COMPLETED", "TASK_STATE_FAILED"]).await;
        assert_eq!((state(&task), task["artifacts"].as_array().unwrap().len()), ("TASK_STATE_COMPLETED", 1), "{task}");
        assert_eq!(task["artifacts"][0]["parts"].as_array().unwrap().len(), 1, "run once: {task}");
    }
    assert_eq!(one.ok("ListTasks", json!({})).await["totalSize"], 30);
}

#[tokio::test]
async fn webhooks_are_called_once_and_in_order_by_either() {
    const TASKS: usize = 10;
    let (one, other) = two();
    let mut inbox = Inbox::open().await;
    let sends = (0..TASKS).map(|number| {
        let mut params = message(&format!("tck-stream-artifact-chunked-{number}"), "x");
        params["configuration"] = json!({"taskPushNotificationConfig": {"url": inbox.url}});
        if number % 2 == 0 { &one } else { &other }.ok("SendMessage", params)
    });
    futures::future::join_all(sends).await;
    let mut told: HashMap<String, Vec<Value>> = HashMap::new();
    let ended = |told: &HashMap<String, Vec<Value>>| told.values().filter(|events| events.last().is_some_and(is_end)).count();
    while ended(&told) < TASKS {
        let event = inbox.next().await.body;
        let id = event.as_object().unwrap().values().next().map(|it| it.get("taskId").or(it.get("id")).unwrap().clone()).unwrap();
        told.entry(id.as_str().unwrap().to_owned()).or_default().push(event);
    }
    for (id, events) in told {
        let listener = one.stream(&[V1, ("Last-Event-ID", "0")], "SubscribeToTask", json!({"id": id})).await.all().await;
        let updates: Vec<_> = events.iter().filter(|event| event.get("task").is_none()).cloned().collect();
        assert_eq!(updates, changes(&listener), "the webhook hears what a stream says");
        let mut unique = events.clone();
        unique.dedup();
        assert_eq!(unique.len(), events.len(), "{events:?}");
    }
}

fn is_end(event: &Value) -> bool {
    event.get("task").or(event.get("statusUpdate")).is_some_and(|it| it.pointer("/status/state") == Some(&json!("TASK_STATE_COMPLETED")))
}

#[tokio::test]
async fn cards_of_both_gateways_are_signed_with_one_key() {
    let (one, other) = two();
    let keys = one.get("/.well-known/jwks.json", &[]).await.json();
    assert!(keys["keys"].as_array().is_some_and(|keys| !keys.is_empty()), "{keys}");
    assert_eq!(other.get("/.well-known/jwks.json", &[]).await.json(), keys);
}

#[tokio::test]
async fn gateways_that_start_at_once_share_their_data() {
    let gateways = Server::conformance_at_once(3);
    let task = gateways[0].ok("SendMessage", message("tck-artifact-text-1", "x")).await["task"].clone();
    for gateway in &gateways {
        assert_eq!(gateway.ok("GetTask", json!({"id": task["id"]})).await, task);
    }
}

#[tokio::test]
async fn the_other_gateway_goes_on_with_what_a_killed_one_ran() {
    let (mut one, other) = two();
    let mut stream = one.v1_stream("SendStreamingMessage", message(&format!("{LONG}-4"), "x")).await;
    let id = stream.next().await.unwrap().data["result"]["task"]["id"].as_str().unwrap().to_owned();
    one.kill();
    let task = other.wait_for(&id, &["TASK_STATE_COMPLETED", "TASK_STATE_FAILED"]).await;
    assert_eq!(state(&task), "TASK_STATE_COMPLETED", "{task}");
}

#[tokio::test]
async fn a_gateway_that_is_told_to_end_does_not_wait_for_the_tasks_of_the_other() {
    let (mut one, other) = two();
    let mut stream = other.v1_stream("SendStreamingMessage", message(&format!("{LONG}-5"), "x")).await;
    stream.next().await.unwrap();
    one.terminate();
    let told = stream.results();
    tokio::pin!(told);
    tokio::select! {
        ended = one.ended(Duration::from_secs(20)) => assert_eq!(ended.code(), Some(0)),
        told = &mut told => panic!("the task of the other ended first: {told:?}"),
    }
    let told = told.await;
    assert_eq!(state_of(told.last().unwrap()), "TASK_STATE_COMPLETED", "{told:?}");
}
