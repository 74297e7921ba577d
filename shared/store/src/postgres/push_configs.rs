//! Webhooks of tasks.

use engine::ports::{PushConfig, Scope, StoreError};
use sqlx::postgres::PgRow;

use super::{
    names,
    read::in_scope,
    store_error,
    values::{column, count, from_json, number, parse, to_json},
};
use crate::values::{milliseconds, time};

/// As the port's `put_push_config`.
pub(super) async fn put(pool: &super::Connections, scope: &Scope, config: &PushConfig) -> Result<bool, StoreError> {
    let put = sqlx::query(concat!(
        "WITH changed AS (
            UPDATE tasks SET version = version + 1, push_config_ids = (
                SELECT array_agg(DISTINCT id ORDER BY id) FROM unnest(push_config_ids || ARRAY[$4] COLLATE \"C\") AS given (id))
            WHERE ",
        in_scope!(),
        " RETURNING number
         )
         INSERT INTO push_configs (task, id, config, dialect, cursor, created_at) SELECT number, $4, $5, $6, $7, $8 FROM changed
         ON CONFLICT (task, id) DO UPDATE SET
            config = excluded.config, dialect = excluded.dialect, cursor = excluded.cursor, created_at = excluded.created_at"
    ))
    .bind(names::column(&config.config.task_id))
    .bind(names::column(&scope.owner))
    .bind(scope.agent.as_deref().map(names::column))
    .bind(names::column(config.config.id.as_deref().unwrap_or_default()))
    .bind(to_json(&config.config)?)
    .bind(config.dialect.as_str())
    .bind(number(config.cursor))
    .bind(milliseconds(config.created_at))
    .execute(pool)
    .await
    .map_err(store_error)?;
    Ok(put.rows_affected() > 0)
}

/// As the port's `delete_push_config`.
pub(super) async fn delete(pool: &super::Connections, scope: &Scope, task_id: &str, config_id: &str) -> Result<bool, StoreError> {
    sqlx::query_scalar(concat!(
        "WITH changed AS (
            UPDATE tasks SET version = version + 1, push_config_ids = nullif(array_remove(push_config_ids, $4), '{}')
            WHERE ",
        in_scope!(),
        " AND $4 = ANY (push_config_ids) RETURNING number
         ), deleted AS (
            DELETE FROM push_configs USING changed WHERE task = number AND id = $4
         )
         SELECT EXISTS (SELECT FROM tasks WHERE ",
        in_scope!(),
        ")"
    ))
    .bind(names::column(task_id))
    .bind(names::column(&scope.owner))
    .bind(scope.agent.as_deref().map(names::column))
    .bind(names::column(config_id))
    .fetch_one(pool)
    .await
    .map_err(store_error)
}

/// As the port's `push_configs`.
pub(super) async fn of_task(pool: &super::Connections, scope: &Scope, task_id: &str) -> Result<Option<Vec<PushConfig>>, StoreError> {
    let rows = sqlx::query(concat!(
        "SELECT config, push_configs.dialect, cursor, created_at FROM tasks LEFT JOIN push_configs ON task = number
         WHERE ",
        in_scope!(),
        " ORDER BY push_configs.id"
    ))
    .bind(names::column(task_id))
    .bind(names::column(&scope.owner))
    .bind(scope.agent.as_deref().map(names::column))
    .fetch_all(pool)
    .await
    .map_err(store_error)?;
    // A task without webhooks is one row without one.
    match rows.as_slice() {
        [] => Ok(None),
        [row] if column::<Option<&str>>(row, 0)?.is_none() => Ok(Some(Vec::new())),
        rows => rows.iter().map(push_config).collect::<Result<_, _>>().map(Some),
    }
}

/// As the port's `push_configs_of_any_owner`.
pub(super) async fn of_any_owner(pool: &super::Connections, task_id: &str) -> Result<Vec<PushConfig>, StoreError> {
    let rows =
        sqlx::query("SELECT config, dialect, cursor, created_at FROM push_configs WHERE task = (SELECT number FROM tasks WHERE id = $1) ORDER BY id")
            .bind(names::column(task_id))
            .fetch_all(pool)
            .await
            .map_err(store_error)?;
    rows.iter().map(push_config).collect()
}

/// As the port's `advance_push_cursor`.
pub(super) async fn advance(pool: &super::Connections, task_id: &str, config_id: &str, from: u64, to: u64) -> Result<bool, StoreError> {
    let moved = sqlx::query("UPDATE push_configs SET cursor = $4 WHERE task = (SELECT number FROM tasks WHERE id = $1) AND id = $2 AND cursor = $3")
        .bind(names::column(task_id))
        .bind(names::column(config_id))
        .bind(number(from))
        .bind(number(to))
        .execute(pool)
        .await
        .map_err(store_error)?;
    Ok(moved.rows_affected() > 0)
}

fn push_config(row: &PgRow) -> Result<PushConfig, StoreError> {
    Ok(PushConfig { config: from_json(column(row, 0)?)?, dialect: parse(row, 1)?, cursor: count(row, 2)?, created_at: time(column(row, 3)?) })
}
