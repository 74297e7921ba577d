//! The functions of the queues over SQS itself: real messages, and what Lambda does with the ones that aren't reported.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    types::{Message, MessageSystemAttributeName, QueueAttributeName},
};
use edge::{Answers, EdgeSettings, SqsEvent};
use engine::{
    CredentialKey, Engine, EngineSettings, Ports, WebhookKey,
    ports::{Clock, CredentialKeys, QueueName, StoreError, SystemClock},
};
use guard::{Blocks, Guard, GuardSettings, LimitSettings, Limits};

use crate::*;

/// A server of the functions in Lambda, over SQS.
struct OverSqs {
    server: Server,
    client: Client,
    run_task: String,
    deliver_push: String,
}

impl OverSqs {
    async fn new() -> Self {
        Self::with("").await
    }

    /// The queue for webhooks is one of posts that are ready.
    async fn handing_over() -> Self {
        Self::with(".fifo").await
    }

    async fn with(suffix: &str) -> Self {
        let config = tests::servers::aws_config();
        let client = Client::new(&config);
        let name = tests::servers::unique_name();
        let make = async |name: String| {
            let request = client.create_queue();
            let request = if name.ends_with(".fifo") { request.attributes(QueueAttributeName::FifoQueue, "true") } else { request };
            request.queue_name(name).send().await.unwrap().queue_url.unwrap()
        };
        let (run_task, deliver_push) = (make(format!("{name}-run")).await, make(format!("{name}-push{suffix}")).await);
        let server = Server::with(&[("AWS_LAMBDA_FUNCTION_NAME", "run-task"), ("A2A_PUSH_ALLOW_LOOPBACK", "1")]).await;
        let rows = Arc::new(store::SqliteDatabase::open(server._directory.path().join("a2a.db")).unwrap());
        let server = over(server, rows, run_task.clone(), Some(deliver_push.clone()));
        OverSqs { server, client, run_task, deliver_push }
    }

    /// The function that makes posts: it has their queue, and a database that nobody can reach.
    async fn outside(&self) -> OverSqs {
        const NOWHERE: &str = "postgres://ann@127.0.0.1:1/a2a";
        let settings = [("A2A_DATABASE_URL", NOWHERE), ("AWS_LAMBDA_FUNCTION_NAME", "deliver-push"), ("A2A_PUSH_ALLOW_LOOPBACK", "1")];
        let rows = Arc::new(store::PostgresDatabase::open(NOWHERE, 1).unwrap());
        let server = over(Server::with(&settings).await, rows, self.deliver_push.clone(), None);
        OverSqs { server, client: self.client.clone(), run_task: self.deliver_push.clone(), deliver_push: self.deliver_push.clone() }
    }

    /// Sends a message that is answered at once, and gives the task's id.
    async fn queue_a_task(&self, configuration: Value) -> Value {
        let mut params = message(&uuid::Uuid::now_v7().to_string(), "hello");
        params["configuration"] = configuration;
        let sent = self.server.call("SendMessage", params).await;
        assert_eq!(sent["result"]["task"]["status"]["state"], "TASK_STATE_SUBMITTED", "{sent}");
        sent["result"]["task"]["id"].clone()
    }

    /// A batch as the event source mapping takes it, each message hidden for a minute.
    async fn receive(&self, url: &str) -> Vec<Message> {
        let receive = self.client.receive_message().queue_url(url).max_number_of_messages(10).visibility_timeout(60).wait_time_seconds(10);
        receive.message_system_attribute_names(MessageSystemAttributeName::All).send().await.unwrap().messages.unwrap_or_default()
    }

    /// What is there by now.
    async fn receive_now(&self, url: &str) -> Vec<Message> {
        let receive = self.client.receive_message().queue_url(url).max_number_of_messages(10).visibility_timeout(60);
        receive.message_system_attribute_names(MessageSystemAttributeName::All).send().await.unwrap().messages.unwrap_or_default()
    }

    /// Calls the function, then deletes what it doesn't report, as Lambda does. Gives what it reported.
    async fn invoke(&self, url: &str, messages: &[Message]) -> Vec<String> {
        let queue = url.rsplit('/').next().unwrap();
        let records: Vec<_> = messages.iter().map(|message| record(queue, message)).collect();
        let event: SqsEvent = serde_json::from_value(json!({"Records": records})).unwrap();
        let response = serde_json::to_value(edge::work(self.server.app.clone(), event).await).unwrap();
        let failures = response["batchItemFailures"].as_array().unwrap();
        let failed: Vec<String> = failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect();
        for message in messages.iter().filter(|message| !failed.contains(message.message_id.as_ref().unwrap())) {
            let receipt = message.receipt_handle.clone().unwrap();
            // Whether it is still there or not.
            let _ = self.client.delete_message().queue_url(url).receipt_handle(receipt).send().await;
        }
        failed
    }

    async fn state(&self, task_id: &Value) -> Value {
        self.server.call("GetTask", json!({"id": task_id})).await["result"].clone()
    }

    async fn depth(&self, queue: QueueName) -> u64 {
        self.server.app.ports.queue.depth(queue).await.unwrap()
    }
}

/// The same server over queues of SQS.
fn over(mut server: Server, rows: Arc<dyn store::JobRows>, run_task: String, deliver_push: Option<String>) -> Server {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let queue = Arc::new(queue::SqsWorkQueue::new(async || tests::servers::aws_config(), run_task, deliver_push, rows, clock));
    let ports = Ports { queue, ..server.app.ports.clone() };
    let settings = EngineSettings {
        outlives_response: false,
        webhook_key: Some(WebhookKey::Known(b"0123456789"[..].into())),
        credential_keys: Some(Arc::new(OneKey)),
        ..EngineSettings::default()
    };
    let guard = Guard::new(GuardSettings::default());
    let edge = EdgeSettings { request_timeout: Duration::from_secs(5), ..EdgeSettings::default() };
    let blocks = Blocks::new(Arc::new(store::SqliteDatabase::temporary().unwrap()), None, None);
    let limits = Limits::new(LimitSettings::default(), None);
    server.app = App::new(Engine::new(ports, settings), guard, (blocks, limits), None, server.app.audit.clone(), edge, Answers::ALL);
    server
}

/// What the operator gives to both functions.
struct OneKey;

#[async_trait::async_trait]
impl CredentialKeys for OneKey {
    async fn newest(&self) -> Result<Arc<CredentialKey>, StoreError> {
        CredentialKey::derived_from("0123456789abcdef0123456789abcdef").map(Arc::new)
    }

    async fn of_id(&self, id: &str) -> Result<Option<Arc<CredentialKey>>, StoreError> {
        self.newest().await.map(|key| Some(key).filter(|key| key.id() == id))
    }
}

/// A message in the form that Lambda gives it.
fn record(queue: &str, message: &Message) -> Value {
    let attributes: serde_json::Map<_, _> =
        message.attributes.iter().flatten().map(|(name, value)| (name.as_str().to_owned(), json!(value))).collect();
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {},
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:123456789012:{queue}"),
        "awsRegion": "us-east-1"
    })
}

#[tokio::test]
async fn a_task_runs_once_however_often_its_message_comes() {
    let over = OverSqs::new().await;
    let task_id = over.queue_a_task(json!({"returnImmediately": true})).await;
    let messages = over.receive(&over.run_task).await;
    assert_eq!(messages.len(), 1);
    // The same delivery twice in a batch, another message for the same task, and later all of it again, when the messages are gone.
    over.client.send_message().queue_url(&over.run_task).message_body(messages[0].body.as_ref().unwrap()).send().await.unwrap();
    let batch = [messages.clone(), messages, over.receive(&over.run_task).await].concat();
    assert_eq!(batch.len(), 3);
    assert_eq!(over.invoke(&over.run_task, &batch).await, [""; 0]);
    let once = over.state(&task_id).await;
    assert_eq!(once["status"]["state"], "TASK_STATE_COMPLETED", "{once}");
    assert_eq!(once["artifacts"].as_array().unwrap().len(), 1);
    assert_eq!(over.depth(QueueName::RunTask).await, 0);
    assert_eq!(over.invoke(&over.run_task, &batch).await, [""; 0]);
    assert_eq!(over.state(&task_id).await, once);
}

#[tokio::test]
async fn of_a_batch_only_what_failed_comes_again_and_after_its_pause() {
    let over = OverSqs::new().await;
    // Nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let webhook = json!({"url": format!("http://{closed}/hook")});
    over.queue_a_task(json!({"returnImmediately": true, "taskPushNotificationConfig": webhook})).await;
    assert_eq!(over.invoke(&over.run_task, &over.receive(&over.run_task).await).await, [""; 0]);
    // One message for each commit; the first is enough here.
    let mut batch = over.receive(&over.deliver_push).await;
    for message in batch.split_off(1) {
        over.client.delete_message().queue_url(&over.deliver_push).receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
    }
    for body in ["nonsense", r#"{"type":"deliverPush","taskId":"gone","configId":"gone"}"#] {
        over.client.send_message().queue_url(&over.deliver_push).message_body(body).send().await.unwrap();
        batch.extend(over.receive(&over.deliver_push).await);
    }
    let ids: Vec<String> = batch.iter().map(|message| message.message_id.clone().unwrap()).collect();
    assert_eq!(over.invoke(&over.deliver_push, &batch).await, ids[..2]);
    // What isn't reported is gone; the rest is hidden, each for its own time.
    assert_eq!(over.depth(QueueName::DeliverPush).await, 2);
    // Long before the minute is over, because its first pause is a second.
    let again = over.receive(&over.deliver_push).await;
    assert_eq!(again.iter().map(|message| &message.body).collect::<Vec<_>>(), [&batch[0].body]);
    let attributes = again[0].attributes.as_ref().unwrap();
    assert_eq!(attributes[&MessageSystemAttributeName::ApproximateReceiveCount], "2");
}

#[tokio::test]
async fn a_message_that_no_version_can_read_is_a_dead_letter_after_three_receipts() {
    let over = OverSqs::new().await;
    let name = format!("{}-dead", over.run_task.rsplit('/').next().unwrap());
    let letters = over.client.create_queue().queue_name(&name).send().await.unwrap().queue_url.unwrap();
    let policy = json!({"deadLetterTargetArn": format!("arn:aws:sqs:us-east-1:123456789012:{name}"), "maxReceiveCount": "50"}).to_string();
    over.client.set_queue_attributes().queue_url(&over.run_task).attributes(QueueAttributeName::RedrivePolicy, policy).send().await.unwrap();
    over.client.send_message().queue_url(&over.run_task).message_body("nonsense").send().await.unwrap();
    let mut batch = over.receive(&over.run_task).await;
    let id = batch[0].message_id.clone().unwrap();
    for receipts in 1..=3 {
        let attributes = batch[0].attributes.as_mut().unwrap();
        attributes.insert(MessageSystemAttributeName::ApproximateReceiveCount, receipts.to_string());
        let failed = if receipts < 3 { vec![id.clone()] } else { Vec::new() };
        assert_eq!(over.invoke(&over.run_task, &batch).await, failed, "receipt {receipts}");
        // Hidden for others, or gone.
        assert!(over.receive_now(&over.run_task).await.is_empty());
    }
    assert_eq!(over.depth(QueueName::RunTask).await, 0);
    let letter = over.receive(&letters).await;
    assert_eq!(letter.iter().map(|message| message.body.as_deref().unwrap()).collect::<Vec<_>>(), ["nonsense"]);
}

#[tokio::test]
async fn a_function_without_the_database_tells_webhooks_what_another_had_ready() {
    let inside = OverSqs::handing_over().await;
    let outside = inside.outside().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = json!({"url": format!("http://{}/hook", listener.local_addr().unwrap()), "token": "the-token",
        "authentication": {"scheme": "Bearer", "credentials": "the-credentials"}});
    inside.queue_a_task(json!({"returnImmediately": true, "taskPushNotificationConfig": webhook})).await;
    // The task and its webhook's work come from one queue, posts go to the other.
    loop {
        let batch = inside.receive_now(&inside.run_task).await;
        if batch.is_empty() {
            break;
        }
        assert_eq!(inside.invoke(&inside.run_task, &batch).await, [""; 0]);
    }
    let waiting = inside.depth(QueueName::DeliverPush).await as usize;
    assert!(waiting > 1, "{waiting}");
    let make_posts = async {
        let mut made = 0;
        while made < waiting {
            for message in outside.receive(&outside.run_task).await {
                let body = message.body.as_deref().unwrap();
                assert!(body.contains("Bearer sealed.1.") && !body.contains("the-token") && !body.contains("the-credentials"), "{body}");
                assert_eq!(outside.invoke(&outside.run_task, &[message]).await, [""; 0]);
                made += 1;
            }
        }
    };
    let (heard, ()) = tokio::join!(hear(&listener, waiting), make_posts);
    let ends = heard.last().unwrap();
    assert_eq!(ends.1["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED", "{heard:?}");
    for (head, _) in &heard {
        assert!(head.contains("x-a2a-notification-token: the-token") && head.contains("authorization: bearer the-credentials"), "{head}");
        assert!(head.contains("x-a2a-signature: t="), "{head}");
    }
}
