//! One state change of a task within the writer's transaction. Nothing is written before it is sure that the change will be made.

use std::sync::Arc;

use engine::ports::{Change, Committed, Expect, LeaseChange, NewTask};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    jobs, push_configs,
    remembered::{self, MessageDigest, digest},
    values::to_json,
};
use crate::values::{milliseconds, state_number};

/// A change with its texts made, so that the writer's thread only writes.
pub(super) struct Prepared {
    change: Arc<Change>,
    state: i64,
    status_at: i64,
    status: String,
    messages: Vec<String>,
    chunks: Vec<String>,
    events: Option<String>,
    request_metadata: Option<String>,
    digest: Option<MessageDigest>,
}

/// What the task's row says before the change.
struct Before {
    number: i64,
    owner: String,
    agent: String,
    state: i64,
    status_at: i64,
    last_sequence: u64,
    message_count: u64,
    artifact_chunks: String,
    leased: bool,
}

impl Prepared {
    pub(super) fn new(change: Arc<Change>) -> rusqlite::Result<Self> {
        let events: Vec<_> = change.events.iter().map(|event| &event.event).collect();
        Ok(Prepared {
            state: state_number(&change.status.state).into(),
            status_at: milliseconds(change.status.timestamp.unwrap_or(change.now)),
            status: to_json(&change.status)?,
            messages: change.messages.iter().map(to_json).collect::<rusqlite::Result<_>>()?,
            chunks: change.chunks.iter().map(|chunk| to_json(&chunk.artifact)).collect::<rusqlite::Result<_>>()?,
            events: if events.is_empty() { None } else { Some(to_json(&events)?) },
            request_metadata: change.request_metadata.as_ref().map(to_json).transpose()?,
            digest: match (&change.remember, &change.expect) {
                (Some(message), Expect::New(task)) => Some(digest(&task.owner, message)),
                // The owner stands in the row.
                _ => None,
            },
            change,
        })
    }

    pub(super) fn apply(&self, connection: &Connection) -> rusqlite::Result<Committed> {
        match &self.change.expect {
            Expect::New(task) => self.create(connection, task),
            Expect::Version(version) => self.update(connection, *version),
        }
    }

    fn create(&self, connection: &Connection, task: &NewTask) -> rusqlite::Result<Committed> {
        let change = &*self.change;
        let artifact_chunks = self.artifact_chunks_after("[]", 0, 0)?;
        if let Some(duplicate) = self.duplicate(connection, self.digest)? {
            return Ok(duplicate);
        }
        let (runner, until) = lease_columns(&change.lease);
        let inserted = connection
            .prepare_cached(
                "INSERT INTO tasks (id, owner, agent, context_id, dialect, caller_role, version, state, status_at, status, last_sequence,
                    message_count, artifact_chunks, lease_runner, lease_until, attempts, cancel_requested, request_metadata,
                    turn_message)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
                 ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                change.task_id,
                task.owner,
                task.agent,
                task.context_id,
                task.dialect.as_str(),
                task.caller_role,
                self.state,
                self.status_at,
                self.status,
                change.events.len(),
                change.messages.len(),
                artifact_chunks,
                runner,
                until,
                change.attempts,
                change.cancel_requested,
                self.request_metadata,
                self.digest,
            ])?;
        if inserted == 0 {
            return Ok(Committed::Conflict);
        }
        self.append(connection, connection.last_insert_rowid(), None, self.digest)?;
        count(connection, &task.owner, &task.agent, self.state, 1)?;
        Ok(Committed::Done)
    }

    fn update(&self, connection: &Connection, version: u64) -> rusqlite::Result<Committed> {
        let change = &*self.change;
        let row = connection
            .prepare_cached(
                "SELECT number, owner, agent, state, status_at, last_sequence, message_count, artifact_chunks, lease_until IS NOT NULL, version
                 FROM tasks WHERE id = ?1",
            )?
            .query_row([&change.task_id], |row| {
                let before = Before {
                    number: row.get(0)?,
                    owner: row.get(1)?,
                    agent: row.get(2)?,
                    state: row.get(3)?,
                    status_at: row.get(4)?,
                    last_sequence: row.get(5)?,
                    message_count: row.get(6)?,
                    artifact_chunks: row.get(7)?,
                    leased: row.get(8)?,
                };
                Ok((before, row.get::<_, u64>(9)?))
            })
            .optional()?;
        let Some((before, stands_at)) = row else { return Ok(Committed::Conflict) };
        let digest = change.remember.as_ref().map(|message| digest(&before.owner, message));
        // A retry of what this very message did finds a newer version, and must hear of its task instead.
        if let Some(duplicate) = self.duplicate(connection, digest)? {
            return Ok(duplicate);
        }
        if stands_at != version {
            return Ok(Committed::Conflict);
        }
        let artifact_chunks = self.artifact_chunks_after(&before.artifact_chunks, before.last_sequence, before.message_count)?;
        self.update_row(connection, &before, &artifact_chunks, digest)?;
        self.append(connection, before.number, Some(&before.artifact_chunks), digest)?;
        if before.state != self.state {
            count(connection, &before.owner, &before.agent, before.state, -1)?;
            count(connection, &before.owner, &before.agent, self.state, 1)?;
        }
        Ok(Committed::Done)
    }

    /// Leaves columns alone that don't change: naming one rewrites each index that it is in.
    fn update_row(&self, connection: &Connection, before: &Before, artifact_chunks: &str, digest: Option<MessageDigest>) -> rusqlite::Result<()> {
        let change = &*self.change;
        connection
            .prepare_cached(
                "UPDATE tasks SET version = version + 1, last_sequence = ?2, message_count = ?3, artifact_chunks = ?4, attempts = ?5,
                    cancel_requested = ?6, request_metadata = coalesce(?7, request_metadata), status = ?8,
                    turn_message = coalesce(?9, turn_message) WHERE number = ?1",
            )?
            .execute(params![
                before.number,
                before.last_sequence + change.events.len() as u64,
                before.message_count + change.messages.len() as u64,
                artifact_chunks,
                change.attempts,
                change.cancel_requested,
                self.request_metadata,
                self.status,
                digest,
            ])?;
        if (self.state, self.status_at) != (before.state, before.status_at) {
            connection.prepare_cached("UPDATE tasks SET state = ?2, status_at = ?3 WHERE number = ?1")?.execute([
                before.number,
                self.state,
                self.status_at,
            ])?;
        }
        let lease_changes = match &change.lease {
            LeaseChange::Hold { .. } => true,
            LeaseChange::Release => before.leased,
            LeaseChange::Keep => false,
        };
        if lease_changes {
            let (runner, until) = lease_columns(&change.lease);
            connection.prepare_cached("UPDATE tasks SET lease_runner = ?2, lease_until = ?3 WHERE number = ?1")?.execute(params![
                before.number,
                runner,
                until
            ])?;
        }
        Ok(())
    }

    /// The children's rows and the outbox.
    fn append(&self, connection: &Connection, number: i64, chunks_before: Option<&str>, digest: Option<MessageDigest>) -> rusqlite::Result<()> {
        let change = &*self.change;
        if !self.messages.is_empty() {
            let mut insert = connection.prepare_cached("INSERT INTO messages (task, number, message) VALUES (?1, ?2, ?3)")?;
            for (message_number, message) in (change.first_message_number..).zip(&self.messages) {
                insert.execute(params![number, message_number, message])?;
            }
        }
        for (chunk, text) in change.chunks.iter().zip(&self.chunks) {
            if chunk.chunk_number == 0 && chunks_before.is_some() {
                connection
                    .prepare_cached("DELETE FROM artifact_chunks WHERE task = ?1 AND artifact = ?2")?
                    .execute(params![number, chunk.artifact_number])?;
            }
            connection
                .prepare_cached("INSERT OR REPLACE INTO artifact_chunks (task, artifact, number, chunk) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![number, chunk.artifact_number, chunk.chunk_number, text])?;
        }
        if let (Some(events), Some(last)) = (&self.events, change.events.last()) {
            connection.prepare_cached("INSERT INTO events (task, last_sequence, events) VALUES (?1, ?2, ?3)")?.execute(params![
                number,
                last.sequence,
                events
            ])?;
        }
        for config in &change.push_configs {
            push_configs::put(connection, number, config)?;
        }
        for work in &change.work {
            jobs::enqueue(connection, work, milliseconds(change.now))?;
        }
        if let (Some(digest), Some(message)) = (digest, &change.remember) {
            remembered::remember(connection, digest, message, &change.task_id, milliseconds(change.now))?;
        }
        Ok(())
    }

    /// What to answer if the client's message was taken in before.
    fn duplicate(&self, connection: &Connection, digest: Option<MessageDigest>) -> rusqlite::Result<Option<Committed>> {
        let (Some(digest), Some(message)) = (digest, &self.change.remember) else { return Ok(None) };
        Ok(remembered::find(connection, digest, message)?.map(|task_id| Committed::DuplicateMessage { task_id }))
    }

    /// The new value of the column; an error if the change doesn't follow what the row says, which would be a bug of the engine.
    fn artifact_chunks_after(&self, before: &str, last_sequence: u64, message_count: u64) -> rusqlite::Result<String> {
        let change = &*self.change;
        if change.events.first().is_some_and(|event| event.sequence != last_sequence + 1) {
            return Err(out_of_order("events"));
        }
        if !change.messages.is_empty() && change.first_message_number != message_count {
            return Err(out_of_order("messages"));
        }
        if change.chunks.is_empty() {
            return Ok(before.to_owned());
        }
        let mut counts: Vec<(String, u32)> = serde_json::from_str(before)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))?;
        for chunk in &change.chunks {
            let index = usize::try_from(chunk.artifact_number).unwrap_or(usize::MAX);
            let (id, known) = (&chunk.artifact.artifact_id, counts.len());
            match counts.get_mut(index) {
                Some(artifact) if chunk.chunk_number == 0 => *artifact = (id.clone(), 1),
                Some(artifact) if chunk.chunk_number == artifact.1 => artifact.1 += 1,
                None if chunk.chunk_number == 0 && index == known => counts.push((id.clone(), 1)),
                _ => return Err(out_of_order("artifact chunks")),
            }
        }
        to_json(&counts)
    }
}

/// Keeps `totalSize`.
pub(super) fn count(connection: &Connection, owner: &str, agent: &str, state: i64, difference: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO task_counts (owner, agent, state, tasks) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (owner, agent, state) DO UPDATE SET tasks = tasks + ?4",
        )?
        .execute(params![owner, agent, state, difference])?;
    Ok(())
}

fn lease_columns(lease: &LeaseChange) -> (Option<&str>, Option<i64>) {
    match lease {
        LeaseChange::Hold { runner, until } => (Some(runner), Some(milliseconds(*until))),
        LeaseChange::Release | LeaseChange::Keep => (None, None),
    }
}

fn out_of_order(what: &str) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(format!("the change's {what} don't follow the task's").into())
}
