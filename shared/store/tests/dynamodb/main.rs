//! What the DynamoDB backend promises beyond the facts of all task stores: its requests, the sizes that it takes, what it leaves behind.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails a test")]

mod away;
#[path = "../task_store/given.rs"]
#[allow(dead_code, reason = "the facts of all task stores need the rest")]
mod given;
mod leftovers;
mod recorder;
mod requests;
mod sizes;
mod template;

use std::{collections::HashMap, sync::Arc};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use engine::ports::TaskStore;
use recorder::Recorder;
use store::{DynamoDbDatabase, DynamoDbTaskStore};

/// The store under test.
type Store = Arc<dyn TaskStore>;

/// A table of its own, and everything that can be done with it.
struct Table {
    name: String,
    database: DynamoDbDatabase,
    store: Store,
    recorder: Recorder,
}

impl Table {
    async fn new() -> Table {
        let recorder = Recorder::before(&tests::servers::aws()).await;
        let name = tests::servers::unique_name();
        let table = Table::open(name, recorder);
        table.database.create_table().await.unwrap();
        table.recorder.forget();
        table
    }

    /// The same table in another process.
    fn elsewhere(&self) -> Table {
        Table::open(self.name.clone(), self.recorder.clone())
    }

    fn open(name: String, recorder: Recorder) -> Table {
        let url = recorder.url();
        let database = DynamoDbDatabase::new(&name, move || {
            let url = url.clone();
            async move { tests::servers::aws_config_at(&url) }
        });
        Table { name, store: Arc::new(DynamoDbTaskStore::new(database.clone())), database, recorder }
    }

    /// Sort keys of all items whose partition and sort keys begin so.
    async fn keys(&self, pk: &str, sk: &str) -> Vec<String> {
        let client = Client::new(&tests::servers::aws_config());
        let mut keys = Vec::new();
        let mut start: Option<HashMap<String, AttributeValue>> = None;
        loop {
            let scan = client.scan().table_name(&self.name).projection_expression("pk, sk").set_exclusive_start_key(start);
            let found = scan.send().await.unwrap();
            let of = |item: &HashMap<String, AttributeValue>, name: &str| item[name].as_s().unwrap().clone();
            let items = found.items().iter().map(|item| (of(item, "pk"), of(item, "sk")));
            keys.extend(items.filter(|(p, s)| p.starts_with(pk) && s.starts_with(sk)).map(|(_, sk)| sk));
            start = found.last_evaluated_key;
            if start.is_none() {
                return keys;
            }
        }
    }
}
