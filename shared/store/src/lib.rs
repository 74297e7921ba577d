//! Where tasks and documents are kept: the backends of [`engine::ports::TaskStore`] and [`engine::ports::DocumentStore`].

pub mod jobs;
pub mod postgres;
pub mod sqlite;

pub use jobs::{JobRows, TakenJob};
pub use postgres::{PoolSettings, PostgresDatabase};
pub use sqlite::{SqliteDatabase, SqliteDocumentStore, SqliteTaskStore};
