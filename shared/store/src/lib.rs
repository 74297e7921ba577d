//! Where tasks, documents, API keys, blocked addresses and the audit log are kept: the backends of [`engine::ports::TaskStore`],
//! [`engine::ports::DocumentStore`], [`engine::ports::KeyStore`], [`engine::ports::BlockStore`] and [`engine::ports::AuditLog`].

mod audit;
mod blocks;
mod documents;
pub mod dynamodb;
pub mod jobs;
mod page_token;
pub mod postgres;
mod secrets;
pub mod sqlite;
mod values;

pub use dynamodb::{DynamoDbDatabase, DynamoDbDocumentStore, DynamoDbTaskStore, OpenCorpus};
pub use jobs::{JobRows, TakenJob};
pub use postgres::{PoolSettings, PostgresDatabase, PostgresDocumentStore, PostgresTaskStore};
pub use secrets::SharedSecrets;
pub use sqlite::{SqliteDatabase, SqliteDocumentStore, SqliteTaskStore};
