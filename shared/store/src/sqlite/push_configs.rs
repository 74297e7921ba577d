//! Webhooks of tasks.

use engine::ports::{PushConfig, Scope};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::values::{from_json, parse, to_json};
use crate::values::{milliseconds, time};

/// Adds or replaces a webhook of the task of that number.
pub(super) fn put(connection: &Connection, task: i64, config: &PushConfig) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO push_configs (task, id, config, dialect, cursor, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            task,
            config.config.id,
            to_json(&config.config)?,
            config.dialect.as_str(),
            config.cursor,
            milliseconds(config.created_at)
        ])?;
    Ok(())
}

/// As the port's `put_push_config`.
pub(super) fn put_in_scope(connection: &Connection, scope: &Scope, config: &PushConfig) -> rusqlite::Result<bool> {
    let Some(task) = task_in_scope(connection, scope, &config.config.task_id)? else { return Ok(false) };
    put(connection, task, config)?;
    changed(connection, task)?;
    Ok(true)
}

/// As the port's `delete_push_config`.
pub(super) fn delete(connection: &Connection, scope: &Scope, task_id: &str, config_id: &str) -> rusqlite::Result<bool> {
    let Some(task) = task_in_scope(connection, scope, task_id)? else { return Ok(false) };
    let deleted = connection.prepare_cached("DELETE FROM push_configs WHERE task = ?1 AND id = ?2")?.execute(params![task, config_id])?;
    if deleted > 0 {
        changed(connection, task)?;
    }
    Ok(true)
}

/// As the port's `push_configs`; without a scope for the workers.
pub(super) fn of_task(connection: &Connection, scope: Option<&Scope>, task_id: &str) -> rusqlite::Result<Option<Vec<PushConfig>>> {
    let task = match scope {
        Some(scope) => task_in_scope(connection, scope, task_id)?,
        None => connection.prepare_cached("SELECT number FROM tasks WHERE id = ?1")?.query_row([task_id], |row| row.get(0)).optional()?,
    };
    let Some(task) = task else { return Ok(None) };
    let mut statement = connection.prepare_cached("SELECT config, dialect, cursor, created_at FROM push_configs WHERE task = ?1 ORDER BY id")?;
    statement.query_map([task], push_config)?.collect::<rusqlite::Result<_>>().map(Some)
}

/// As the port's `advance_push_cursor`.
pub(super) fn advance(connection: &Connection, task_id: &str, config_id: &str, from: u64, to: u64) -> rusqlite::Result<bool> {
    let moved = connection
        .prepare_cached("UPDATE push_configs SET cursor = ?4 WHERE task = (SELECT number FROM tasks WHERE id = ?1) AND id = ?2 AND cursor = ?3")?
        .execute(params![task_id, config_id, from, to])?;
    Ok(moved > 0)
}

fn push_config(row: &Row<'_>) -> rusqlite::Result<PushConfig> {
    Ok(PushConfig { config: from_json(row, 0)?, dialect: parse(row, 1)?, cursor: row.get(2)?, created_at: time(row.get(3)?) })
}

fn task_in_scope(connection: &Connection, scope: &Scope, task_id: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT number FROM tasks WHERE id = ?1 AND owner = ?2 AND (?3 IS NULL OR agent = ?3)")?
        .query_row(params![task_id, scope.owner, scope.agent], |row| row.get(0))
        .optional()
}

fn changed(connection: &Connection, task: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE tasks SET version = version + 1 WHERE number = ?1")?.execute([task])?;
    Ok(())
}
