//! Messages of SQS that fail, while functions run as processes: those come again and no others, and what can't succeed becomes a dead letter.

use std::time::Duration;

use serde_json::{Value, json};
use tests::aws::sqs;
use tokio::time::{Instant, sleep};

use crate::harness::{Backend, Ending, Message, Oracle, Way, repeat, repetitions};

/// Pauses after failures are 1, 2 and 4 s.
const TRIES: usize = 3;
const WITHIN: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(50);
/// So often is a message handed out that nobody completes: each time it is hidden for 15 s.
const MOST_RECEIPTS: u32 = 2;

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < WITHIN, "not within {WITHIN:?}: {what}");
        sleep(PAUSE).await;
    }
}

/// A webhook answers 503 for a while, others don't.
#[tokio::test]
async fn sqs_messages_that_fail_come_again_and_no_others() {
    repeat(repetitions(), async |_| {
        let backend = Backend::dynamodb_sqs().await;
        let oracle = Oracle::of_processes().await;
        let gateway = backend.gateway_of_processes(&[]).await;
        let messages: Vec<_> = (0..5).map(|number| Message::new(format!("m-{number}"), Way::Queued, 3, 20)).collect();
        let fails = &messages[2].id;
        oracle.inbox.refuse(fails, true);
        let sends = messages.iter().map(|message| oracle.send(&gateway.base, message));
        assert_eq!(futures::future::join_all(sends).await, vec![Ending::Done; messages.len()]);
        until("a failed message comes again", async || oracle.inbox.refused(fails).len() >= TRIES).await;
        oracle.inbox.refuse(fails, false);
        oracle.verify(&gateway.base).await;

        let refused = oracle.inbox.refused(fails);
        assert!(refused.iter().all(|body| *body == refused[0]), "what follows waits for what failed: {refused:#?}");
        for message in &messages {
            let (bodies, refused) = (oracle.inbox.bodies(&message.id), oracle.inbox.refused(&message.id));
            assert_eq!(refused.is_empty(), message.id != *fails, "{}", message.id);
            assert!((1..bodies.len()).all(|place| !bodies[..place].contains(&bodies[place])), "{} is told twice: {bodies:#?}", message.id);
        }
    })
    .await;
}

/// Each process of a function dies of a message.
#[tokio::test]
async fn sqs_messages_that_kill_their_workers_become_dead_letters() {
    repeat(repetitions(), async |_| {
        let backend = Backend::dynamodb_sqs().await;
        let (endpoint, queue) = (backend.setting("AWS_ENDPOINT_URL"), backend.setting("A2A_PUSH_QUEUE_URL"));
        let known = sqs(endpoint, "GetQueueAttributes", json!({"QueueUrl": queue, "AttributeNames": ["RedrivePolicy"]})).await;
        let mut policy: Value = serde_json::from_str(known["Attributes"]["RedrivePolicy"].as_str().unwrap()).unwrap();
        policy["maxReceiveCount"] = json!(MOST_RECEIPTS);
        sqs(endpoint, "SetQueueAttributes", json!({"QueueUrl": queue, "Attributes": {"RedrivePolicy": policy.to_string()}})).await;
        let dead_letters = queue.replace("deliver-push", "deliver-push-dead");

        let oracle = Oracle::of_processes().await;
        let gateway = backend.gateway_of_processes(&[("deliver-push", "kill:before-webhook")]).await;
        let message = Message::new("deadly", Way::Blocking, 1, 0);
        assert_eq!(oracle.send(&gateway.base, &message).await, Ending::Done, "the task isn't the webhook's");
        let mut letters = Vec::new();
        until("a dead letter", async || {
            let received = sqs(endpoint, "ReceiveMessage", json!({"QueueUrl": dead_letters, "MaxNumberOfMessages": 1})).await;
            letters.extend(received["Messages"].as_array().into_iter().flatten().cloned());
            !letters.is_empty()
        })
        .await;
        let letter: Value = serde_json::from_str(letters[0]["Body"].as_str().unwrap()).unwrap();
        assert_eq!(letter["taskId"], oracle.task("deadly"), "{letter}");
        assert!(oracle.inbox.bodies("deadly").is_empty());
        assert_eq!(oracle.client.health(&gateway.base).await, 200);
    })
    .await;
}

/// What nobody can read.
#[tokio::test]
async fn sqs_messages_that_are_no_work_become_dead_letters_at_once() {
    let backend = Backend::dynamodb_sqs().await;
    let (endpoint, queue) = (backend.setting("AWS_ENDPOINT_URL"), backend.setting("A2A_QUEUE_URL"));
    let oracle = Oracle::of_processes().await;
    let gateway = backend.gateway_of_processes(&[]).await;
    sqs(endpoint, "SendMessage", json!({"QueueUrl": queue, "MessageBody": "no work"})).await;
    assert_eq!(oracle.send(&gateway.base, &Message::new("beside", Way::Queued, 2, 0)).await, Ending::Done);
    let mut letters = Vec::new();
    until("a dead letter", async || {
        let receive = json!({"QueueUrl": format!("{queue}-dead"), "MessageAttributeNames": ["All"]});
        letters.extend(sqs(endpoint, "ReceiveMessage", receive).await["Messages"].as_array().into_iter().flatten().cloned());
        !letters.is_empty()
    })
    .await;
    assert_eq!(letters[0]["Body"], "no work");
    assert_eq!(letters[0]["MessageAttributes"]["Reason"]["StringValue"], "the message is no work");
    oracle.verify(&gateway.base).await;
}
