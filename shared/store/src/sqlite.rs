//! SQLite: one file, many readers, one writer.

mod audit;
mod blocks;
mod checkpointer;
mod commit;
mod database;
mod documents;
#[cfg(test)]
mod growth;
mod jobs;
mod keys;
mod list;
mod migrations;
mod push_configs;
mod read;
mod remembered;
mod retention;
mod tasks;
mod values;
mod writer;

pub use database::SqliteDatabase;
pub use documents::SqliteDocumentStore;
/// The driver, for those who give [`SqliteDatabase`] something to do.
pub use rusqlite;
pub use tasks::SqliteTaskStore;

use engine::ports::StoreError;

/// What a driver's error means to the engine: busy and full disks may pass, the rest is a bug or damage.
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, SystemIoFailure};
    match error.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked | DiskFull | SystemIoFailure | CannotOpen) => StoreError::Unavailable(Box::new(error)),
        _ => StoreError::Failed(Box::new(error)),
    }
}
