//! Deletes tasks with all that belongs to them.

use engine::ports::StoreError;

use super::{statements::count, store_error};

/// Tasks that are deleted in one transaction: who counts the same tasks waits meanwhile.
const AT_ONCE: u32 = 50;

/// Deletes at most `limit` tasks that ended before a time, the oldest first; says how many. Several processes may do so at once: each leaves
/// alone what another is at.
pub(super) async fn delete_finished(pool: &super::Connections, before_milliseconds: i64, limit: u32) -> Result<u64, StoreError> {
    let mut left = limit;
    while left > 0 {
        let now = left.min(AT_ONCE);
        let deleted: i64 = sqlx::query_scalar(
            concat!("WITH finished AS MATERIALIZED (
                SELECT number, id, owner, agent, state FROM tasks
                WHERE state IN (3, 4, 5, 7) AND status_at < $1 ORDER BY status_at LIMIT $2 FOR UPDATE SKIP LOCKED
             ), of_tasks AS (
                DELETE FROM tasks USING finished WHERE tasks.id = finished.id
             ), counted AS (
",
            count!(
                "SELECT owner, agent, pg_backend_pid() & 63, 0, 0, 0, -count(*) FILTER (WHERE state = 3), -count(*) FILTER (WHERE state = 4), -count(*) FILTER (WHERE state = 5), 0, -count(*) FILTER (WHERE state = 7), 0 FROM finished GROUP BY owner, agent ORDER BY owner, agent"
            ),
            "
             ), of_log AS (
                DELETE FROM task_log USING finished WHERE task = finished.number
             ), of_configs AS (
                DELETE FROM push_configs USING finished WHERE task = finished.number
             ), of_runs AS (
                DELETE FROM jobs USING finished WHERE jobs.key = 'run-task/' || finished.id
             ), of_deliveries AS (
                DELETE FROM jobs USING finished
                WHERE jobs.key >= 'deliver-push/' || finished.id || '/' AND jobs.key < 'deliver-push/' || finished.id || '0'
             )
             SELECT count(*) FROM finished"),
        )
        .bind(before_milliseconds)
        .bind(i64::from(now))
        .fetch_one(pool)
        .await
        .map_err(store_error)?;
        left -= u32::try_from(deleted).unwrap_or(left).min(left);
        if deleted < i64::from(now) {
            break;
        }
    }
    Ok(u64::from(limit - left))
}
