//! Rows as tasks.

use engine::ports::{Scope, SequencedEvent, StoredTask, View};
use protocol::types::{Artifact, Message, StreamResponse, Task};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::values::{from_json, from_json_or_default, parse};
use crate::values::{add_chunk, time};

/// What [`stored_task`] reads, in its order.
macro_rules! select_task {
    ($rest:literal) => {
        concat!(
            "SELECT number, id, owner, agent, context_id, dialect, caller_role, version, status, last_sequence, message_count, artifact_chunks, \
             lease_runner, lease_until, attempts, cancel_requested, request_metadata, \
             (SELECT json_group_array(id) FROM (SELECT id FROM push_configs WHERE task = tasks.number ORDER BY id)) \
             FROM tasks ",
            $rest
        )
    };
}
pub(super) use select_task;

/// A task with its key, as far as the row goes.
pub(super) fn stored_task(row: &Row<'_>) -> rusqlite::Result<(i64, StoredTask)> {
    let lease_until: Option<i64> = row.get(13)?;
    let task = Task { id: row.get(1)?, context_id: row.get(4)?, status: from_json(row, 8)?, artifacts: None, history: None, metadata: None };
    let stored = StoredTask {
        task,
        version: row.get(7)?,
        owner: row.get(2)?,
        agent: row.get(3)?,
        dialect: parse(row, 5)?,
        last_sequence: row.get(9)?,
        message_count: row.get(10)?,
        artifact_chunks: from_json(row, 11)?,
        push_config_ids: from_json(row, 17)?,
        lease: row.get::<_, Option<String>>(12)?.zip(lease_until.map(time)),
        attempts: row.get(14)?,
        cancel_requested: row.get(15)?,
        request_metadata: from_json_or_default(row, 16)?,
        caller_role: row.get(6)?,
    };
    Ok((row.get(0)?, stored))
}

/// A task by its id, in a scope or (for the workers) in any. `Err` where the view takes more than `most` rows.
pub(super) fn task(
    connection: &Connection,
    scope: Option<&Scope>,
    task_id: &str,
    view: View,
    most: u64,
) -> rusqlite::Result<Result<Option<StoredTask>, TooMuch>> {
    let found = match scope {
        Some(scope) => connection
            .prepare_cached(select_task!("WHERE id = ?1 AND owner = ?2 AND (?3 IS NULL OR agent = ?3)"))?
            .query_row(params![task_id, scope.owner, scope.agent], stored_task)
            .optional()?,
        None => connection.prepare_cached(select_task!("WHERE id = ?1"))?.query_row([task_id], stored_task).optional()?,
    };
    let Some((number, task)) = found else { return Ok(Ok(None)) };
    if rows(&task, view) > most {
        return Ok(Err(TooMuch));
    }
    with_view(connection, number, task, view).map(|task| Ok(Some(task)))
}

/// A view takes more rows than were asked for.
pub(super) struct TooMuch;

fn rows(task: &StoredTask, view: View) -> u64 {
    let messages = view.history_length.map_or(task.message_count, |length| task.message_count.min(length.into()));
    let chunks = task.artifact_chunks.iter().map(|(_, chunks)| u64::from(*chunks)).sum::<u64>();
    if view.artifacts { messages + chunks } else { messages }
}

/// Reads what the view asks for besides the row.
pub(super) fn with_view(connection: &Connection, number: i64, mut stored: StoredTask, view: View) -> rusqlite::Result<StoredTask> {
    if stored.message_count > 0 && view.history_length != Some(0) {
        stored.task.history = Some(history(connection, number, view.history_length)?);
    }
    if view.artifacts && !stored.artifact_chunks.is_empty() {
        stored.task.artifacts = Some(artifacts(connection, number)?);
    }
    Ok(stored)
}

fn history(connection: &Connection, number: i64, length: Option<u32>) -> rusqlite::Result<Vec<Message>> {
    // A negative limit is none.
    let limit = length.map_or(-1, i64::from);
    let mut statement = connection.prepare_cached("SELECT message FROM messages WHERE task = ?1 ORDER BY number DESC LIMIT ?2")?;
    let mut messages = statement.query_map([number, limit], |row| from_json(row, 0))?.collect::<rusqlite::Result<Vec<Message>>>()?;
    messages.reverse();
    Ok(messages)
}

fn artifacts(connection: &Connection, number: i64) -> rusqlite::Result<Vec<Artifact>> {
    let mut statement = connection.prepare_cached("SELECT artifact, chunk FROM artifact_chunks WHERE task = ?1 ORDER BY artifact, number")?;
    let mut rows = statement.query([number])?;
    let mut artifacts: Vec<Artifact> = Vec::new();
    let mut last = None;
    while let Some(row) = rows.next()? {
        let artifact: i64 = row.get(0)?;
        let chunk: Artifact = from_json(row, 1)?;
        match artifacts.last_mut() {
            Some(whole) if last == Some(artifact) => add_chunk(whole, chunk),
            _ => artifacts.push(chunk),
        }
        last = Some(artifact);
    }
    Ok(artifacts)
}

/// Events after a sequence. A row holds those of one commit, so the first row may begin before.
pub(super) fn events(connection: &Connection, task_id: &str, after: u64, limit: u32) -> rusqlite::Result<Vec<SequencedEvent>> {
    let mut statement = connection.prepare_cached(
        "SELECT last_sequence, events FROM events
         WHERE task = (SELECT number FROM tasks WHERE id = ?1) AND last_sequence > ?2 ORDER BY last_sequence",
    )?;
    let mut rows = statement.query(params![task_id, after])?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut events = Vec::new();
    while events.len() < limit
        && let Some(row) = rows.next()?
    {
        let last: u64 = row.get(0)?;
        let of_commit: Vec<StreamResponse> = from_json(row, 1)?;
        let first = last.saturating_sub(of_commit.len() as u64) + 1;
        let numbered = (first..).zip(of_commit).map(|(sequence, event)| SequencedEvent { sequence, event });
        events.extend(numbered.filter(|event| event.sequence > after).take(limit - events.len()));
    }
    Ok(events)
}
