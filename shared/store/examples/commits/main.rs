//! How fast tasks are kept and read: `cargo run --release -p store --example commits [DIRECTORY | postgres://…] [TASKS]`.
//!
//! A typical quick task (one message, one chunk, three events, completed, remembered) from 20 committers at once, then from one; a stream
//! (two commits); then reads. CPU is that of the whole process, JSON and the tasks' futures included. On Postgres first what the server can do:
//! one row of one JSON column in one commit.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it tells people, and stops where it can't go on")]

mod measure;
mod tasks;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use engine::ports::{Change, Committed, Scope, TaskFilter, TaskStore, View};
use measure::{Meter, parent};
use store::{PostgresDatabase, PostgresTaskStore, SqliteDatabase, SqliteTaskStore};

const COMMITTERS: usize = 20;

type Store = Arc<dyn TaskStore>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let place = std::env::args().nth(1).unwrap_or_else(|| std::env::temp_dir().display().to_string());
    let times = std::env::args().nth(2).map_or(60_000, |times| times.parse().unwrap());
    if place.starts_with("postgres://") { postgres(&place, times).await } else { sqlite(Path::new(&place), times).await }
}

async fn sqlite(directory: &Path, times: usize) {
    let directory = tempfile::Builder::new().prefix("commits-").tempdir_in(directory).unwrap();
    let path = directory.path().join("a2a.db");
    let store = Arc::new(SqliteTaskStore::new(SqliteDatabase::open(&path).unwrap()));
    all(&Meter { postmaster: None }, store, times).await;
    let size = |suffix: &str| std::fs::metadata(format!("{}{suffix}", path.display())).map_or(0, |file| file.len() / 1024);
    println!("file {} KiB, log {} KiB", size(""), size("-wal"));
}

async fn postgres(url: &str, times: usize) {
    let database = PostgresDatabase::open(url, COMMITTERS as u32).unwrap();
    database.migrate().await.unwrap();
    let pool = database.pool().await.unwrap().clone();
    let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&pool).await.unwrap();
    let meter = Meter { postmaster: parent(Path::new(&format!("/proc/{backend}"))) };
    sqlx::raw_sql("DROP TABLE IF EXISTS rows; CREATE TABLE rows (id text PRIMARY KEY, payload jsonb NOT NULL)").execute(&pool).await.unwrap();
    let one_row = || {
        let (pool, change) = (pool.clone(), tasks::quick_task());
        let payload = serde_json::json!({ "id": change.task_id, "artifacts": [change.chunks[0].artifact], "history": change.messages }).to_string();
        async move { sqlx::query("INSERT INTO rows VALUES ($1, $2::text::jsonb)").bind(change.task_id).bind(payload).execute(&pool).await.unwrap() }
    };
    for _ in 0..2 {
        meter.measure("one row, 20 at once", times, COMMITTERS, one_row).await;
    }
    meter.measure("one row, one at a time", times / 10, 1, one_row).await;
    all(&meter, Arc::new(PostgresTaskStore::new(database)), times).await;
}

async fn all(meter: &Meter, store: Store, times: usize) {
    let quick = |store: Store| async move {
        let change = tasks::quick_task();
        let id = change.task_id.clone();
        done(&store, change).await;
        id
    };
    meter.measure("quick task, 20 at once", times, COMMITTERS, || quick(store.clone())).await;
    let ids = Arc::new(meter.measure("quick task, 20 at once, again", times, COMMITTERS, || quick(store.clone())).await);
    meter.measure("quick task, one at a time", times / 10, 1, || quick(store.clone())).await;
    let streamed = |store: Store| async move {
        for change in tasks::stream() {
            done(&store, change).await;
        }
    };
    meter.measure("stream of two commits, 20 at once", times / 4, COMMITTERS, || streamed(store.clone())).await;

    let scope = Scope { owner: "anonymous".into(), agent: Some("echo".into()) };
    let next = AtomicUsize::new(0);
    let view = |name, view: View, times, at_once| {
        let (store, ids, scope, next) = (&store, &ids, &scope, &next);
        meter.measure(name, times, at_once, move || {
            let (store, scope) = (store.clone(), scope.clone());
            let id = ids[next.fetch_add(7919, Relaxed) % ids.len()].clone();
            async move { store.task(&scope, &id, view).await.unwrap().unwrap().version }
        })
    };
    view("task: status", View::STATUS, times, COMMITTERS).await;
    view("task: whole", View::WHOLE, times, COMMITTERS).await;
    view("task: whole, one at a time", View::WHOLE, times / 4, 1).await;
    let page = || {
        let (store, scope) = (store.clone(), scope.clone());
        async move { store.list(&scope, &TaskFilter { page_size: 50, ..Default::default() }).await.unwrap().total_size }
    };
    meter.measure("list of 50", 500.min(times), 4, page).await;
}

async fn done(store: &Store, change: Change) {
    assert_eq!(store.commit(Arc::new(change)).await.unwrap(), Committed::Done);
}
