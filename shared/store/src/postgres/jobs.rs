//! Rows of background work: put in by commits, handed out to the workers of many processes.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{QueueName, StoreError, Work};
use sqlx::{Connection, PgConnection, Row, postgres::PgRow, query, query_scalar};

use super::{PostgresDatabase, names::column, store_error};
use crate::{
    JobRows, TakenJob,
    values::{milliseconds, time},
};

#[async_trait]
impl JobRows for PostgresDatabase {
    async fn next_due(&self, queue: QueueName) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "SELECT min(due_at) FROM jobs WHERE queue = $1";
        let due: Option<i64> =
            self.bounded(async { query_scalar(sql).bind(queue.as_str()).fetch_one(self.pool().await?).await.map_err(store_error) }).await?;
        Ok(due.map(time))
    }

    async fn take(&self, queue: QueueName, max: u32, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<TakenJob>, StoreError> {
        // What another worker is just taking isn't waited for. Work that was queued again while its worker died begins anew.
        let sql = "WITH due AS MATERIALIZED (
                       SELECT key, due_at FROM jobs WHERE queue = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
                   UPDATE jobs AS j SET
                       attempts = CASE WHEN j.taken <> j.generation THEN 1 ELSE j.attempts + 1 END,
                       taken = j.generation, delivery = j.delivery + 1, due_at = $4
                   FROM due WHERE j.key = due.key
                   RETURNING j.work, j.delivery, j.attempts, j.queued_at, due.due_at";
        let taking = query(sql).bind(queue.as_str()).bind(milliseconds(now)).bind(i64::from(max)).bind(milliseconds(until));
        let mut rows = self.bounded(async { taking.fetch_all(self.pool().await?).await.map_err(store_error) }).await?;
        rows.sort_by_key(|row| row.get::<i64, _>(4));
        rows.iter().map(taken_job).collect()
    }

    async fn take_these(&self, work: &[Work], until: DateTime<Utc>) -> Result<Vec<TakenJob>, StoreError> {
        // Locked in one order, so that nobody stands in another's way.
        let sql = "WITH waiting AS MATERIALIZED (SELECT key FROM jobs WHERE key = ANY ($1) AND taken IS NULL ORDER BY key FOR UPDATE)
                   UPDATE jobs AS j SET attempts = j.attempts + 1, taken = j.generation, delivery = j.delivery + 1, due_at = $2
                   FROM waiting WHERE j.key = waiting.key
                   RETURNING j.work, j.delivery, j.attempts, j.queued_at";
        let keys: Vec<String> = work.iter().map(key).collect();
        let rows = query(sql).bind(keys).bind(milliseconds(until)).fetch_all(self.pool().await?).await.map_err(store_error)?;
        rows.iter().map(taken_job).collect()
    }

    async fn extend(&self, work: &Work, delivery: u64, until: DateTime<Utc>) -> Result<(), StoreError> {
        query("UPDATE jobs SET due_at = $3 WHERE key = $1 AND delivery = $2 AND taken IS NOT NULL")
            .bind(key(work))
            .bind(number(delivery))
            .bind(milliseconds(until))
            .execute(self.pool().await?)
            .await
            .map_err(store_error)?;
        Ok(())
    }

    async fn finish(&self, work: &Work, delivery: u64, now: DateTime<Utc>) -> Result<bool, StoreError> {
        finish(&mut *self.connection().await?, work, delivery, now).await.map_err(store_error)
    }

    async fn retry(&self, work: &Work, delivery: u64, now: DateTime<Utc>, due: DateTime<Utc>) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let delayed =
            query("UPDATE jobs SET taken = NULL, due_at = $3 WHERE key = $1 AND delivery = $2 AND (taken = generation OR taken IS NOT NULL AND $4)")
                .bind(key(work))
                .bind(number(delivery))
                .bind(milliseconds(due))
                .bind(work.keeps_its_pause())
                .execute(&mut *connection)
                .await
                .map_err(store_error)?;
        if delayed.rows_affected() == 0 {
            queued_anew(&mut connection, work, delivery, now).await.map_err(store_error)?;
        }
        Ok(())
    }

    async fn park(&self, work: &Work, delivery: u64, now: DateTime<Utc>, reason: &str) -> Result<(), StoreError> {
        park(&mut *self.connection().await?, work, delivery, now, reason).await.map_err(store_error)
    }

    async fn depth(&self, queue: QueueName) -> Result<u64, StoreError> {
        let depth: i64 = query_scalar("SELECT count(*) FROM jobs WHERE queue = $1")
            .bind(queue.as_str())
            .fetch_one(self.pool().await?)
            .await
            .map_err(store_error)?;
        Ok(depth.unsigned_abs())
    }

    async fn dead_letters(&self, queue: QueueName, limit: u32) -> Result<Vec<(Work, String)>, StoreError> {
        let letters: Vec<(String, String)> = sqlx::query_as("SELECT work, reason FROM dead_letters WHERE queue = $1 ORDER BY number DESC LIMIT $2")
            .bind(queue.as_str())
            .bind(i64::from(limit))
            .fetch_all(self.pool().await?)
            .await
            .map_err(store_error)?;
        letters.into_iter().map(|(work, reason)| Ok((read(&work)?, reason))).collect()
    }
}

/// Two statements where it was queued anew, because one that waited for a row looks at no other version of it.
async fn finish(connection: &mut PgConnection, work: &Work, delivery: u64, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let deleted = query("DELETE FROM jobs WHERE key = $1 AND delivery = $2 AND taken = generation")
        .bind(key(work))
        .bind(number(delivery))
        .execute(&mut *connection)
        .await?;
    Ok(deleted.rows_affected() == 0 && queued_anew(connection, work, delivery, now).await?)
}

async fn park(connection: &mut PgConnection, work: &Work, delivery: u64, now: DateTime<Utc>, reason: &str) -> sqlx::Result<()> {
    let mut transaction = connection.begin().await?;
    let parked = query(
        "INSERT INTO dead_letters (queue, work, attempts, queued_at, parked_at, reason)
         SELECT queue, work, attempts, queued_at, $3, $4 FROM jobs WHERE key = $1 AND delivery = $2 AND taken IS NOT NULL FOR UPDATE",
    )
    .bind(key(work))
    .bind(number(delivery))
    .bind(milliseconds(now))
    .bind(column(reason))
    .execute(&mut *transaction)
    .await?;
    if parked.rows_affected() > 0 {
        finish(&mut transaction, work, delivery, now).await?;
    }
    transaction.commit().await
}

/// Makes what was queued anew meanwhile due at once; says whether it was.
async fn queued_anew(connection: &mut PgConnection, work: &Work, delivery: u64, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let sql = "UPDATE jobs SET taken = NULL, attempts = 0, due_at = $3, queued_at = $3 WHERE key = $1 AND delivery = $2 AND taken <> generation";
    let found = query(sql).bind(key(work)).bind(number(delivery)).bind(milliseconds(now)).execute(connection).await?;
    Ok(found.rows_affected() > 0)
}

fn taken_job(row: &PgRow) -> Result<TakenJob, StoreError> {
    let read_row = || {
        let (delivery, attempt): (i64, i32) = (row.try_get(1)?, row.try_get(2)?);
        Ok((row.try_get::<&str, _>(0)?, delivery.unsigned_abs(), attempt.unsigned_abs(), time(row.try_get(3)?)))
    };
    let (work, delivery, attempt, queued_at) = read_row().map_err(store_error)?;
    Ok(TakenJob { work: read(work)?, delivery, attempt, queued_at })
}

fn read(work: &str) -> Result<Work, StoreError> {
    serde_json::from_str(work).map_err(|error| StoreError::Failed(Box::new(error)))
}

fn key(work: &Work) -> String {
    column(&work.key()).into_owned()
}

/// A delivery that no row can have is as good as an old one.
fn number(delivery: u64) -> i64 {
    i64::try_from(delivery).unwrap_or(-1)
}
