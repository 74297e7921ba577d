//! A process that is killed takes nothing back that it told: this program starts itself as a writer, kills it, and reads the file.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "what fails here fails a test; the writer tells on its output")]

#[path = "task_store/given.rs"]
#[allow(dead_code, reason = "this needs a part of it")]
mod given;

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use engine::ports::{Change, TaskFilter, TaskStore};
use given::{chunk, create, done, events, message, remembered, scope, whole};
use protocol::types::TaskState;
use store::{SqliteDatabase, SqliteTaskStore};

type Store = Arc<dyn TaskStore>;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match std::env::args().skip_while(|argument| argument != "--write").nth(1) {
        Some(file) => runtime.block_on(write_until_killed(Path::new(&file))),
        None => runtime.block_on(a_killed_process_takes_nothing_back()),
    }
}

fn open(file: &Path) -> Store {
    Arc::new(SqliteTaskStore::new(SqliteDatabase::open(file).unwrap()))
}

async fn write_until_killed(file: &Path) {
    let store = open(file);
    let writers = (0..10).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0.. {
                let id = format!("{writer}-{n}");
                let mut change = create(&id, "o", TaskState::Completed, n);
                change.messages = vec![message(&id, "hello")];
                change.chunks = vec![chunk(0, 0, "a")];
                change.events = events(&id, 1..=3);
                change.remember = Some(remembered(&id, "f", 0));
                done(&store, change).await;
                let mut out = std::io::stdout().lock();
                writeln!(out, "{id}").and_then(|()| out.flush()).unwrap();
            }
        })
    });
    futures::future::join_all(writers.collect::<Vec<_>>()).await;
}

async fn a_killed_process_takes_nothing_back() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("a2a.db");
    for (round, tells) in [1, 50, 1500].into_iter().enumerate() {
        let file = file.with_extension(round.to_string());
        let mut writer =
            Command::new(std::env::current_exe().unwrap()).arg("--write").arg(&file).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut told = BufReader::new(writer.stdout.take().unwrap()).lines().map(|line| line.unwrap());
        let mut ids: Vec<String> = told.by_ref().take(tells).collect();
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What was in the pipe was told as well; a last line may be cut.
        ids.extend(told);
        assert!(ids.len() >= tells);

        let store = open(&file);
        for id in &ids {
            let stored = whole(&store, id).await;
            assert_eq!((stored.last_sequence, stored.message_count, stored.task.artifacts.map(|artifacts| artifacts.len())), (3, 1, Some(1)));
            assert_eq!(store.events(id, 0, 10).await.unwrap().len(), 3);
            assert!(store.remembered("o", &remembered(id, "f", 0)).await.unwrap().is_some());
        }
        let total = store.list(&scope("o"), &TaskFilter { page_size: 1, ..Default::default() }).await.unwrap().total_size;
        assert!(total >= ids.len() as u64);
        let change: Change = create("afterwards", "o", TaskState::Working, 0);
        done(&store, change).await;
        println!("killed after {} tasks told, {total} kept: ok", ids.len());
    }
}
