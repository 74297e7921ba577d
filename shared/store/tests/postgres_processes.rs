//! Several processes over one Postgres, each with a pool of its own: nobody waits in a circle, and nothing is counted or begun twice.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

#[path = "task_store/given.rs"]
#[allow(dead_code, reason = "these facts need a part of it")]
mod given;

use std::sync::Arc;

use engine::ports::{Change, Committed, Expect, TaskFilter, TaskStore, Work};
use futures::future::join_all;
use given::{at, create, done, events, new_task, push_config, remembered, scope, update, whole};
use protocol::types::TaskState;
use store::{PostgresDatabase, PostgresTaskStore, postgres::Connections};

type Store = Arc<dyn TaskStore>;

async fn processes<const N: usize>() -> ([Store; N], Connections) {
    let url = tests::servers::postgres_database().await;
    let first = PostgresDatabase::open(&url, 1).unwrap();
    first.migrate().await.unwrap();
    let open = |_| -> Store { Arc::new(PostgresTaskStore::new(PostgresDatabase::open(&url, 8).unwrap())) };
    (std::array::from_fn(open), first.pool().await.unwrap().clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_sent_through_two_processes_at_once_makes_one_task() {
    let (stores, _) = processes::<2>().await;
    let commits = (0..200_usize).map(|n| {
        let store = stores[n % 2].clone();
        let message = Some(remembered(&format!("m-{}", n / 2), "f", 0));
        let change = Change { remember: message, ..create(&format!("t-{n}"), "o", TaskState::Completed, 0) };
        tokio::spawn(async move { store.commit(Arc::new(change)).await.unwrap() })
    });
    let outcomes: Vec<Committed> = join_all(commits).await.into_iter().map(Result::unwrap).collect();
    for (n, pair) in outcomes.chunks(2).enumerate() {
        let made = pair.iter().position(|outcome| *outcome == Committed::Done).unwrap();
        assert_eq!(pair[1 - made], Committed::DuplicateMessage { task_id: format!("t-{}", 2 * n + made) });
    }
    let page = stores[0].list(&scope("o"), &TaskFilter { page_size: 1, ..Default::default() }).await.unwrap();
    assert_eq!(page.total_size, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_to_continue_two_tasks_at_once_continues_one() {
    let (stores, _) = processes::<2>().await;
    for n in 0..20 {
        let tasks = [format!("a-{n}"), format!("b-{n}")];
        for task in &tasks {
            done(&stores[0], create(task, "o", TaskState::InputRequired, 0)).await;
        }
        let turns = [0, 1].map(|which| {
            let remember = Some(remembered(&format!("m-{n}"), "f", 0));
            let change = Change { remember, ..update(&tasks[which], 1, TaskState::Working, 1) };
            let store = stores[which].clone();
            tokio::spawn(async move { store.commit(Arc::new(change)).await.unwrap() })
        });
        let outcomes: Vec<Committed> = join_all(turns).await.into_iter().map(Result::unwrap).collect();
        let began = outcomes.iter().position(|outcome| *outcome == Committed::Done).unwrap();
        assert_eq!(outcomes[1 - began], Committed::DuplicateMessage { task_id: tasks[began].clone() });
        assert_eq!(whole(&stores[0], &tasks[1 - began]).await.version, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_webhooks_and_deletions_of_one_owner_at_once_all_succeed_and_totals_stay_exact() {
    let (stores, pool) = processes::<3>().await;
    let tasks = (0..120_usize).map(|n| {
        let stores = stores.clone();
        tokio::spawn(async move {
            let (id, agent) = (format!("t-{n}"), ["a", "b"][n / 2 % 2]);
            let mut change = Change { expect: Expect::New(new_task("o", agent, "c")), ..create(&id, "o", TaskState::Submitted, 0) };
            change.push_configs = vec![push_config(&id, "z"), push_config(&id, "b")];
            change.work = vec![Work::RunTask { task_id: id.clone() }];
            done(&stores[n % 3], change).await;
            // The states one way and the other, all with the same counts.
            let (one, other) = (TaskState::Working, TaskState::InputRequired);
            let states = if n % 2 == 0 { [one.clone(), other, one] } else { [other.clone(), one, other] };
            let step = |version: u64, state| {
                let mut change = update(&id, version, state, 1);
                change.events = events(&id, version..=version);
                change.work = ["z", "b"].map(|config| Work::DeliverPush { task_id: id.clone(), config_id: config.into() }).into();
                change
            };
            for (version, state) in (1..).zip(states) {
                done(&stores[(n + version as usize) % 3], step(version, state)).await;
            }
            // Two who change the webhooks of one task.
            let owner = scope("o");
            let put = stores[0].put_push_config(&owner, push_config(&id, "c"));
            let delete = stores[1].delete_push_config(&owner, &id, "b");
            let (put, delete) = tokio::join!(put, delete);
            assert!(put.unwrap() && delete.unwrap());
            let end = if n % 3 == 0 { TaskState::Completed } else { TaskState::Working };
            done(&stores[n % 3], Change { events: events(&id, 4..=4), ..step(6, end) }).await;
        })
    });
    // What has ended goes meanwhile, several at it at the same time.
    let deletions = (0..6_usize).map(|n| {
        let store = stores[n % 3].clone();
        tokio::spawn(async move {
            for _ in 0..30 {
                store.delete_finished(at(2), 7).await.unwrap();
            }
        })
    });
    let all: Vec<_> = tasks.chain(deletions).collect();
    join_all(all).await.into_iter().for_each(Result::unwrap);
    stores[0].delete_finished(at(2), 10).await.unwrap();
    let states = [(1_i16, TaskState::Submitted), (2, TaskState::Working), (3, TaskState::Completed), (6, TaskState::InputRequired)];
    for (number, state) in states {
        let there: i64 = sqlx::query_scalar("SELECT count(*) FROM tasks WHERE state = $1").bind(number).fetch_one(&pool).await.unwrap();
        let filter = TaskFilter { state: Some(state.clone()), page_size: 1, ..Default::default() };
        assert_eq!(stores[0].list(&scope("o"), &filter).await.unwrap().total_size.cast_signed(), there, "{state:?}");
    }
    let orphans = "SELECT count(*) FROM (SELECT task FROM task_log UNION ALL SELECT task FROM push_configs) AS of_tasks
        WHERE task NOT IN (SELECT number FROM tasks)";
    let orphans: i64 = sqlx::query_scalar(orphans).fetch_one(&pool).await.unwrap();
    assert_eq!(orphans, 0);
}
