//! Rows of background work: put in by commits, handed out by the queue.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{QueueName, StoreError, Work};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    SqliteDatabase,
    values::{from_json, to_json},
};
use crate::{
    JobRows, TakenJob,
    values::{milliseconds, time},
};

#[async_trait]
impl JobRows for SqliteDatabase {
    async fn next_due(&self, queue: QueueName) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.read_here(|connection| next_due_job(connection, queue))
    }

    async fn take(&self, queue: QueueName, max: u32, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<TakenJob>, StoreError> {
        self.write(move |connection| take_jobs(connection, queue, max, now, until)).await
    }

    async fn take_these(&self, work: &[Work], until: DateTime<Utc>) -> Result<Vec<TakenJob>, StoreError> {
        let keys: Vec<String> = work.iter().map(Work::key).collect();
        self.write(move |connection| take_waiting(connection, &keys, until)).await
    }

    async fn extend(&self, work: &Work, delivery: u64, until: DateTime<Utc>) -> Result<(), StoreError> {
        let work = work.clone();
        self.write(move |connection| extend_job(connection, &work, delivery, until)).await
    }

    async fn finish(&self, work: &Work, delivery: u64, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let work = work.clone();
        self.write(move |connection| finish_job(connection, &work, delivery, now)).await
    }

    async fn retry(&self, work: &Work, delivery: u64, now: DateTime<Utc>, due: DateTime<Utc>) -> Result<(), StoreError> {
        let work = work.clone();
        self.write(move |connection| retry_job(connection, &work, delivery, now, due)).await
    }

    async fn park(&self, work: &Work, delivery: u64, now: DateTime<Utc>, reason: &str) -> Result<(), StoreError> {
        let (work, reason) = (work.clone(), reason.to_owned());
        self.write(move |connection| park_job(connection, &work, delivery, now, &reason)).await
    }

    async fn depth(&self, queue: QueueName) -> Result<u64, StoreError> {
        self.read_here(|connection| job_depth(connection, queue))
    }

    async fn dead_letters(&self, queue: QueueName, limit: u32) -> Result<Vec<(Work, String)>, StoreError> {
        self.read(move |connection| dead_letters(connection, queue, limit)).await
    }
}

/// Queues work at a time in milliseconds. Work that is queued already becomes due now, with its attempts counted anew, unless it
/// [`Work::keeps_its_pause`]; work that is in progress comes once more when it is done.
pub(super) fn enqueue(connection: &Connection, work: &Work, now: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO jobs (key, queue, work, generation, delivery, attempts, due_at, queued_at, taken) VALUES (?1, ?2, ?3, 1, 0, 0, ?4, ?4, NULL)
             ON CONFLICT (key) DO UPDATE SET
                generation = generation + 1,
                attempts = iif(taken IS NULL AND NOT ?5, 0, attempts),
                due_at = iif(taken IS NULL AND (attempts = 0 OR NOT ?5), min(due_at, excluded.due_at), due_at)",
        )?
        .execute(params![work.key(), work.queue().as_str(), to_json(work)?, now, work.keeps_its_pause()])?;
    Ok(())
}

/// Takes up to `max` jobs that are due and hides them until a time.
pub(super) fn take_jobs(
    connection: &Connection,
    queue: QueueName,
    max: u32,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> rusqlite::Result<Vec<TakenJob>> {
    let mut due = connection.prepare_cached("SELECT key FROM jobs WHERE queue = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3")?;
    let keys =
        due.query_map(params![queue.as_str(), milliseconds(now), max], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    keys.iter().map(|key| take_job(connection, key, until)).collect()
}

/// Takes those of these jobs that wait.
fn take_waiting(connection: &Connection, keys: &[String], until: DateTime<Utc>) -> rusqlite::Result<Vec<TakenJob>> {
    let mut waits = connection.prepare_cached("SELECT 1 FROM jobs WHERE key = ?1 AND taken IS NULL")?;
    let mut taken = Vec::new();
    for key in keys {
        if waits.exists([key])? {
            taken.push(take_job(connection, key, until)?);
        }
    }
    Ok(taken)
}

fn take_job(connection: &Connection, key: &str, until: DateTime<Utc>) -> rusqlite::Result<TakenJob> {
    // Work that was queued again while its worker died begins anew.
    connection
        .prepare_cached(
            "UPDATE jobs SET attempts = iif(taken IS NOT NULL AND taken <> generation, 1, attempts + 1), taken = generation, delivery = delivery + 1, due_at = ?2
             WHERE key = ?1 RETURNING work, delivery, attempts, queued_at",
        )?
        .query_row(params![key, milliseconds(until)], |row| {
            Ok(TakenJob { work: from_json(row, 0)?, delivery: row.get(1)?, attempt: row.get(2)?, queued_at: time(row.get(3)?) })
        })
}

/// When the next job of a queue is due; `None` where there is none.
pub(super) fn next_due_job(connection: &Connection, queue: QueueName) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let due: Option<i64> =
        connection.prepare_cached("SELECT min(due_at) FROM jobs WHERE queue = ?1")?.query_row([queue.as_str()], |row| row.get(0))?;
    Ok(due.map(time))
}

/// Still being done: hidden until another time. A stale delivery changes nothing.
fn extend_job(connection: &Connection, work: &Work, delivery: u64, until: DateTime<Utc>) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE jobs SET due_at = ?3 WHERE key = ?1 AND delivery = ?2 AND taken IS NOT NULL")?.execute(params![
        work.key(),
        delivery,
        milliseconds(until)
    ])?;
    Ok(())
}

/// Done: gone, or due at once if it was queued anew meanwhile. Says whether it was; a stale delivery changes nothing.
fn finish_job(connection: &Connection, work: &Work, delivery: u64, now: DateTime<Utc>) -> rusqlite::Result<bool> {
    let deleted = connection
        .prepare_cached("DELETE FROM jobs WHERE key = ?1 AND delivery = ?2 AND taken = generation")?
        .execute(params![work.key(), delivery])?;
    Ok(deleted == 0 && queued_anew(connection, work, delivery, now)?)
}

/// Not done: due at a time; at once if it was queued anew meanwhile and doesn't keep its pause.
fn retry_job(connection: &Connection, work: &Work, delivery: u64, now: DateTime<Utc>, due: DateTime<Utc>) -> rusqlite::Result<()> {
    let delayed = connection
        .prepare_cached(
            "UPDATE jobs SET taken = NULL, due_at = ?3 WHERE key = ?1 AND delivery = ?2 AND (taken = generation OR taken IS NOT NULL AND ?4)",
        )?
        .execute(params![work.key(), delivery, milliseconds(due), work.keeps_its_pause()])?;
    if delayed == 0 {
        queued_anew(connection, work, delivery, now)?;
    }
    Ok(())
}

/// Given up: moved to the dead letters; what was queued anew meanwhile stays.
fn park_job(connection: &Connection, work: &Work, delivery: u64, now: DateTime<Utc>, reason: &str) -> rusqlite::Result<()> {
    let parked = connection
        .prepare_cached(
            "INSERT INTO dead_letters (queue, work, attempts, queued_at, parked_at, reason)
             SELECT queue, work, attempts, queued_at, ?3, ?4 FROM jobs WHERE key = ?1 AND delivery = ?2 AND taken IS NOT NULL",
        )?
        .execute(params![work.key(), delivery, milliseconds(now), reason])?;
    if parked > 0 {
        finish_job(connection, work, delivery, now)?;
    }
    Ok(())
}

/// Waiting and running jobs of a queue.
fn job_depth(connection: &Connection, queue: QueueName) -> rusqlite::Result<u64> {
    connection.prepare_cached("SELECT count(*) FROM jobs WHERE queue = ?1")?.query_row([queue.as_str()], |row| row.get(0))
}

/// What was given up, with the reasons, the latest first, at most `limit`.
fn dead_letters(connection: &Connection, queue: QueueName, limit: u32) -> rusqlite::Result<Vec<(Work, String)>> {
    let mut select = connection.prepare_cached("SELECT work, reason FROM dead_letters WHERE queue = ?1 ORDER BY number DESC LIMIT ?2")?;
    select.query_map(params![queue.as_str(), limit], |row| Ok((from_json(row, 0)?, row.get(1)?)))?.collect()
}

fn queued_anew(connection: &Connection, work: &Work, delivery: u64, now: DateTime<Utc>) -> rusqlite::Result<bool> {
    let found = connection
        .prepare_cached(
            "UPDATE jobs SET taken = NULL, attempts = 0, due_at = ?3, queued_at = ?3 WHERE key = ?1 AND delivery = ?2 AND taken <> generation RETURNING 1",
        )?
        .query_row(params![work.key(), delivery, milliseconds(now)], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}
