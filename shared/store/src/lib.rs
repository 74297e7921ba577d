//! Where tasks and documents are kept: the backends of [`engine::ports::TaskStore`] and [`engine::ports::DocumentStore`].

mod documents;
pub mod jobs;
pub mod postgres;
pub mod sqlite;

pub use jobs::{JobRows, TakenJob};
pub use postgres::{PoolSettings, PostgresDatabase, PostgresDocumentStore};
pub use sqlite::{SqliteDatabase, SqliteDocumentStore, SqliteTaskStore};
