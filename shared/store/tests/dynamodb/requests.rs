//! How many requests each operation takes, and that they don't grow.

use std::sync::Arc;

use engine::ports::{ArtifactChunk, Change, Expect, LeaseChange, TaskFilter, View, Work};
use protocol::types::TaskState;
use store::SharedSecrets;

use crate::{
    Table,
    given::{chunk, create, done, event, events, hold, message, new_task, remembered, scope, texts, update},
};

const WRITE: &str = "TransactWriteItems";

/// All that a message that is answered at once writes.
fn answered(id: &str, seconds: i64) -> Change {
    Change {
        messages: vec![message("m", "hello")],
        chunks: vec![chunk(0, 0, "hello")],
        events: events(id, 1..=3),
        remember: Some(remembered(id, "f", seconds)),
        ..create(id, "o", TaskState::Completed, seconds)
    }
}

#[tokio::test]
async fn a_state_change_is_one_request() {
    let table = Table::new().await;
    done(&table.store, answered("t", 0)).await;
    assert_eq!(table.recorder.operations(), [WRITE]);
    assert_eq!(table.keys("", "").await.len(), 8);
    // A stream: two commits, with a lease between and work after.
    done(&table.store, Change { lease: hold("r", 30), ..create("u", "o", TaskState::Working, 0) }).await;
    let work = vec![Work::DeliverPush { task_id: "u".into(), config_id: "p".into() }];
    done(&table.store, Change { lease: LeaseChange::Release, work, events: events("u", 1..=1), ..update("u", 1, TaskState::Completed, 1) }).await;
    assert_eq!(table.recorder.operations(), [WRITE, WRITE]);
    // Who has read the task, or made its last change, knows it; others look first.
    done(&table.store, create("v", "o", TaskState::InputRequired, 0)).await;
    let other = table.elsewhere();
    done(&other.store, update("v", 1, TaskState::InputRequired, 1)).await;
    assert_eq!(table.recorder.operations(), [WRITE, "GetItem", WRITE]);
    table.store.task(&scope("o"), "v", View::STATUS).await.unwrap();
    done(&table.store, update("v", 2, TaskState::Completed, 2)).await;
    assert_eq!(table.recorder.operations(), ["Query", WRITE]);
}

#[tokio::test]
async fn a_task_is_one_query_and_one_for_its_artifacts() {
    let table = Table::new().await;
    done(&table.store, answered("t", 0)).await;
    table.recorder.forget();
    for (view, expected) in [
        (View::STATUS, vec!["Query"]),
        (View { history_length: Some(10), artifacts: false }, vec!["Query"]),
        (View { history_length: None, artifacts: false }, vec!["Query"]),
        (View::WHOLE, vec!["Query", "Query"]),
    ] {
        assert!(table.store.task(&scope("o"), "t", view).await.unwrap().is_some());
        assert_eq!(table.recorder.operations(), expected, "{view:?}");
    }
    assert_eq!(table.store.events("t", 0, 10).await.unwrap().len(), 3);
    assert!(table.store.push_configs(&scope("o"), "t").await.unwrap().is_some());
    assert_eq!(table.recorder.operations(), ["Query", "Query"]);
    assert!(table.store.remembered("o", &remembered("t", "f", 0)).await.unwrap().is_some());
    assert_eq!(table.recorder.operations(), ["GetItem", "GetItem"]);
}

#[tokio::test]
async fn a_page_is_the_counts_a_query_for_each_state_and_the_rows() {
    let table = Table::new().await;
    for n in 0..12 {
        let state = [TaskState::Completed, TaskState::Working][n as usize % 2].clone();
        done(&table.store, create(&format!("t-{n}"), "o", state, n)).await;
    }
    table.recorder.forget();
    let status = TaskFilter { page_size: 5, history_length: Some(0), ..Default::default() };
    assert_eq!(table.store.list(&scope("o"), &status).await.unwrap().total_size, 12);
    assert_eq!(table.recorder.operations(), ["Query", "Query", "Query", "BatchGetItem"]);
    let working = TaskFilter { state: Some(TaskState::Working), ..status.clone() };
    assert_eq!(table.store.list(&scope("o"), &working).await.unwrap().total_size, 6);
    assert_eq!(table.recorder.operations(), ["Query", "Query", "BatchGetItem"]);
    let of_context = TaskFilter { context_id: Some("c".into()), ..status };
    assert_eq!(table.store.list(&scope("o"), &of_context).await.unwrap().total_size, 12);
    assert_eq!(table.recorder.operations(), ["Query", "BatchGetItem"]);
}

#[tokio::test]
async fn a_turn_and_a_look_cost_the_same_in_a_short_conversation_and_in_a_long_one() {
    let table = Table::new().await;
    let text = "x".repeat(500);
    let turn = |number: u64| {
        let mut change = update("t", number, TaskState::Working, 0);
        if number == 0 {
            change.expect = Expect::New(new_task("o", "agent", "c"));
        }
        change.first_message_number = number;
        change.messages = vec![message(&number.to_string(), &text)];
        change.chunks = vec![ArtifactChunk { chunk_number: number as u32, ..chunk(0, 0, &text) }];
        change.events = Arc::new([event("t", number + 1)]);
        change
    };
    let look = async |last: u64| {
        table.recorder.forget();
        let latest = View { history_length: Some(3), artifacts: false };
        assert_eq!(table.store.task(&scope("o"), "t", latest).await.unwrap().unwrap().task.history.unwrap().len(), 3);
        assert_eq!(table.store.events("t", last - 3, 10).await.unwrap().len(), 3);
        (table.recorder.operations().len(), table.recorder.answered_bytes())
    };
    for number in 0..10 {
        done(&table.store, turn(number)).await;
    }
    let few = look(10).await;
    for number in 10..200 {
        done(&table.store, turn(number)).await;
    }
    let many = look(200).await;
    assert_eq!(few.0, many.0);
    assert!(many.1 * 10 <= few.1 * 11, "{few:?} and {many:?}");
}

#[tokio::test]
async fn pages_cost_the_same_among_few_tasks_and_among_many() {
    let table = Table::new().await;
    let page = async || {
        table.recorder.forget();
        let filter = TaskFilter { page_size: 5, history_length: Some(0), ..Default::default() };
        let first = table.store.list(&scope("o"), &filter).await.unwrap();
        table.store.list(&scope("o"), &TaskFilter { page_token: Some(first.next_page_token), ..filter }).await.unwrap();
        (table.recorder.operations().len(), table.recorder.answered_bytes())
    };
    let make = async |range: std::ops::Range<i64>| {
        for n in range {
            let state = [TaskState::Completed, TaskState::Working][n as usize % 2].clone();
            done(&table.store, create(&format!("t-{n:04}"), "o", state, n)).await;
        }
    };
    make(0..30).await;
    let few = page().await;
    make(30..300).await;
    let many = page().await;
    assert_eq!(few.0, many.0);
    assert!(many.1 * 10 <= few.1 * 12, "{few:?} and {many:?}");
}

#[tokio::test]
async fn all_processes_are_told_one_secret() {
    let table = Table::new().await;
    let told = futures::future::join_all((0..6).map(|n| {
        let database = table.elsewhere().database;
        async move { database.shared_secret("key", n.to_string()).await.unwrap() }
    }));
    let told = told.await;
    assert!(told.iter().all(|secret| *secret == told[0]), "{told:?}");
    table.recorder.forget();
    assert_eq!(table.database.shared_secret("key", "another".into()).await.unwrap(), told[0]);
    assert_eq!(table.recorder.operations(), ["GetItem"]);
    assert_eq!(table.database.shared_secret("other", "another".into()).await.unwrap(), "another");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_that_changes_while_it_is_read_is_read_as_it_was_at_one_time() {
    let table = Table::new().await;
    let turn = |version: u64| {
        let mut change = update("t", version, TaskState::Working, version as i64);
        if version == 0 {
            change.expect = Expect::New(new_task("o", "agent", "c"));
        }
        change.first_message_number = version;
        change.messages = vec![message(&version.to_string(), "x")];
        // One artifact is replaced each time, the other one grows.
        change.chunks = vec![chunk(0, 0, &(version + 1).to_string()), chunk(1, version as u32, "x")];
        change
    };
    done(&table.store, turn(0)).await;
    let other = table.elsewhere();
    let writer = tokio::spawn(async move {
        for version in 1..60 {
            done(&other.store, turn(version)).await;
        }
    });
    let mut seen = 0;
    while seen < 60 {
        let stored = table.store.task(&scope("o"), "t", View::WHOLE).await.unwrap().unwrap();
        assert!(stored.version >= seen);
        seen = stored.version;
        let artifacts = stored.task.artifacts.unwrap();
        assert_eq!(texts(&artifacts[0].parts), [seen.to_string()]);
        assert_eq!((artifacts[1].parts.len() as u64, stored.task.history.unwrap().len() as u64), (seen, seen));
    }
    writer.await.unwrap();
}
