//! What every backend must do of the stores that security stands on, whatever it is made of.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

/// The module's facts, each for every backend over an empty store of its own. A backend is a function here and a line at the end.
macro_rules! every_backend {
    ($($fact:ident),+ $(,)?) => {
        every_backend! { @of sqlite; $($fact),+ }
        every_backend! { @of postgres; $($fact),+ }
        every_backend! { @of dynamodb; $($fact),+ }
    };
    (@of $backend:ident; $($fact:ident),+) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $fact() {
                    let store: super::Store = std::sync::Arc::new(crate::$backend().await);
                    super::$fact(store).await;
                }
            )+
        }
    };
}

mod audit_log;
mod block_store;
mod key_store;

async fn sqlite() -> store::SqliteDatabase {
    store::SqliteDatabase::temporary().unwrap()
}

async fn postgres() -> store::PostgresDatabase {
    let database = store::PostgresDatabase::open(&tests::servers::postgres_database().await, 10).unwrap();
    database.migrate().await.unwrap();
    database
}

async fn dynamodb() -> store::DynamoDbDatabase {
    let database = store::DynamoDbDatabase::new(tests::servers::unique_name(), async || tests::servers::aws_config());
    database.create_table().await.unwrap();
    database
}
