//! How fast tasks are kept and read: `cargo run --release -p store --example commits [DIRECTORY]`.
//!
//! A typical quick task (one message, one chunk, three events, completed, remembered) from 20 committers at once, then from one; a stream
//! (two commits); then reads. CPU is that of the whole process, JSON and the tasks' futures included.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "it tells people, and stops where it can't go on")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use chrono::{DateTime, TimeDelta, Utc};
use engine::ports::{
    ArtifactChunk, Change, Clock, Committed, Expect, LeaseChange, NewTask, RememberedMessage, Scope, SequencedEvent, SystemClock, TaskFilter,
    TaskStore, View,
};
use protocol::{
    Dialect,
    types::{Artifact, Message, Part, Role, StreamResponse, TaskArtifactUpdateEvent, TaskState, TaskStatus, TaskStatusUpdateEvent, new_task_id},
};
use store::{SqliteDatabase, SqliteTaskStore};

const COMMITTERS: usize = 20;
const TASKS: usize = 60_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let directory = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::Builder::new().prefix("commits-").tempdir_in(directory).unwrap();
    let store = SqliteTaskStore::new(SqliteDatabase::open(directory.path().join("a2a.db")).unwrap());

    let quick = |store: SqliteTaskStore| async move {
        let change = quick_task();
        let id = change.task_id.clone();
        assert_eq!(store.commit(Arc::new(change)).await.unwrap(), Committed::Done);
        id
    };
    measure("quick task, 20 at once", TASKS, COMMITTERS, || quick(store.clone())).await;
    let ids = Arc::new(measure("quick task, 20 at once, again", TASKS, COMMITTERS, || quick(store.clone())).await);
    measure("quick task, one at a time", TASKS / 10, 1, || quick(store.clone())).await;
    measure("stream of two commits, 20 at once", TASKS / 4, COMMITTERS, || streamed(store.clone())).await;

    let scope = Scope { owner: "anonymous".into(), agent: Some("echo".into()) };
    let next = std::sync::atomic::AtomicUsize::new(0);
    let view = |name, view: View, tasks, at_once| {
        let (store, ids, scope, next) = (&store, &ids, &scope, &next);
        measure(name, tasks, at_once, move || {
            let (store, scope) = (store.clone(), scope.clone());
            let id = ids[next.fetch_add(7919, std::sync::atomic::Ordering::Relaxed) % ids.len()].clone();
            async move { store.task(&scope, &id, view).await.unwrap().unwrap().version }
        })
    };
    view("task: status", View::STATUS, TASKS, COMMITTERS).await;
    view("task: whole", View::WHOLE, TASKS, COMMITTERS).await;
    view("task: whole, one at a time", View::WHOLE, TASKS / 4, 1).await;
    measure("list of 50", 500, 4, || {
        let (store, scope) = (store.clone(), scope.clone());
        async move { store.list(&scope, &TaskFilter { page_size: 50, ..Default::default() }).await.unwrap().total_size }
    })
    .await;
    let path = directory.path().join("a2a.db");
    let size = |suffix: &str| std::fs::metadata(format!("{}{suffix}", path.display())).map_or(0, |file| file.len() / 1024);
    println!("file {} KiB, log {} KiB, {} bytes a task", size(""), size("-wal"), size("") * 1024 / (TASKS as u64 * 23 / 10));
}

/// Does it `times` times from `at_once` tasks and tells rate, latency and CPU.
async fn measure<F, T>(what: &str, times: usize, at_once: usize, work: impl Fn() -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let (cpu, begin) = (cpu_microseconds(), Instant::now());
    let (mut results, mut latencies) = (Vec::with_capacity(times), Vec::with_capacity(times));
    let mut running = tokio::task::JoinSet::new();
    let mut started = 0;
    while results.len() < times {
        while started < times && running.len() < at_once {
            let (work, begin) = (work(), Instant::now());
            running.spawn(async move { (work.await, begin.elapsed().as_micros()) });
            started += 1;
        }
        let (result, latency) = running.join_next().await.unwrap().unwrap();
        results.push(result);
        latencies.push(latency);
    }
    latencies.sort_unstable();
    let (per_second, now) = (times as f64 / begin.elapsed().as_secs_f64(), cpu_microseconds());
    let (all, writer) = ((now.0 - cpu.0) / times as f64, (now.1 - cpu.1) / times as f64);
    let (p50, p99) = (latencies[times / 2], latencies[times * 99 / 100]);
    println!("{what:34} {per_second:9.0}/s   p50 {p50:5} us   p99 {p99:6} us   CPU {all:6.1} us each, {writer:5.1} of it the writer's");
    results
}

/// What all threads of this process used so far, and the writer of it (Linux).
fn cpu_microseconds() -> (f64, f64) {
    let (mut all, mut writer) = (0.0, 0.0);
    for thread in std::fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path()) {
        let used = std::fs::read_to_string(thread.join("schedstat")).unwrap();
        let used = used.split(' ').next().unwrap().parse::<f64>().unwrap() / 1000.0;
        all += used;
        if std::fs::read_to_string(thread.join("comm")).unwrap().starts_with("sqlite-writer") {
            writer += used;
        }
    }
    (all, writer)
}

async fn streamed(store: SqliteTaskStore) {
    let whole = quick_task();
    let first = Change {
        chunks: Vec::new(),
        events: whole.events[..1].into(),
        lease: LeaseChange::Hold { runner: "runner".into(), until: whole.now + TimeDelta::seconds(15) },
        status: status(TaskState::Working, whole.now),
        ..whole.clone()
    };
    let second = Change {
        expect: Expect::Version(1),
        messages: Vec::new(),
        events: whole.events[1..].into(),
        lease: LeaseChange::Release,
        remember: None,
        ..whole
    };
    for change in [first, second] {
        assert_eq!(store.commit(Arc::new(change)).await.unwrap(), Committed::Done);
    }
}

fn status(state: TaskState, now: DateTime<Utc>) -> TaskStatus {
    TaskStatus { state, message: None, timestamp: Some(now) }
}

fn quick_task() -> Change {
    let now = SystemClock.now();
    let (task_id, context_id) = (new_task_id(), new_task_id());
    let text = "Summarise the three most important findings of the attached report in plain words, please.";
    let message =
        Message { task_id: Some(task_id.clone()), context_id: Some(context_id.clone()), ..Message::new(Role::User, vec![Part::text(text)]) };
    let artifact = Artifact {
        artifact_id: new_task_id(),
        name: Some("echo".into()),
        description: None,
        parts: vec![Part::text(text)],
        metadata: None,
        extensions: None,
    };
    let update = |state| {
        StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: task_id.clone(),
            context_id: context_id.clone(),
            status: status(state, now),
            metadata: None,
        })
    };
    let artifact_update = StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id: task_id.clone(),
        context_id: context_id.clone(),
        artifact: artifact.clone(),
        append: None,
        last_chunk: Some(true),
        metadata: None,
    });
    let events = [update(TaskState::Working), artifact_update, update(TaskState::Completed)];
    Change {
        expect: Expect::New(NewTask {
            owner: "anonymous".into(),
            agent: "echo".into(),
            context_id: context_id.clone(),
            dialect: Dialect::V1_0,
            caller_role: "public".into(),
        }),
        status: status(TaskState::Completed, now),
        first_message_number: 0,
        remember: Some(RememberedMessage {
            message_id: message.message_id.clone(),
            fingerprint: message.message_id.replace('-', "").repeat(2),
            forget_before: now - TimeDelta::days(1),
        }),
        messages: vec![message],
        chunks: vec![ArtifactChunk { artifact_number: 0, chunk_number: 0, artifact }],
        events: (1..).zip(events).map(|(sequence, event)| SequencedEvent { sequence, event }).collect(),
        lease: LeaseChange::Release,
        attempts: 1,
        cancel_requested: false,
        request_metadata: None,
        push_configs: Vec::new(),
        work: Vec::new(),
        task_id,
        now,
    }
}
