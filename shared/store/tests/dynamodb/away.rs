//! What is said of a DynamoDB that is away, busy or not set up.

use std::sync::Arc;

use engine::ports::{Change, Committed, StoreError, View};
use protocol::types::TaskState;
use store::{DynamoDbDatabase, DynamoDbTaskStore};

use crate::{
    Table,
    given::{create, scope, whole},
    recorder::Recorder,
};

fn change(id: &str) -> Arc<Change> {
    Arc::new(create(id, "o", TaskState::Working, 0))
}

const CONFLICT: &str = r#","CancellationReasons":[{"Code":"None"},{"Code":"None"},{"Code":"None"},{"Code":"TransactionConflict"}]"#;

#[tokio::test]
async fn transactions_that_meet_are_made_one_after_the_other() {
    let table = Table::new().await;
    table.recorder.refuse("TransactWriteItems", 4, 400, "TransactionCanceledException", CONFLICT);
    assert_eq!(table.store.commit(change("t")).await.unwrap(), Committed::Done);
    assert_eq!(table.recorder.operations().len(), 5);
    assert_eq!(whole(&table.store, "t").await.version, 1);
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_made_once() {
    let table = Table::new().await;
    table.recorder.lose_answer("TransactWriteItems");
    assert_eq!(table.store.commit(change("t")).await.unwrap(), Committed::Done);
    assert_eq!(table.recorder.operations().len(), 2);
    let stored = whole(&table.store, "t").await;
    assert_eq!((stored.version, table.store.active_tasks().await.unwrap()), (1, 1));
}

#[tokio::test]
async fn a_table_that_is_busy_all_the_time_is_unavailable() {
    let table = Table::new().await;
    table.recorder.refuse("TransactWriteItems", 100, 400, "TransactionCanceledException", CONFLICT);
    let busy = table.store.commit(change("t")).await;
    assert!(matches!(&busy, Err(StoreError::Unavailable(_))), "{busy:?}");
    table.recorder.refuse("Query", 100, 400, "ProvisionedThroughputExceededException", "");
    let throttled = table.store.task(&scope("o"), "t", View::STATUS).await;
    assert!(matches!(&throttled, Err(StoreError::Unavailable(_))), "{throttled:?}");
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    // A port that nobody listens at any more.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let database = DynamoDbDatabase::new("table", move || async move { tests::servers::aws_config_at(&format!("http://127.0.0.1:{port}")) });
    let store: crate::Store = Arc::new(DynamoDbTaskStore::new(database));
    let away = store.commit(change("t")).await;
    assert!(matches!(&away, Err(StoreError::Unavailable(_))), "{away:?}");
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_table_that_is_not_there_is_a_failure_that_says_so() {
    let recorder = Recorder::before(&tests::servers::aws()).await;
    let table = Table::open(tests::servers::unique_name(), recorder);
    let missing = table.store.task(&scope("o"), "t", View::STATUS).await.unwrap_err();
    assert!(matches!(missing, StoreError::Failed(_)) && missing.to_string().contains("not found"), "{missing}");
    // Nobody makes it by the way.
    assert!(!table.recorder.operations().contains(&"CreateTable".to_owned()));
}

#[tokio::test]
async fn a_table_is_made_once_by_many() {
    let table = Table::open(tests::servers::unique_name(), Recorder::before(&tests::servers::aws()).await);
    let makers = (0..4).map(|_| {
        let database = table.elsewhere().database;
        tokio::spawn(async move { database.create_table().await })
    });
    for made in futures::future::join_all(makers).await {
        made.unwrap().unwrap();
    }
    assert_eq!(table.store.commit(change("t")).await.unwrap(), Committed::Done);
    let client = aws_sdk_dynamodb::Client::new(&tests::servers::aws_config());
    let described = client.describe_table().table_name(&table.name).send().await.unwrap().table.unwrap();
    let billing = described.billing_mode_summary().and_then(|summary| summary.billing_mode().cloned());
    assert_eq!(billing, Some(aws_sdk_dynamodb::types::BillingMode::PayPerRequest));
    let expiry = client.describe_time_to_live().table_name(&table.name).send().await.unwrap().time_to_live_description.unwrap();
    assert_eq!(expiry.attribute_name(), Some("expires"));
}
