//! Deletes tasks with all that belongs to them.

use rusqlite::{Connection, params};

use super::commit::count;

/// Deletes at most `limit` tasks that ended before a time (in milliseconds); says how many. Besides what it deletes it costs a look at the
/// oldest task of each owner, agent and state.
pub(super) fn delete_finished(connection: &Connection, before: i64, limit: u32) -> rusqlite::Result<u32> {
    let mut select = connection.prepare_cached(
        // The counts say which ranges of `tasks_by_state` there are; CROSS keeps the order of the two.
        "SELECT number, id, owner, agent, state FROM task_counts CROSS JOIN tasks USING (owner, agent, state)
         WHERE state IN (3, 4, 5, 7) AND tasks > 0 AND status_at < ?1 LIMIT ?2",
    )?;
    let finished = select
        .query_map(params![before, limit], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?, row.get::<_, i64>(4)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for (number, id, owner, agent, state) in &finished {
        for delete in [
            "DELETE FROM messages WHERE task = ?1",
            "DELETE FROM artifact_chunks WHERE task = ?1",
            "DELETE FROM events WHERE task = ?1",
            "DELETE FROM push_configs WHERE task = ?1",
            "DELETE FROM tasks WHERE number = ?1",
        ] {
            connection.prepare_cached(delete)?.execute([number])?;
        }
        // `0` follows `/`: all keys that begin with the task's prefix.
        connection
            .prepare_cached(
                "DELETE FROM jobs WHERE key = 'run-task/' || ?1 OR (key >= 'deliver-push/' || ?1 || '/' AND key < 'deliver-push/' || ?1 || '0')",
            )?
            .execute([id])?;
        count(connection, owner, agent, *state, -1)?;
    }
    Ok(u32::try_from(finished.len()).unwrap_or(limit))
}
