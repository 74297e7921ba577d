//! What is left where a process ends in the middle, and that the next sweep clears it away.

use std::sync::Arc;

use engine::ports::{Change, StoreError, TaskFilter};
use protocol::types::TaskState;

use crate::{
    Table,
    given::{at, chunk, create, done, events, message, scope, whole},
};

fn large(id: &str) -> Change {
    Change { messages: vec![message("m", &"x".repeat(2_000_000))], ..create(id, "o", TaskState::Completed, 0) }
}

#[tokio::test]
async fn pieces_of_a_commit_that_was_cut_short_are_cleared_away() {
    let table = Table::new().await;
    table.recorder.refuse("TransactWriteItems", 3, 500, "InternalServerError", "");
    let cut_short = table.store.commit(Arc::new(large("t"))).await;
    assert!(matches!(cut_short, Err(StoreError::Unavailable(_))), "{cut_short:?}");
    assert!(!table.keys("task/t", "blob/").await.is_empty());
    // Not while it may go on.
    assert_eq!(table.store.delete_finished(at(0), 10).await.unwrap(), 0);
    assert!(!table.keys("task/t", "blob/").await.is_empty());
    // It never happened, so it can be made again.
    done(&table.store, large("t")).await;
    done(&table.store, large("u")).await;
    table.store.delete_finished(at(0) + chrono::TimeDelta::milliseconds(1), 1).await.unwrap();
    let kept = [table.keys("task/t", "").await, table.keys("task/u", "").await];
    assert_eq!(kept.iter().filter(|keys| keys.is_empty()).count(), 1, "{kept:?}");
    // Of the other one everything is there, and nothing of the first try.
    let (id, keys) = if kept[0].is_empty() { ("u", &kept[1]) } else { ("t", &kept[0]) };
    assert_eq!(keys.iter().filter(|key| key.starts_with("blob/")).count(), 6, "{keys:?}");
    assert_eq!(whole(&table.store, id).await.task.history.unwrap(), large(id).messages);
}

#[tokio::test]
async fn a_deletion_that_was_cut_short_is_carried_on() {
    let table = Table::new().await;
    let full = Change {
        messages: vec![message("m", "x")],
        chunks: vec![chunk(0, 0, "x")],
        events: events("t", 1..=2),
        ..create("t", "o", TaskState::Completed, 0)
    };
    done(&table.store, full.clone()).await;
    table.recorder.refuse("BatchWriteItem", 3, 500, "InternalServerError", "");
    assert!(table.store.delete_finished(at(1), 10).await.is_err());
    // It is gone for everyone, and for the count.
    assert_eq!(table.store.task_of_any_owner("t", engine::ports::View::WHOLE).await.unwrap(), None);
    assert_eq!(table.store.push_configs_of_any_owner("t").await.unwrap(), []);
    let page = table.store.list(&scope("o"), &TaskFilter { page_size: 5, ..Default::default() }).await.unwrap();
    assert_eq!((page.total_size, page.tasks), (0, vec![]));
    assert!(!table.keys("task/t", "").await.is_empty());
    assert_eq!(table.store.delete_finished(at(1), 10).await.unwrap(), 0);
    assert_eq!(table.keys("task/t", "").await, Vec::<String>::new());
    done(&table.store, full).await;
    assert_eq!(whole(&table.store, "t").await.version, 1);
}

#[tokio::test]
async fn tasks_are_known_by_more_than_their_id() {
    let table = Table::new().await;
    done(&table.store, create("t", "o", TaskState::InputRequired, 0)).await;
    // Another process ends it, deletes it, and makes one of the same id for somebody else.
    let other = table.elsewhere();
    done(&other.store, crate::given::update("t", 1, TaskState::Completed, 1)).await;
    assert_eq!(other.store.delete_finished(at(2), 1).await.unwrap(), 1);
    done(&other.store, create("t", "somebody else", TaskState::InputRequired, 5)).await;
    // The first process knows version 1 of the task that is gone.
    done(&table.store, crate::given::update("t", 1, TaskState::Completed, 6)).await;
    let total = async |owner: &str, state| {
        let filter = TaskFilter { page_size: 5, state: Some(state), ..Default::default() };
        let page = table.store.list(&scope(owner), &filter).await.unwrap();
        (page.total_size, page.tasks.len())
    };
    assert_eq!((total("o", TaskState::InputRequired).await, total("o", TaskState::Completed).await), ((0, 0), (0, 0)));
    assert_eq!(total("somebody else", TaskState::Completed).await, (1, 1));
    assert_eq!(total("somebody else", TaskState::InputRequired).await, (0, 0));
}
