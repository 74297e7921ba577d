//! Tests that what is asked of Postgres costs what it takes, not what there is: in pages of tables and indexes that are looked at, which don't
//! depend on the computer.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

#[path = "task_store/given.rs"]
#[allow(dead_code, reason = "these facts need a part of it")]
mod given;

use std::sync::Arc;

use engine::ports::{Change, Committed, Expect, Scope, TaskFilter, TaskStore, View, Work};
use futures::{StreamExt, stream};
use given::{at, chunk, create, done, events, hold, message, new_task, remembered, scope, update};
use protocol::types::TaskState;
use store::{PostgresDatabase, PostgresTaskStore, postgres::Connections};

type Store = Arc<dyn TaskStore>;

const FEW: i64 = 1_000;
const MANY: i64 = 20_000;
/// Enough for a connection to settle on a plan for all values.
const TIMES: u32 = 8;

/// A database through one connection, so that each statement is prepared there when it is measured.
struct Filled {
    store: Store,
    pool: Connections,
}

async fn with(size: i64, change: fn(i64) -> Change) -> Filled {
    let url = tests::servers::postgres_database().await;
    let filling = PostgresDatabase::open(&url, 8).unwrap();
    filling.migrate().await.unwrap();
    let store: Store = Arc::new(PostgresTaskStore::new(filling.clone()));
    // Changes of one task must follow each other.
    let at_once = if matches!(change(1).expect, Expect::New(_)) { 8 } else { 1 };
    stream::iter(0..size).for_each_concurrent(at_once, |n| done(&store, change(n))).await;
    filling.pool().await.unwrap().close().await;
    let database = PostgresDatabase::open(&url, 1).unwrap();
    Filled { pool: database.pool().await.unwrap().clone(), store: Arc::new(PostgresTaskStore::new(database)) }
}

impl Filled {
    /// As the server does by itself within a minute.
    async fn analyze(&self) {
        sqlx::query("ANALYZE").execute(&self.pool).await.unwrap();
    }

    /// The most pages that something looks at, of several times; the first few are planned for their very values, the others for any.
    async fn pages(&self, work: &impl AsyncFn(Store, u32)) -> i64 {
        let mut most = 0;
        for time in 0..TIMES {
            let before = self.looked_at().await;
            work(self.store.clone(), time).await;
            most = most.max(self.looked_at().await - before);
        }
        most
    }

    async fn looked_at(&self) -> i64 {
        sqlx::query("SELECT pg_stat_force_next_flush()").execute(&self.pool).await.unwrap();
        let sum = "SELECT sum(heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit + idx_blks_read, 0)
            + coalesce(toast_blks_hit + toast_blks_read + tidx_blks_hit + tidx_blks_read, 0))::bigint FROM pg_statio_user_tables";
        sqlx::query_scalar(sum).fetch_one(&self.pool).await.unwrap()
    }
}

/// Task `n` of a crowd of one owner: of two agents, a quarter at work, ten in each conversation.
fn one_of_many(n: i64) -> Change {
    let task_id = format!("t-{n:06}");
    let state = [TaskState::Completed, TaskState::Failed, TaskState::Completed, TaskState::Working][(n % 4) as usize].clone();
    let agent = ["a", "b"][(n / 4 % 2) as usize];
    let mut change = create(&task_id, "o", state, n);
    change.expect = Expect::New(new_task("o", agent, &format!("c-{:06}", n / 10)));
    change.messages = vec![message(&task_id, "hello")];
    change.chunks = vec![chunk(0, 0, "echo")];
    change.events = events(&task_id, 1..=3);
    change.remember = Some(remembered(&task_id, "f", n));
    // Those that run at a time are few, however many there are.
    change.lease = if n < 20 { hold("r", n) } else { change.lease };
    change
}

/// Turn `n` of one task: a message that is remembered, an answer of two chunks in place of the last one, and an event; in the first ten a chunk of a report.
fn turn(n: i64) -> Change {
    let number = n.unsigned_abs();
    let mut change = if n == 0 { create("long", "o", TaskState::InputRequired, 0) } else { update("long", number, TaskState::InputRequired, n) };
    change.first_message_number = number;
    change.messages = vec![message(&n.to_string(), "hello")];
    change.remember = Some(remembered(&n.to_string(), "f", n));
    change.chunks = if n < 10 { vec![chunk(0, n as u32, "echo")] } else { Vec::new() };
    change.chunks.extend([chunk(1, 0, "answer"), chunk(1, 1, "answer")]);
    change.events = events("long", number + 1..=number + 1);
    change
}

/// A filled database and a fuller one.
struct Two {
    few: Filled,
    many: Filled,
}

impl Two {
    async fn of(few: i64, many: i64, change: fn(i64) -> Change) -> Self {
        Two { few: with(few, change).await, many: with(many, change).await }
    }

    async fn looks_cost_the_same(&self) {
        let of = |page_size| TaskFilter { page_size, ..Default::default() };
        let of_agent = Scope { agent: Some("b".into()), ..scope("o") };
        for (what, scope, filter) in [
            ("a first page", scope("o"), of(50)),
            ("a first page of an agent", of_agent.clone(), of(50)),
            ("a first page of a state", scope("o"), TaskFilter { state: Some(TaskState::Failed), ..of(50) }),
            (
                "a page of a conversation's failures",
                of_agent.clone(),
                TaskFilter { context_id: Some("c-000003".into()), state: Some(TaskState::Failed), ..of(1) },
            ),
            ("a page of a conversation", scope("o"), TaskFilter { context_id: Some("c-000003".into()), ..of(8) }),
        ] {
            let page = async |store: Store, _| assert_eq!(store.list(&scope, &filter).await.unwrap().tasks.len(), filter.page_size as usize);
            self.cost_the_same(what, page).await;
        }
        let second_page = async |store: Store, _| {
            let first = store.list(&scope("o"), &of(20)).await.unwrap();
            let next = TaskFilter { page_token: Some(first.next_page_token), ..of(20) };
            assert_eq!(store.list(&scope("o"), &next).await.unwrap().tasks.len(), 20);
        };
        self.cost_the_same("a second page", second_page).await;
        let task = async |store: Store, _| {
            assert!(store.task(&Scope { agent: Some("b".into()), ..scope("o") }, "t-000007", View::WHOLE).await.unwrap().is_some())
        };
        self.cost_the_same("a task", task).await;
        let remembers = async |store: Store, _| assert!(store.remembered("o", &remembered("t-000007", "f", 0)).await.unwrap().is_some());
        self.cost_the_same("a remembered message", remembers).await;
        let has_events = async |store: Store, _| assert_eq!(store.events("t-000007", 1, 10).await.unwrap().len(), 2);
        self.cost_the_same("events", has_events).await;
        let has_webhooks = async |store: Store, _| assert!(store.push_configs(&scope("o"), "t-000007").await.unwrap().is_some());
        self.cost_the_same("webhooks", has_webhooks).await;
    }

    /// `work` gets the time from 0.
    async fn cost_the_same(&self, what: &str, work: impl AsyncFn(Store, u32)) {
        let (few, many) = (self.few.pages(&work).await, self.many.pages(&work).await);
        // An index of many has a level more, rows found together may lie on pages of their own, and what nobody has vacuumed yet is looked at twice.
        assert!(few > 0 && many <= few * 3 / 2 + 10, "{what}: {few} pages with few, {many} with many");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_lookups_and_commits_cost_the_same_among_few_tasks_and_among_many() {
    let two = Two::of(FEW, MANY, one_of_many).await;
    two.looks_cost_the_same().await;
    // The planner knows the tables then.
    two.few.analyze().await;
    two.many.analyze().await;
    two.looks_cost_the_same().await;
    let expired = async |store: Store, _| assert_eq!(store.expired_leases(at(5), 10).await.unwrap().len(), 5);
    two.cost_the_same("leases that ran out", expired).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_and_deletions_cost_the_same_among_few_tasks_and_among_many() {
    let two = Two::of(FEW, MANY, one_of_many).await;
    two.cost_the_same("a new task", async |store, time| done(&store, one_of_many(900_000 + i64::from(time))).await).await;
    let change = async |store: Store, time| {
        let work = vec![Work::RunTask { task_id: "t-000011".into() }];
        done(&store, Change { work, ..update("t-000011", u64::from(time) + 1, TaskState::Working, 950_000) }).await;
    };
    two.cost_the_same("a change", change).await;
    let again = async |store: Store, _| {
        let committed = store.commit(Arc::new(Change { task_id: "u".into(), ..one_of_many(9) })).await.unwrap();
        assert_eq!(committed, Committed::DuplicateMessage { task_id: "t-000009".into() });
    };
    two.cost_the_same("a message again", again).await;
    let delete = async |store: Store, _| assert_eq!(store.delete_finished(at(800), 5).await.unwrap(), 5);
    two.cost_the_same("deleting finished tasks", delete).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_and_turns_cost_the_same_in_a_short_conversation_and_in_a_long_one() {
    let two = Two::of(400, 4_000, turn).await;
    let look = async |store: Store, _| {
        let view = View { history_length: Some(10), artifacts: true };
        let task = store.task(&scope("o"), "long", view).await.unwrap().unwrap().task;
        let parts: Vec<usize> = task.artifacts.unwrap().iter().map(|artifact| artifact.parts.len()).collect();
        assert_eq!((task.history.unwrap().len(), parts), (10, vec![10, 2]));
    };
    two.cost_the_same("a look", look).await;
    let last_events = async |store: Store, _| {
        let last = store.task_of_any_owner("long", View::STATUS).await.unwrap().unwrap().last_sequence;
        assert_eq!(store.events("long", last - 2, 10).await.unwrap().len(), 2);
    };
    two.cost_the_same("the last events", last_events).await;
    // Several, because now and then a page is full.
    let next = async |store: Store, _| {
        for _ in 0..20 {
            let view = View { history_length: Some(100), artifacts: true };
            let last = store.task(&scope("o"), "long", view).await.unwrap().unwrap().last_sequence;
            done(&store, turn(last.cast_signed())).await;
        }
    };
    two.cost_the_same("turns", next).await;
}
