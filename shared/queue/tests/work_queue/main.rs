//! What every work queue must do, whatever holds the work. A backend adds its line at the end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails a test")]

mod postgres;
mod sqs;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use engine::ports::{Change, Clock, Committed, Delivery, Expect, HandedOver, NewTask, QueueName, ReadyPost, TaskStore, Work, WorkQueue};
use futures::future::join_all;
use protocol::{
    Dialect,
    types::{TaskState, TaskStatus},
};
use store::JobRows;

macro_rules! work_queue {
    ($backend:ident, $make:path) => {
        work_queue! { $backend, $make; committed_work_is_delivered_once, refused_changes_queue_nothing, queues_are_apart, the_same_work_twice_is_one_piece,
            hidden_work_comes_again_after_its_time, work_in_progress_stays_hidden, retried_work_comes_after_its_delay, work_queued_again_in_progress_comes_again,
            work_queued_again_while_waiting_is_due_now, a_failing_webhook_keeps_its_pause, an_old_receipt_changes_nothing, parked_work_does_not_come_again, a_waiting_worker_is_woken,
            a_worker_waits_no_longer_than_it_said, many_workers_share_the_work, work_of_a_deleted_task_is_gone, dead_letters_keep_their_reason,
            waiting_work_can_be_taken_by_name }
    };
    ($backend:ident, $make:path; $($fact:ident),+) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $fact() {
                    super::$fact($make().await).await;
                }
            )+
        }
    };
}

/// A queue with the store that fills it and the clock that both go by.
struct Given {
    queue: Arc<dyn WorkQueue>,
    tasks: Arc<dyn TaskStore>,
    rows: Arc<dyn JobRows>,
    clock: Arc<ManualClock>,
}

work_queue!(rows_in_sqlite, crate::rows_in_sqlite);
work_queue!(rows_in_postgres, crate::rows_in_postgres);
work_queue!(rows_in_dynamodb, crate::rows_in_dynamodb);
// SQS keeps its own time, and sends again what is queued again; `sqs.rs` has the facts for that.
work_queue!(sqs_over_rows_in_sqlite, crate::sqs_over_rows_in_sqlite; refused_changes_queue_nothing, queues_are_apart, a_waiting_worker_is_woken,
    a_worker_waits_no_longer_than_it_said, many_workers_share_the_work);

async fn rows_in_dynamodb() -> Given {
    let database = store::DynamoDbDatabase::new(tests::servers::unique_name(), async || tests::servers::aws_config());
    database.create_table().await.unwrap();
    Given::rows(Arc::new(database.clone()), Arc::new(store::DynamoDbTaskStore::new(database)))
}

async fn rows_in_sqlite() -> Given {
    let database = store::SqliteDatabase::temporary().unwrap();
    Given::rows(Arc::new(database.clone()), Arc::new(store::SqliteTaskStore::new(database)))
}

async fn rows_in_postgres() -> Given {
    let database = store::PostgresDatabase::open(&tests::servers::postgres_database().await, 10).unwrap();
    database.migrate().await.unwrap();
    Given::rows(Arc::new(database.clone()), Arc::new(store::PostgresTaskStore::new(database)))
}

async fn sqs_over_rows_in_sqlite() -> Given {
    sqs::Queues::new(sqs::TWO).await.given()
}

/// Moves only when told to.
#[derive(Default)]
struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + self.0.load(SeqCst), 0).unwrap()
    }
}

const MINUTE: Duration = Duration::from_secs(60);

fn run(task_id: &str) -> Work {
    Work::RunTask { task_id: task_id.into() }
}

impl Given {
    /// The queue that the job rows are by themselves.
    fn rows(rows: Arc<dyn JobRows>, tasks: Arc<dyn TaskStore>) -> Given {
        let clock = Arc::new(ManualClock::default());
        Given { queue: Arc::new(queue::RowsWorkQueue::new(rows.clone(), clock.clone())), tasks, rows, clock }
    }

    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, SeqCst);
    }

    async fn commit(&self, task_id: &str, work: Vec<Work>) -> Committed {
        let stands_at = self.tasks.task_of_any_owner(task_id, engine::ports::View::STATUS).await.unwrap().map(|stored| stored.version);
        let expect = stands_at.map_or_else(|| Expect::New(new_task()), Expect::Version);
        self.tasks.commit(Arc::new(change(task_id, expect, work, self.clock.now()))).await.unwrap()
    }

    async fn queue(&self, work: Vec<Work>) {
        let Some(Work::RunTask { task_id } | Work::DeliverPush { task_id, .. }) = work.first() else { return };
        assert_eq!(self.commit(task_id, work.clone()).await, Committed::Done);
        self.queue.announce(&work).await.unwrap();
    }

    async fn receive(&self, max: u32) -> Vec<Delivery> {
        self.queue.receive(QueueName::RunTask, max, MINUTE, Duration::ZERO).await.unwrap()
    }

    async fn receive_one(&self) -> Delivery {
        let mut deliveries = self.receive(10).await;
        assert_eq!(deliveries.len(), 1);
        deliveries.remove(0)
    }
}

/// Work of another process isn't announced: without a hint it would be seen at the next look, seconds later.
#[tokio::test]
async fn a_waiting_worker_looks_for_the_work_of_others_when_told_to() {
    let given = rows_in_sqlite().await;
    let waiting = given.queue.receive(QueueName::RunTask, 1, MINUTE, MINUTE);
    let other = async {
        // The first look has found nothing by then.
        tokio::time::sleep(Duration::from_millis(100)).await;
        given.commit("t1", vec![run("t1")]).await;
        given.queue.look();
    };
    let begun = std::time::Instant::now();
    let (received, ()) = tokio::join!(waiting, other);
    assert_eq!(received.unwrap()[0].work, run("t1"));
    assert!(begun.elapsed() < Duration::from_secs(4), "it was found without the hint: {:?}", begun.elapsed());
}

fn new_task() -> NewTask {
    NewTask { owner: "o".into(), agent: "a".into(), context_id: "c".into(), dialect: Dialect::V1_0, caller_role: "public".into() }
}

fn change(task_id: &str, expect: Expect, work: Vec<Work>, now: DateTime<Utc>) -> Change {
    let status = TaskStatus { state: TaskState::Completed, message: None, timestamp: Some(now) };
    Change { work, ..Change::of_status(task_id, expect, status, now) }
}

async fn committed_work_is_delivered_once(given: Given) {
    assert_eq!(given.receive(10).await, []);
    given.queue(vec![run("t")]).await;
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 1);
    let delivery = given.receive_one().await;
    assert_eq!((&delivery.work, delivery.attempt, delivery.queued_at), (&run("t"), 1, given.clock.now()));
    assert_eq!(given.receive(10).await, []);
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 1);
    given.queue.complete(&delivery).await.unwrap();
    given.pass(3600);
    assert_eq!(given.receive(10).await, []);
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 0);
}

async fn refused_changes_queue_nothing(given: Given) {
    given.commit("t", vec![]).await;
    let refused = change("t", Expect::Version(7), vec![run("t")], given.clock.now());
    assert_eq!(given.tasks.commit(Arc::new(refused)).await.unwrap(), Committed::Conflict);
    let refused = change("t", Expect::New(new_task()), vec![run("t")], given.clock.now());
    assert_eq!(given.tasks.commit(Arc::new(refused)).await.unwrap(), Committed::Conflict);
    assert_eq!(given.receive(10).await, []);
}

async fn queues_are_apart(given: Given) {
    let push = Work::DeliverPush { task_id: "t".into(), config_id: "p".into() };
    given.queue(vec![run("t"), push.clone()]).await;
    assert_eq!(given.receive_one().await.work, run("t"));
    let pushes = given.queue.receive(QueueName::DeliverPush, 10, MINUTE, Duration::ZERO).await.unwrap();
    assert_eq!(pushes.into_iter().map(|delivery| delivery.work).collect::<Vec<_>>(), [push]);
    assert_eq!(given.queue.depth(QueueName::DeliverPush).await.unwrap(), 1);
}

async fn the_same_work_twice_is_one_piece(given: Given) {
    given.queue(vec![run("t"), run("t")]).await;
    given.queue(vec![run("t")]).await;
    let delivery = given.receive_one().await;
    given.queue.complete(&delivery).await.unwrap();
    assert_eq!(given.receive(10).await, []);
}

async fn hidden_work_comes_again_after_its_time(given: Given) {
    given.queue(vec![run("t")]).await;
    let queued_at = given.clock.now();
    given.receive_one().await;
    given.pass(59);
    assert_eq!(given.receive(10).await, []);
    given.pass(1);
    let again = given.receive_one().await;
    assert_eq!((&again.work, again.attempt, again.queued_at), (&run("t"), 2, queued_at));
}

async fn work_in_progress_stays_hidden(given: Given) {
    given.queue(vec![run("t")]).await;
    let delivery = given.receive_one().await;
    given.pass(50);
    given.queue.extend(&delivery, MINUTE).await.unwrap();
    given.pass(59);
    assert_eq!(given.receive(10).await, []);
    given.queue.complete(&delivery).await.unwrap();
    given.queue.extend(&delivery, MINUTE).await.unwrap();
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 0);

    given.queue(vec![run("t")]).await;
    let delivery = given.receive_one().await;
    given.queue.retry(&delivery, Duration::ZERO).await.unwrap();
    given.queue.extend(&delivery, MINUTE).await.unwrap();
    assert_eq!(given.receive_one().await.attempt, 2);
}

async fn retried_work_comes_after_its_delay(given: Given) {
    given.queue(vec![run("t")]).await;
    for attempt in 1..=4 {
        let delivery = given.receive_one().await;
        assert_eq!(delivery.attempt, attempt);
        given.queue.retry(&delivery, Duration::from_secs(10)).await.unwrap();
        given.pass(9);
        assert_eq!(given.receive(10).await, []);
        given.pass(1);
    }
}

async fn work_queued_again_in_progress_comes_again(given: Given) {
    type End = for<'a> fn(&'a dyn WorkQueue, &'a Delivery) -> futures::future::BoxFuture<'a, ()>;
    let ends: [End; 3] = [
        |queue, delivery| Box::pin(async { queue.complete(delivery).await.unwrap() }),
        |queue, delivery| Box::pin(async { queue.retry(delivery, MINUTE).await.unwrap() }),
        |queue, delivery| Box::pin(async { queue.park(delivery, "why").await.unwrap() }),
    ];
    for (n, end) in ends.into_iter().enumerate() {
        let task_id = format!("t-{n}");
        given.queue(vec![run(&task_id)]).await;
        let delivery = given.receive_one().await;
        given.queue(vec![run(&task_id)]).await;
        // Not at the same time.
        assert_eq!(given.receive(10).await, []);
        end(&*given.queue, &delivery).await;
        let again = given.receive_one().await;
        assert_eq!((&again.work, again.attempt), (&run(&task_id), 1));
        given.queue.complete(&again).await.unwrap();
        given.pass(3600);
        assert_eq!(given.receive(10).await, []);
    }
}

async fn work_queued_again_while_waiting_is_due_now(given: Given) {
    given.queue(vec![run("t")]).await;
    let delivery = given.receive_one().await;
    given.queue.retry(&delivery, MINUTE).await.unwrap();
    assert_eq!(given.receive(10).await, []);
    given.queue(vec![run("t")]).await;
    assert_eq!(given.receive_one().await.attempt, 1);
}

async fn a_failing_webhook_keeps_its_pause(given: Given) {
    let push = Work::DeliverPush { task_id: "t".into(), config_id: "p".into() };
    let received = async || given.queue.receive(QueueName::DeliverPush, 10, MINUTE, Duration::ZERO).await.unwrap();
    let tried = |deliveries: &[Delivery]| deliveries.iter().map(|delivery| (delivery.attempt, delivery.queued_at)).collect::<Vec<_>>();
    given.queue(vec![push.clone()]).await;
    let queued_at = given.clock.now();
    let first = received().await;
    given.queue.retry(&first[0], MINUTE).await.unwrap();
    // Queued again while it waits, and then while it is tried.
    given.pass(59);
    given.queue(vec![push.clone()]).await;
    assert_eq!(received().await, []);
    given.pass(1);
    let second = received().await;
    assert_eq!(tried(&second), [(2, queued_at)]);
    given.queue(vec![push.clone()]).await;
    given.queue.retry(&second[0], MINUTE).await.unwrap();
    given.pass(59);
    assert_eq!(received().await, []);
    given.pass(1);
    let third = received().await;
    assert_eq!(tried(&third), [(3, queued_at)]);
    // Once it has answered, what was queued meanwhile begins anew.
    given.queue(vec![push]).await;
    given.queue.complete(&third[0]).await.unwrap();
    assert_eq!(tried(&received().await), [(1, given.clock.now())]);
}

async fn an_old_receipt_changes_nothing(given: Given) {
    given.queue(vec![run("t")]).await;
    let old = given.receive_one().await;
    given.pass(60);
    let new = given.receive_one().await;
    given.queue.complete(&old).await.unwrap();
    given.queue.retry(&old, Duration::ZERO).await.unwrap();
    given.queue.extend(&old, Duration::ZERO).await.unwrap();
    given.queue.park(&old, "why").await.unwrap();
    assert_eq!(given.receive(10).await, []);
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 1);
    given.queue.complete(&new).await.unwrap();
    given.queue.complete(&new).await.unwrap();
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 0);
}

async fn parked_work_does_not_come_again(given: Given) {
    given.queue(vec![run("t")]).await;
    let delivery = given.receive_one().await;
    given.queue.park(&delivery, "it never works").await.unwrap();
    given.pass(3600);
    assert_eq!(given.receive(10).await, []);
    assert_eq!(given.queue.depth(QueueName::RunTask).await.unwrap(), 0);
    // Queued anew it is work like any other.
    given.queue(vec![run("t")]).await;
    assert_eq!(given.receive_one().await.attempt, 1);
}

async fn a_waiting_worker_is_woken(given: Given) {
    let queue = given.queue.clone();
    let worker = tokio::spawn(async move { queue.receive(QueueName::RunTask, 1, MINUTE, MINUTE).await.unwrap() });
    given.queue(vec![run("t")]).await;
    let deliveries = tokio::time::timeout(Duration::from_secs(10), worker).await.expect("the worker is woken").unwrap();
    assert_eq!(deliveries[0].work, run("t"));
}

async fn a_worker_waits_no_longer_than_it_said(given: Given) {
    let wait = given.queue.receive(QueueName::RunTask, 1, MINUTE, Duration::from_millis(20));
    assert_eq!(tokio::time::timeout(Duration::from_secs(10), wait).await.expect("it ends").unwrap(), []);
}

async fn many_workers_share_the_work(given: Given) {
    let all_queued = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let (queue, all_queued) = (given.queue.clone(), all_queued.clone());
            tokio::spawn(async move {
                let mut done = Vec::new();
                loop {
                    let nothing_follows = all_queued.load(SeqCst);
                    let deliveries = queue.receive(QueueName::RunTask, 3, MINUTE, Duration::from_millis(300)).await.unwrap();
                    if deliveries.is_empty() && nothing_follows {
                        return done;
                    }
                    for delivery in deliveries {
                        queue.complete(&delivery).await.unwrap();
                        done.push(delivery.work);
                    }
                }
            })
        })
        .collect();
    for n in 0..200 {
        given.queue(vec![run(&format!("t-{n}"))]).await;
    }
    all_queued.store(true, SeqCst);
    let done: Vec<Work> = join_all(workers).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(done.len(), 200);
    assert_eq!(done.into_iter().collect::<HashSet<_>>().len(), 200);
}

async fn work_of_a_deleted_task_is_gone(given: Given) {
    let push = |task_id: &str| Work::DeliverPush { task_id: task_id.into(), config_id: "p".into() };
    given.queue(vec![run("t"), push("t")]).await;
    given.pass(10);
    given.queue(vec![run("t-2"), push("t-2")]).await;
    assert_eq!(given.tasks.delete_finished(given.clock.now(), 10).await.unwrap(), 1);
    assert_eq!(given.receive_one().await.work, run("t-2"));
    assert_eq!(given.queue.depth(QueueName::DeliverPush).await.unwrap(), 1);
}

async fn dead_letters_keep_their_reason(given: Given) {
    for (task_id, reason) in [("t", "it never works"), ("u", "neither does this")] {
        given.queue(vec![run(task_id)]).await;
        given.queue.park(&given.receive_one().await, reason).await.unwrap();
        given.pass(1);
    }
    let letters = given.rows.dead_letters(QueueName::RunTask, 10).await.unwrap();
    assert_eq!(letters, [(run("u"), "neither does this".to_owned()), (run("t"), "it never works".to_owned())]);
}

async fn waiting_work_can_be_taken_by_name(given: Given) {
    given.queue(vec![run("t")]).await;
    given.queue(vec![run("u")]).await;
    let until = given.clock.now() + MINUTE;
    let taken = given.rows.take_these(&[run("t"), run("nothing")], until).await.unwrap();
    assert_eq!(taken.iter().map(|job| (&job.work, job.attempt)).collect::<Vec<_>>(), [(&run("t"), 1)]);
    assert_eq!(given.rows.take_these(&[run("t")], until).await.unwrap(), []);
    assert_eq!(given.receive_one().await.work, run("u"));
    // Queued again in between, it isn't done with the first.
    assert_eq!(given.commit("t", vec![run("t")]).await, Committed::Done);
    assert!(given.rows.finish(&run("t"), taken[0].delivery, given.clock.now()).await.unwrap());
    assert_eq!(given.receive_one().await.work, run("t"));
}
