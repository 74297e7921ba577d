//! What a SQLite file keeps when it is closed, and shares when it is open twice.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

#[path = "task_store/given.rs"]
#[allow(dead_code, reason = "these facts need a part of it")]
mod given;

use std::sync::Arc;

use engine::ports::{Change, Committed, TaskFilter, TaskStore, Work};
use futures::future::join_all;
use given::{chunk, create, done, events, hold, message, push_config, remembered, scope, whole};
use protocol::types::TaskState;
use store::{SqliteDatabase, SqliteTaskStore};
use tempfile::TempDir;

type Store = Arc<dyn TaskStore>;

fn open(directory: &TempDir) -> Store {
    Arc::new(SqliteTaskStore::new(SqliteDatabase::open(directory.path().join("a2a.db")).unwrap()))
}

fn first_page() -> TaskFilter {
    TaskFilter { page_size: 10, ..Default::default() }
}

#[tokio::test]
async fn a_file_keeps_everything() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory);
    let mut change = create("t", "o", TaskState::Working, 0);
    change.messages = vec![message("m", "hello")];
    change.chunks = vec![chunk(0, 0, "a"), chunk(0, 1, "b")];
    change.events = events("t", 1..=3);
    change.push_configs = vec![push_config("t", "p")];
    change.lease = hold("r", 30);
    change.work = vec![Work::RunTask { task_id: "t".into() }];
    change.remember = Some(remembered("m", "f", 0));
    done(&store, change).await;
    let before = (whole(&store, "t").await, store.list(&scope("o"), &first_page()).await.unwrap());
    drop(store);

    let store = open(&directory);
    assert_eq!((whole(&store, "t").await, store.list(&scope("o"), &first_page()).await.unwrap()), before);
    assert_eq!(store.events("t", 0, 10).await.unwrap(), events("t", 1..=3).to_vec());
    assert_eq!(store.remembered("o", &remembered("m", "f", 0)).await.unwrap().as_deref(), Some("t"));
    assert_eq!(store.push_configs_of_any_owner("t").await.unwrap(), [push_config("t", "p")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_have_the_file_open_see_each_others_changes_and_never_find_it_busy() {
    let directory = TempDir::new().unwrap();
    let stores = [open(&directory), open(&directory)];
    let commits = (0..400_usize).map(|n| {
        let store = stores[n % 2].clone();
        // Each message is sent through both.
        let message = Some(remembered(&format!("m-{}", n / 2), "f", 0));
        let change = Change { remember: message, ..create(&format!("t-{n}"), "o", TaskState::Completed, 0) };
        tokio::spawn(async move { store.commit(Arc::new(change)).await.unwrap() })
    });
    let outcomes: Vec<Committed> = join_all(commits).await.into_iter().map(Result::unwrap).collect();
    for pair in outcomes.chunks(2) {
        assert_eq!(pair.iter().filter(|outcome| **outcome == Committed::Done).count(), 1, "{pair:?}");
    }
    for store in &stores {
        assert_eq!(store.list(&scope("o"), &first_page()).await.unwrap().total_size, 200);
    }
}
