//! Where tasks and documents are kept: the backends of [`engine::ports::TaskStore`] and [`engine::ports::DocumentStore`].

pub mod sqlite;

pub use sqlite::{SqliteDatabase, SqliteDocumentStore, SqliteTaskStore};
