//! Commits that are larger than what DynamoDB takes at once: 400 KB an item, 100 items and 4 MB a transaction.

use engine::ports::{Change, Committed, QueueName, View, Work};
use protocol::types::{TaskState, TaskStatus};
use store::JobRows;

use crate::{
    Table,
    given::{at, chunk, conflict, create, done, event, message, push_config, scope, status, texts, update, whole},
};

fn text(bytes: usize) -> String {
    // Two bytes a letter, and quotes that grow in JSON.
    "é\"".repeat(bytes / 3)
}

#[tokio::test]
async fn a_message_of_six_megabytes_is_kept() {
    let table = Table::new().await;
    let large = text(6_000_000);
    let change = Change { messages: vec![message("small", "x"), message("large", &large)], ..create("t", "o", TaskState::Working, 0) };
    done(&table.store, change.clone()).await;
    let look = View { history_length: Some(1), artifacts: false };
    let stored = table.store.task(&scope("o"), "t", look).await.unwrap().unwrap();
    assert_eq!(texts(&stored.task.history.unwrap()[0].parts), [&large]);
    assert_eq!(whole(&table.store, "t").await.task.history.unwrap(), change.messages);
    assert_eq!(table.store.delete_finished(at(100), 10).await.unwrap(), 0);
    assert_eq!(whole(&table.store, "t").await.task.history.unwrap(), change.messages);
}

#[tokio::test]
async fn three_hundred_chunks_fit_one_commit() {
    let table = Table::new().await;
    let of_one = (0..300).map(|n| chunk(0, n, &format!("chunk {n}"))).collect();
    done(&table.store, Change { chunks: of_one, ..create("one", "o", TaskState::Completed, 0) }).await;
    let artifacts = whole(&table.store, "one").await.task.artifacts.unwrap();
    assert_eq!((artifacts.len(), artifacts[0].parts.len()), (1, 300));
    assert_eq!(texts(&artifacts[0].parts)[299], "chunk 299");
    // And as many artifacts, replaced one by one or together.
    let of_many = |of: u32, text: &str| (0..of).map(|n| chunk(n, 0, &format!("{text} {n}"))).collect::<Vec<_>>();
    done(&table.store, Change { chunks: of_many(300, "first"), ..create("many", "o", TaskState::Working, 0) }).await;
    done(&table.store, Change { chunks: of_many(5, "second"), ..update("many", 1, TaskState::Working, 0) }).await;
    done(&table.store, Change { chunks: of_many(100, "third"), ..update("many", 2, TaskState::Working, 0) }).await;
    done(&table.store, Change { chunks: of_many(2, "fourth"), ..update("many", 3, TaskState::Working, 0) }).await;
    let artifacts = whole(&table.store, "many").await.task.artifacts.unwrap();
    let first_text = |n: usize| texts(&artifacts[n].parts).join(", ");
    assert_eq!((artifacts.len(), first_text(1), first_text(50), first_text(200)), (300, "fourth 1".into(), "third 50".into(), "first 200".into()));
}

#[tokio::test]
async fn an_agent_may_be_far_ahead_with_long_texts() {
    let table = Table::new().await;
    let long = text(30_000);
    let mut change = create("t", "o", TaskState::Completed, 0);
    // Of each kind so much that its items are large but fit, and together they don't.
    change.messages = (0..512).map(|n| message(&format!("m-{n}"), if n % 9 == 0 { &long } else { "short" })).collect();
    change.chunks = (0..512).map(|n| chunk(0, n, if n % 9 == 0 { &long } else { "short" })).collect();
    change.events = (1..=512).map(|n| event("t", n)).collect();
    change.status.message = Some(message("s", &text(2_000_000)));
    done(&table.store, change.clone()).await;
    let stored = whole(&table.store, "t").await;
    assert_eq!(stored.task.history.unwrap(), change.messages);
    assert_eq!(stored.task.artifacts.unwrap()[0].parts.len(), 512);
    assert_eq!(stored.task.status, change.status);
    assert_eq!(table.store.events("t", 0, 1000).await.unwrap(), change.events.to_vec());
    assert_eq!(table.store.events("t", 500, 5).await.unwrap(), change.events[500..505]);
    // Nothing of it is left once it is deleted, but what counts it.
    assert_eq!(table.store.delete_finished(at(1), 10).await.unwrap(), 1);
    assert_eq!(table.keys("", "").await.len(), table.keys("counts/", "").await.len());
}

#[tokio::test]
async fn what_a_large_text_took_is_free_when_it_is_replaced() {
    let table = Table::new().await;
    let large = |seconds| TaskStatus { message: Some(message("s", &text(900_000))), ..status(TaskState::Working, seconds) };
    let with_chunk = |change: Change, seconds| Change { status: large(seconds), chunks: vec![chunk(0, 0, &text(500_000))], ..change };
    done(&table.store, with_chunk(create("t", "o", TaskState::Working, 0), 0)).await;
    let pieces = table.keys("task/t", "blob/").await;
    for version in 1..4 {
        done(&table.store, with_chunk(update("t", version, TaskState::Working, 0), version as i64)).await;
        assert_eq!(table.keys("task/t", "blob/").await.len(), pieces.len());
        assert_eq!(table.keys("task/t", "artifact/").await.len(), 1);
    }
    assert_eq!(whole(&table.store, "t").await.task.status, large(3));
    done(&table.store, Change { chunks: vec![chunk(0, 0, "x")], ..update("t", 4, TaskState::Completed, 9) }).await;
    assert_eq!(table.keys("task/t", "blob/").await, Vec::<String>::new());
    assert_eq!(whole(&table.store, "t").await.task.status, status(TaskState::Completed, 9));
}

#[tokio::test]
async fn a_large_conflict_leaves_nothing_behind() {
    let table = Table::new().await;
    done(&table.store, create("t", "o", TaskState::Working, 0)).await;
    let elsewhere = table.elsewhere();
    whole(&elsewhere.store, "t").await;
    done(&table.store, update("t", 1, TaskState::Working, 1)).await;
    conflict(&elsewhere.store, Change { messages: vec![message("m", &text(5_000_000))], ..update("t", 1, TaskState::Working, 2) }).await;
    conflict(&table.store, Change { messages: vec![message("m", &text(5_000_000))], ..create("t", "o", TaskState::Working, 2) }).await;
    assert_eq!(table.keys("task/t", "").await, ["task"]);
    let stored = whole(&table.store, "t").await;
    assert_eq!((stored.version, stored.message_count, stored.task.status), (2, 0, status(TaskState::Working, 1)));
}

#[tokio::test]
async fn every_webhook_of_many_gets_its_work() {
    let table = Table::new().await;
    done(&table.store, create("t", "o", TaskState::Working, 0)).await;
    let push = |task_id: &str, n: usize| Work::DeliverPush { task_id: task_id.into(), config_id: format!("p-{n:03}") };
    for n in 0..130 {
        assert!(table.store.put_push_config(&scope("o"), push_config("t", &format!("p-{n:03}"))).await.unwrap());
    }
    let mut work: Vec<Work> = (0..130).map(|n| push("t", n)).collect();
    work.push(Work::RunTask { task_id: "t".into() });
    let change = Change { work: work.clone(), events: [event("t", 1)].into(), ..update("t", 131, TaskState::Working, 1) };
    assert_eq!(table.store.commit(std::sync::Arc::new(change)).await.unwrap(), Committed::Done);
    assert_eq!(table.database.take(QueueName::RunTask, 10, at(1), at(60)).await.unwrap().len(), 1);
    let mut taken = Vec::new();
    loop {
        let jobs = table.database.take(QueueName::DeliverPush, 50, at(1), at(60)).await.unwrap();
        if jobs.is_empty() {
            break;
        }
        taken.extend(jobs.into_iter().map(|job| job.work));
    }
    taken.sort_by_key(Work::key);
    assert_eq!(taken, work[..130]);
    assert_eq!(table.database.depth(QueueName::DeliverPush).await.unwrap(), 130);
    // By name it is the same, at once.
    let change = Change { work: work.clone(), events: [event("t", 2)].into(), ..update("t", 132, TaskState::Working, 2) };
    done(&table.store, change).await;
    let other = Change { work: (0..30).map(|n| push("u", n)).collect(), ..create("u", "o", TaskState::Working, 3) };
    done(&table.store, other.clone()).await;
    assert_eq!(table.database.take_these(&other.work, at(60)).await.unwrap().len(), 30);
}
