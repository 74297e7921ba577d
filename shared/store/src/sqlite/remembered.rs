//! Messages that clients sent in the last day, so that a retry is recognised.
//!
//! They are found by a digest, which is random: an index kept up to date with each commit would cost each commit a page of its own, more than all
//! the rest of a quick task. So messages are appended to a log, the newest are looked up in a table in the writer's memory, and every
//! [`STEP`] messages one of [`SLICES`] slices of the digests moves from there into the index in the file, many to a page. The memory is made
//! again from the log's end when a file is opened, and follows what other processes append.

use engine::ports::RememberedMessage;
use protocol::types::TaskState;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::values::{milliseconds, state_number};

const STEP: i64 = 1024;
const SLICES: i64 = 16;

/// What a message is found by.
pub(super) type MessageDigest = [u8; 16];

/// Of owner, message id and fingerprint.
pub(super) fn digest(owner: &str, message: &RememberedMessage) -> MessageDigest {
    let mut hash = Sha256::new();
    for text in [owner, &message.message_id, &message.fingerprint] {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    digest
}

/// Makes the writer's memory.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA temp_store = MEMORY;
         CREATE TEMP TABLE fresh_messages (digest BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;",
    )
}

/// Takes in what is in the log and not in the index, and not in memory yet.
pub(super) fn catch_up(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO fresh_messages (digest, number)
             SELECT digest, number FROM remembered_messages
             WHERE number > max((SELECT coalesce(max(number), 0) FROM fresh_messages), (SELECT coalesce(max(number), 0) FROM remembered_messages) - ?1)
             ORDER BY number",
        )?
        .execute([STEP * SLICES])?;
    Ok(())
}

/// The task that a message went to, if that is younger than the message's limit and the task is still in the turn that it began.
///
/// A client that sent the task another message, or canceled it, has had its answer: the same message after that is a new one.
pub(super) fn find(connection: &Connection, digest: MessageDigest, message: &RememberedMessage) -> rusqlite::Result<Option<String>> {
    for number_of in ["SELECT number FROM fresh_messages WHERE digest = ?1", "SELECT number FROM remembered_message_index WHERE digest = ?1"] {
        let number: Option<i64> = connection.prepare_cached(number_of)?.query_row([digest], |row| row.get(0)).optional()?;
        if let Some(number) = number {
            return connection
                .prepare_cached(
                    "SELECT task_id FROM remembered_messages
                     WHERE number = ?1 AND digest = ?2 AND remembered_at >= ?3 AND EXISTS (SELECT 1 FROM tasks WHERE id = task_id AND turn_message = ?2 AND state <> ?4)",
                )?
                .query_row(params![number, digest, milliseconds(message.forget_before), state_number(&TaskState::Canceled)], |row| row.get(0))
                .optional();
        }
    }
    Ok(None)
}

/// Remembers a message that [`find`] didn't find.
pub(super) fn remember(
    connection: &Connection,
    digest: MessageDigest,
    message: &RememberedMessage,
    task_id: &str,
    now_milliseconds: i64,
) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT INTO remembered_messages (digest, task_id, remembered_at) VALUES (?1, ?2, ?3)")?.execute(params![
        digest,
        task_id,
        now_milliseconds
    ])?;
    let number = connection.last_insert_rowid();
    connection.prepare_cached("INSERT OR REPLACE INTO fresh_messages (digest, number) VALUES (?1, ?2)")?.execute(params![digest, number])?;
    if number % STEP == 0 {
        tidy(connection, number / STEP % SLICES, milliseconds(message.forget_before))?;
    }
    Ok(())
}

/// Moves a slice of the memory into the index, and forgets what is too old: in the log the oldest, in the index those of the slice.
fn tidy(connection: &Connection, slice: i64, forget_before: i64) -> rusqlite::Result<()> {
    // A slice is told by the digest's first byte.
    let width = 256 / SLICES;
    let (from, to) = (first_with(slice * width), first_with((slice + 1) * width));
    connection
        .prepare_cached("DELETE FROM remembered_messages WHERE number IN (SELECT number FROM remembered_messages ORDER BY number LIMIT ?1) AND remembered_at < ?2")?
        .execute([2 * STEP, forget_before])?;
    connection
        .prepare_cached(
            "DELETE FROM remembered_message_index
             WHERE digest >= ?1 AND digest < ?2 AND number < (SELECT min(number) FROM remembered_messages)",
        )?
        .execute(params![from, to])?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO remembered_message_index (digest, number)
             SELECT digest, number FROM fresh_messages WHERE digest >= ?1 AND digest < ?2 ORDER BY digest",
        )?
        .execute(params![from, to])?;
    connection.prepare_cached("DELETE FROM fresh_messages WHERE digest >= ?1 AND digest < ?2")?.execute(params![from, to])?;
    Ok(())
}

/// The least blob that begins with a byte; for 256 one that is greater than all digests.
fn first_with(byte: i64) -> Vec<u8> {
    u8::try_from(byte).map_or_else(|_| vec![0xff; 17], |byte| vec![byte])
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn message(n: i64, forget_before: i64) -> RememberedMessage {
        RememberedMessage { message_id: n.to_string(), fingerprint: "f".into(), forget_before: at(forget_before) }
    }

    fn send(connection: &Connection, n: i64, now: i64, forget_before: i64) {
        let message = message(n, forget_before);
        let digest = digest("o", &message);
        assert_eq!(find(connection, digest, &message).unwrap(), None, "message {n}");
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO tasks (id, owner, agent, context_id, dialect, caller_role, version, state, status_at, status, last_sequence,
                    message_count, artifact_chunks, attempts, cancel_requested, turn_message)
                 VALUES (?1, '', '', '', '', '', 1, 1, 0, '', 0, 0, '[]', 0, 0, ?2)",
            )
            .unwrap()
            .execute(params![message.message_id, digest])
            .unwrap();
        remember(connection, digest, &message, &message.message_id, now * 1000).unwrap();
    }

    fn knows(connection: &Connection, n: i64, forget_before: i64) -> bool {
        let message = message(n, forget_before);
        find(connection, digest("o", &message), &message).unwrap().is_some()
    }

    fn count(connection: &Connection, table: &str) -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    fn open() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../../../migrations/sqlite/0001_tasks.sql")).unwrap();
        prepare(&connection).unwrap();
        connection
    }

    #[test]
    fn every_message_is_found_in_memory_or_in_the_index_and_after_a_restart() {
        let connection = open();
        let all = STEP * (SLICES + 4) + 77;
        connection.execute_batch("BEGIN").unwrap();
        (0..all).for_each(|n| send(&connection, n, 0, 0));
        connection.execute_batch("COMMIT").unwrap();
        assert_eq!(count(&connection, "fresh_messages") + count(&connection, "remembered_message_index"), all);
        assert!(count(&connection, "fresh_messages") <= STEP * SLICES);
        assert!((0..all).all(|n| knows(&connection, n, 0)));
        assert!(!knows(&connection, all, 0));

        connection.execute_batch("DELETE FROM fresh_messages").unwrap();
        catch_up(&connection).unwrap();
        assert!((0..all).all(|n| knows(&connection, n, 0)));
    }

    #[test]
    fn what_is_forgotten_leaves_the_log_and_the_index() {
        let connection = open();
        connection.execute_batch("BEGIN").unwrap();
        let turn = STEP * SLICES;
        (0..turn).for_each(|n| send(&connection, n, 0, 0));
        assert!(!knows(&connection, 5, 1));
        // The same messages a day later are new, and found as such.
        (0..2 * turn).for_each(|n| send(&connection, n, 10, 1));
        assert!((0..2 * turn).all(|n| knows(&connection, n, 1)));
        assert_eq!(count(&connection, "remembered_messages"), 2 * turn);
        assert!(count(&connection, "remembered_message_index") <= 2 * turn);
        connection.execute_batch("COMMIT").unwrap();
    }
}
