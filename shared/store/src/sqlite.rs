//! SQLite: one file, many readers, one writer.

mod database;
mod migrations;
mod writer;

pub use database::SqliteDatabase;
/// The driver, for those who give [`SqliteDatabase`] something to do.
pub use rusqlite;

use engine::ports::StoreError;

/// What a driver's error means to the engine: busy and full disks may pass, the rest is a bug or damage.
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, SystemIoFailure};
    match error.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked | DiskFull | SystemIoFailure | CannotOpen) => StoreError::Unavailable(Box::new(error)),
        _ => StoreError::Failed(Box::new(error)),
    }
}
