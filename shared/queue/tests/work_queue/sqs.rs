//! What holds for SQS alone: the way from the outbox to the queue, SQS's own time, dead letters.

use aws_config::SdkConfig;
use aws_sdk_sqs::{Client, types::QueueAttributeName};
use queue::SqsWorkQueue;
use store::TakenJob;

use super::*;

/// Queues of a test's own.
#[derive(Clone)]
pub struct Queues {
    config: SdkConfig,
    client: Client,
    run_task: String,
    deliver_push: Option<String>,
    dead_letters: Option<String>,
}

/// Which queues there are.
#[derive(Clone, Copy)]
pub struct Shape {
    one_for_both: bool,
    dead_letters: bool,
    /// The queue for webhooks, and so its dead letters.
    fifo: bool,
}

pub const TWO: Shape = Shape { one_for_both: false, dead_letters: true, fifo: false };
const ONE: Shape = Shape { one_for_both: true, ..TWO };
const WITHOUT_DEAD_LETTERS: Shape = Shape { dead_letters: false, ..TWO };
const FIFO: Shape = Shape { fifo: true, ..TWO };

const SECOND: Duration = Duration::from_secs(1);
/// More than anything here takes.
const LONG: Duration = Duration::from_secs(20);

impl Queues {
    pub async fn new(shape: Shape) -> Queues {
        let config = tests::servers::aws_config();
        let client = Client::new(&config);
        let name = tests::servers::unique_name();
        let suffix = if shape.fifo { ".fifo" } else { "" };
        let policy = json_policy(&format!("{name}-dead{suffix}"));
        let make = async |name: String, dead_letters: bool| {
            let mut request = client.create_queue();
            if name.ends_with(".fifo") {
                request = request.attributes(QueueAttributeName::FifoQueue, "true");
            }
            if dead_letters {
                request = request.attributes(QueueAttributeName::RedrivePolicy, policy.clone());
            }
            request.queue_name(name).send().await.unwrap().queue_url.unwrap()
        };
        let dead_letters = if shape.dead_letters { Some(make(format!("{name}-dead{suffix}"), false).await) } else { None };
        let run_task = make(format!("{name}-run"), shape.dead_letters && !shape.fifo).await;
        let deliver_push = if shape.one_for_both { None } else { Some(make(format!("{name}-push{suffix}"), shape.dead_letters).await) };
        Queues { config, client, run_task, deliver_push, dead_letters }
    }

    /// Over rows of a new database.
    pub fn given(&self) -> Given {
        let database = store::SqliteDatabase::temporary().unwrap();
        let rows: Arc<dyn JobRows> = Arc::new(database.clone());
        let clock = Arc::new(ManualClock::default());
        Given { queue: self.over(rows.clone(), clock.clone()), tasks: Arc::new(store::SqliteTaskStore::new(database)), rows, clock }
    }

    /// As seen by those who make posts: the queue for them is all that they have.
    fn given_outside(&self) -> Given {
        let outside = Queues { run_task: self.deliver_push.clone().unwrap(), deliver_push: None, ..self.clone() };
        outside.given()
    }

    fn over(&self, rows: Arc<dyn JobRows>, clock: Arc<ManualClock>) -> Arc<dyn WorkQueue> {
        let config = self.config.clone();
        Arc::new(SqsWorkQueue::new(move || std::future::ready(config.clone()), self.run_task.clone(), self.deliver_push.clone(), rows, clock))
    }

    async fn send(&self, body: &str) {
        self.client.send_message().queue_url(&self.run_task).message_body(body).send().await.unwrap();
    }

    /// Bodies and reasons of the dead letters.
    async fn dead_letters(&self) -> Vec<(String, String)> {
        let received = self.client.receive_message().queue_url(self.dead_letters.as_ref().unwrap()).message_attribute_names("All");
        let messages = received.max_number_of_messages(10).wait_time_seconds(2).send().await.unwrap().messages.unwrap_or_default();
        let reason = |message: &aws_sdk_sqs::types::Message| {
            message.message_attributes.as_ref().and_then(|all| all.get("Reason")?.string_value.clone()).unwrap_or_default()
        };
        messages.into_iter().map(|message| (message.body.clone().unwrap_or_default(), reason(&message))).collect()
    }
}

fn json_policy(dead_letters: &str) -> String {
    format!(r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:{dead_letters}","maxReceiveCount":"50"}}"#)
}

impl Given {
    /// Waits for messages as a worker does.
    async fn wait_for(&self, visibility: Duration) -> Vec<Delivery> {
        self.queue.receive(QueueName::RunTask, 10, visibility, LONG).await.unwrap()
    }

    async fn works(&self) -> Vec<Work> {
        self.receive(10).await.into_iter().map(|delivery| delivery.work).collect()
    }
}

#[tokio::test]
async fn what_is_sent_leaves_the_outbox() {
    let given = Queues::new(TWO).await.given();
    given.queue(vec![run("t")]).await;
    assert_eq!(given.rows.depth(QueueName::RunTask).await.unwrap(), 0);
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 1);
    let delivery = given.receive_one().await;
    assert_eq!((&delivery.work, delivery.attempt), (&run("t"), 1));
    // Out with a worker it still counts.
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 1);
    given.queue.complete(&delivery).await.unwrap();
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 0);
}

#[tokio::test]
async fn more_than_a_batch_is_sent_at_once() {
    let given = Queues::new(TWO).await.given();
    let work: Vec<Work> = (0..25).map(|n| Work::DeliverPush { task_id: "t".into(), config_id: format!("p-{n}") }).collect();
    given.queue(work.clone()).await;
    let mut seen = HashSet::new();
    while seen.len() < 25 {
        let deliveries = given.queue.receive(QueueName::DeliverPush, 25, MINUTE, LONG).await.unwrap();
        assert!((1..=10).contains(&deliveries.len()));
        seen.extend(deliveries.into_iter().map(|delivery| delivery.work));
    }
    assert_eq!(seen, work.into_iter().collect());
}

#[tokio::test]
async fn work_that_nobody_announced_is_carried_by_the_sweep() {
    let given = Queues::new(TWO).await.given();
    given.commit("t", vec![run("t"), Work::DeliverPush { task_id: "t".into(), config_id: "p".into() }]).await;
    assert_eq!(given.receive(10).await, []);
    given.queue.recover().await.unwrap();
    assert_eq!(given.works().await, [run("t")]);
    assert_eq!(given.queue.receive(QueueName::DeliverPush, 10, MINUTE, Duration::ZERO).await.unwrap().len(), 1);
    given.queue.recover().await.unwrap();
    assert_eq!(given.receive(10).await, []);
}

#[tokio::test]
async fn a_crash_before_the_send_loses_nothing() {
    let given = Queues::new(TWO).await.given();
    given.commit("t", vec![run("t")]).await;
    assert_eq!(given.rows.take_these(&[run("t")], given.clock.now() + 30 * SECOND).await.unwrap().len(), 1);
    given.queue.recover().await.unwrap();
    assert_eq!(given.receive(10).await, []);
    given.pass(30);
    given.queue.recover().await.unwrap();
    assert_eq!(given.works().await, [run("t")]);
}

#[tokio::test]
async fn a_crash_after_the_send_sends_twice_and_both_can_be_done() {
    let queues = Queues::new(TWO).await;
    let given = queues.given();
    given.commit("t", vec![run("t")]).await;
    assert_eq!(given.rows.take_these(&[run("t")], given.clock.now() + 30 * SECOND).await.unwrap().len(), 1);
    queues.send(r#"{"type":"runTask","taskId":"t"}"#).await;
    given.pass(30);
    given.queue.recover().await.unwrap();
    let deliveries = given.receive(10).await;
    assert_eq!(deliveries.iter().map(|delivery| &delivery.work).collect::<Vec<_>>(), [&run("t"), &run("t")]);
    for delivery in &deliveries {
        given.queue.complete(delivery).await.unwrap();
    }
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 0);
}

#[tokio::test]
async fn what_can_not_be_sent_waits_for_the_next_try() {
    let queues = Queues::new(TWO).await;
    let given = queues.given();
    given.commit("t", vec![run("t")]).await;
    let elsewhere = Queues { run_task: format!("{}-nowhere", queues.run_task), ..Queues::new(TWO).await };
    let nowhere = elsewhere.over(given.rows.clone(), given.clock.clone());
    let error = nowhere.announce(&[run("t")]).await.unwrap_err().to_string();
    assert!(error.contains("-nowhere"), "{error}");
    assert!(nowhere.recover().await.is_err());
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 1);
    given.queue.announce(&[run("t")]).await.unwrap();
    assert_eq!(given.works().await, [run("t")]);
}

/// Rows whose task is queued again at the worst moment: when its message was sent and its row isn't ended yet.
struct QueuedAgain {
    rows: Arc<dyn JobRows>,
    tasks: Arc<dyn TaskStore>,
    times: AtomicI64,
}

#[async_trait::async_trait]
impl JobRows for QueuedAgain {
    async fn finish(&self, work: &Work, delivery: u64, now: DateTime<Utc>) -> Result<bool, engine::ports::StoreError> {
        if self.times.fetch_sub(1, SeqCst) > 0 {
            let version = self.tasks.task_of_any_owner("t", engine::ports::View::STATUS).await?.unwrap().version;
            self.tasks.commit(Arc::new(change("t", Expect::Version(version), vec![work.clone()], now))).await?;
            // Whoever committed it finds the row in other hands.
            assert_eq!(self.rows.take_these(std::slice::from_ref(work), now).await?, []);
        }
        self.rows.finish(work, delivery, now).await
    }

    async fn next_due(&self, queue: QueueName) -> Result<Option<DateTime<Utc>>, engine::ports::StoreError> {
        self.rows.next_due(queue).await
    }

    async fn take(&self, queue: QueueName, max: u32, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<TakenJob>, engine::ports::StoreError> {
        self.rows.take(queue, max, now, until).await
    }

    async fn take_these(&self, work: &[Work], until: DateTime<Utc>) -> Result<Vec<TakenJob>, engine::ports::StoreError> {
        self.rows.take_these(work, until).await
    }

    async fn extend(&self, work: &Work, delivery: u64, until: DateTime<Utc>) -> Result<(), engine::ports::StoreError> {
        self.rows.extend(work, delivery, until).await
    }

    async fn retry(&self, work: &Work, delivery: u64, now: DateTime<Utc>, due: DateTime<Utc>) -> Result<(), engine::ports::StoreError> {
        self.rows.retry(work, delivery, now, due).await
    }

    async fn park(&self, work: &Work, delivery: u64, now: DateTime<Utc>, reason: &str) -> Result<(), engine::ports::StoreError> {
        self.rows.park(work, delivery, now, reason).await
    }

    async fn depth(&self, queue: QueueName) -> Result<u64, engine::ports::StoreError> {
        self.rows.depth(queue).await
    }

    async fn dead_letters(&self, queue: QueueName, limit: u32) -> Result<Vec<(Work, String)>, engine::ports::StoreError> {
        self.rows.dead_letters(queue, limit).await
    }
}

#[tokio::test]
async fn work_queued_again_on_its_way_is_sent_again() {
    for recovered in [false, true] {
        let queues = Queues::new(TWO).await;
        let given = queues.given();
        let rows = QueuedAgain { rows: given.rows.clone(), tasks: given.tasks.clone(), times: AtomicI64::new(2) };
        let queue = queues.over(Arc::new(rows), given.clock.clone());
        given.commit("t", vec![run("t")]).await;
        match recovered {
            false => queue.announce(&[run("t")]).await.unwrap(),
            true => queue.recover().await.unwrap(),
        }
        assert_eq!(given.works().await, [run("t"), run("t"), run("t")]);
        assert_eq!(given.rows.depth(QueueName::RunTask).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn hidden_messages_come_again_after_their_time() {
    let given = Queues::new(TWO).await.given();
    given.queue(vec![run("t")]).await;
    let first = given.wait_for(SECOND).await;
    let again = given.wait_for(MINUTE).await;
    let of = |deliveries: &[Delivery]| deliveries.iter().map(|delivery| (delivery.attempt, delivery.queued_at)).collect::<Vec<_>>();
    assert_eq!((first.len(), of(&again)), (1, vec![(2, first[0].queued_at)]));
    assert!(first[0].queued_at.timestamp() > 1_700_000_000);
}

#[tokio::test]
async fn work_in_progress_stays_out_of_sight_and_given_back_it_comes_after_its_delay() {
    let given = Queues::new(TWO).await.given();
    given.queue(vec![run("t")]).await;
    let delivery = given.wait_for(SECOND).await.remove(0);
    given.queue.extend(&delivery, MINUTE).await.unwrap();
    assert_eq!(given.queue.receive(QueueName::RunTask, 1, MINUTE, 2 * SECOND).await.unwrap(), []);
    given.queue.retry(&delivery, Duration::ZERO).await.unwrap();
    let delivery = given.receive_one().await;
    assert_eq!(delivery.attempt, 2);
    given.queue.retry(&delivery, Duration::from_millis(900)).await.unwrap();
    assert_eq!(given.receive(10).await, []);
    assert_eq!(given.wait_for(MINUTE).await[0].attempt, 3);
}

#[tokio::test]
async fn receipts_of_what_is_gone_change_nothing() {
    let given = Queues::new(TWO).await.given();
    given.queue(vec![run("t")]).await;
    let delivery = given.receive_one().await;
    for _ in 0..2 {
        given.queue.complete(&delivery).await.unwrap();
        given.queue.extend(&delivery, MINUTE).await.unwrap();
        given.queue.retry(&delivery, Duration::ZERO).await.unwrap();
    }
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_given_up_goes_to_the_dead_letters_with_its_reason() {
    for shape in [TWO, ONE] {
        let queues = Queues::new(shape).await;
        let given = queues.given();
        given.queue(vec![run("t")]).await;
        given.queue.park(&given.receive_one().await, "it never works:\nsee the log").await.unwrap();
        assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 0);
        let letters = queues.dead_letters().await;
        assert_eq!(letters, [(r#"{"type":"runTask","taskId":"t"}"#.to_owned(), "it never works: see the log".to_owned())]);
    }
}

#[tokio::test]
async fn without_dead_letters_what_is_given_up_stays_hidden_in_the_queue() {
    let given = Queues::new(WITHOUT_DEAD_LETTERS).await.given();
    given.queue(vec![run("t")]).await;
    let delivery = given.wait_for(SECOND).await.remove(0);
    given.queue.park(&delivery, "it never works").await.unwrap();
    assert_eq!(given.queue.receive(QueueName::RunTask, 1, MINUTE, 2 * SECOND).await.unwrap(), []);
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 1);
}

#[tokio::test]
async fn a_message_that_is_no_work_is_put_away_and_holds_nothing_up() {
    let queues = Queues::new(TWO).await;
    let given = queues.given();
    for body in ["nonsense", r#"{"type":"somethingNew"}"#] {
        queues.send(body).await;
    }
    given.queue(vec![run("t")]).await;
    assert_eq!(given.works().await, [run("t")]);
    let bodies: HashSet<String> = queues.dead_letters().await.into_iter().map(|(body, _)| body).collect();
    assert_eq!(bodies, HashSet::from(["nonsense".to_owned(), r#"{"type":"somethingNew"}"#.to_owned()]));
}

#[tokio::test]
async fn one_queue_can_carry_both_kinds() {
    let given = Queues::new(ONE).await.given();
    let push = Work::DeliverPush { task_id: "t".into(), config_id: "p".into() };
    given.queue(vec![run("t"), push.clone()]).await;
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 2);
    assert_eq!(given.queue.depth(QueueName::DeliverPush).await.unwrap(), 0);
    assert_eq!(given.queue.receive(QueueName::DeliverPush, 10, MINUTE, Duration::ZERO).await.unwrap(), []);
    let deliveries = given.receive(10).await;
    let works: HashSet<&Work> = deliveries.iter().map(|delivery| &delivery.work).collect();
    assert_eq!(works, HashSet::from([&run("t"), &push]));
    for delivery in &deliveries {
        given.queue.retry(delivery, Duration::ZERO).await.unwrap();
    }
    let again = given.receive(10).await;
    assert_eq!(again.len(), 2);
    for delivery in &again {
        given.queue.complete(delivery).await.unwrap();
    }
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 0);
}

fn post(config_id: &str, sequence: u64) -> ReadyPost {
    ReadyPost {
        task_id: "t".into(),
        config_id: config_id.into(),
        sequence,
        url: "https://example.com/hook".into(),
        headers: vec![("Authorization".into(), "Bearer secret".into())],
        body: format!("{{\"of\":{sequence}}}"),
    }
}

#[tokio::test]
async fn only_a_fifo_queue_takes_posts() {
    for shape in [TWO, ONE] {
        let given = Queues::new(shape).await.given();
        assert_eq!(given.queue.hand_over(&post("p", 1)).await.unwrap(), HandedOver::No);
    }
    let given = Queues::new(FIFO).await.given();
    // What is to be made ready travels with the tasks.
    let push = Work::DeliverPush { task_id: "t".into(), config_id: "p".into() };
    given.queue(vec![push.clone()]).await;
    assert_eq!(given.works().await, [push]);
}

#[tokio::test]
async fn posts_come_once_and_in_the_order_of_their_webhook() {
    let queues = Queues::new(FIFO).await;
    let (inside, outside) = (queues.given(), queues.given_outside());
    for sequence in [1, 2, 1, 3, 2] {
        assert_eq!(inside.queue.hand_over(&post("p", sequence)).await.unwrap(), HandedOver::Yes);
    }
    assert_eq!(inside.queue.hand_over(&post("another", 1)).await.unwrap(), HandedOver::Yes);
    // A post that is put off holds back those behind it, and nobody else's.
    let first = outside.queue.receive(QueueName::RunTask, 1, MINUTE, LONG).await.unwrap().remove(0);
    assert_eq!(first.work, Work::PostWebhook(post("p", 1)));
    outside.queue.retry(&first, SECOND).await.unwrap();
    let other = outside.queue.receive(QueueName::RunTask, 1, MINUTE, Duration::ZERO).await.unwrap().remove(0);
    assert_eq!(other.work, Work::PostWebhook(post("another", 1)));
    outside.queue.complete(&other).await.unwrap();
    for (sequence, attempt) in [(1, 2), (2, 1), (3, 1)] {
        let next = outside.queue.receive(QueueName::RunTask, 1, MINUTE, LONG).await.unwrap().remove(0);
        assert_eq!((&next.work, next.attempt), (&Work::PostWebhook(post("p", sequence)), attempt));
        outside.queue.complete(&next).await.unwrap();
    }
    assert_eq!(outside.queue.depth(QueueName::RunTask).await.unwrap(), 0);
}

#[tokio::test]
async fn a_post_that_is_given_up_lies_in_order_too() {
    let queues = Queues::new(FIFO).await;
    let (inside, outside) = (queues.given(), queues.given_outside());
    inside.queue.hand_over(&post("p", 1)).await.unwrap();
    let delivery = outside.receive_one().await;
    outside.queue.park(&delivery, "it answered 500").await.unwrap();
    let body = serde_json::to_string(&Work::PostWebhook(post("p", 1))).unwrap();
    assert_eq!(queues.dead_letters().await, [(body, "it answered 500".into())]);
}

#[tokio::test]
async fn a_post_that_no_message_takes_is_refused_with_its_size() {
    let queues = Queues::new(FIFO).await;
    let inside = queues.given();
    let large = ReadyPost { body: "x".repeat(1024 * 1024), ..post("p", 1) };
    let outcome = inside.queue.hand_over(&large).await.unwrap();
    assert!(matches!(&outcome, HandedOver::Never { reason } if reason.contains("1048")), "{outcome:?}");
}
