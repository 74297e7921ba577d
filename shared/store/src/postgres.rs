//! Postgres: for many processes at once. Behind RDS Proxy too, so nothing here leaves state in a session.

mod audit;
mod blocks;
mod changed_artifacts;
mod commit;
mod connect;
mod connections;
mod database;
mod documents;
mod iam;
mod jobs;
mod keys;
mod list;
mod migrations;
mod names;
mod outbox;
mod push_configs;
mod read;
mod remembered;
mod retention;
mod secrets;
mod statements;
mod tasks;
mod values;

pub use connections::{Connections, HeldConnection};
pub use database::{PoolSettings, PostgresDatabase};
pub use documents::PostgresDocumentStore;
pub use tasks::PostgresTaskStore;

use engine::ports::StoreError;

/// What a driver's error means to the engine: who is away, full, starting, failing over or in another's way may be back at the next try; the
/// rest is a bug or damage.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    if may_pass(&error) { StoreError::Unavailable(Box::new(error)) } else { StoreError::Failed(Box::new(error)) }
}

fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_passing(&code)),
        _ => false,
    }
}

/// Of the SQLSTATE codes: the classes of connections and of resources, shutdowns and timeouts, a server that became a replica, and
/// transactions that stood in each other's way.
fn is_passing(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") || matches!(code, "57014" | "25006" | "40001" | "40P01" | "55P03")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_unavailable_and_the_rest_has_failed() {
        for code in ["08006", "08001", "57P01", "57P03", "53300", "53200", "40001", "40P01", "25006"] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["23505", "42P01", "22021", "28P01", "3D000", "XX001"] {
            assert!(!is_passing(code), "{code}");
        }
        assert!(matches!(store_error(sqlx::Error::PoolTimedOut), StoreError::Unavailable(_)));
        assert!(matches!(store_error(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()), StoreError::Unavailable(_)));
        assert!(matches!(store_error(sqlx::Error::RowNotFound), StoreError::Failed(_)));
    }
}
