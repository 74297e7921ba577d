//! Brings a file's schema up to date, one numbered file of `migrations/sqlite` after the other.

use rusqlite::{Connection, TransactionBehavior};

/// In order; a file's `user_version` says how many of them it has. Only ever add at the end.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../../migrations/sqlite/0001_tasks.sql"),
    include_str!("../../../../migrations/sqlite/0002_documents.sql"),
    include_str!("../../../../migrations/sqlite/0003_api_keys.sql"),
    include_str!("../../../../migrations/sqlite/0004_audit.sql"),
    include_str!("../../../../migrations/sqlite/0005_offenders.sql"),
];

/// So many of them give a file documents.
const WITH_DOCUMENTS: usize = 2;

/// Whether this version can read a file's documents as they are.
pub(super) fn has_documents(connection: &Connection) -> rusqlite::Result<bool> {
    let applied: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok((WITH_DOCUMENTS..=MIGRATIONS.len()).contains(&applied))
}

/// Applies what is missing, all or nothing. Several processes may do so at once: one works, the others wait and find it done.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let applied: usize = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for migration in MIGRATIONS.iter().skip(applied) {
        transaction.execute_batch(migration)?;
    }
    if applied < MIGRATIONS.len() {
        transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    }
    transaction.commit()
}
