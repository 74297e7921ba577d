//! The task store over Postgres: each method of the port is one statement of the files beside this one.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{
    Change, Committed, PushConfig, RememberedMessage, Scope, SequencedEvent, StoreError, StoredTask, TaskFilter, TaskPage, TaskStore, View,
};

use super::{
    PostgresDatabase, commit, list, push_configs,
    read::{self, stored_task, task_row},
    remembered, retention, store_error,
};
use crate::values::{milliseconds, time};

/// Keeps tasks in Postgres.
#[derive(Debug, Clone)]
pub struct PostgresTaskStore {
    database: PostgresDatabase,
}

impl PostgresTaskStore {
    /// Over a database whose schema is up to date.
    pub fn new(database: PostgresDatabase) -> Self {
        PostgresTaskStore { database }
    }

    async fn pool(&self) -> Result<&super::Connections, StoreError> {
        self.database.pool().await
    }
}

#[async_trait]
impl TaskStore for PostgresTaskStore {
    async fn commit(&self, change: Arc<Change>) -> Result<Committed, StoreError> {
        self.database.bounded(async { commit::commit(self.pool().await?, &change).await }).await
    }

    async fn task(&self, scope: &Scope, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        self.database.again(|| async { read::task(self.pool().await?, Some(scope), task_id, view).await }).await
    }

    async fn task_of_any_owner(&self, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        self.database.again(|| async { read::task(self.pool().await?, None, task_id, view).await }).await
    }

    async fn list(&self, scope: &Scope, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
        self.database.again(|| async { list::page(self.pool().await?, scope, filter).await }).await
    }

    async fn remembered(&self, owner: &str, message: &RememberedMessage) -> Result<Option<String>, StoreError> {
        self.database.again(|| async { remembered::find(self.pool().await?, owner, message).await }).await
    }

    async fn events(&self, task_id: &str, after: u64, limit: u32) -> Result<Vec<SequencedEvent>, StoreError> {
        self.database.again(|| async { read::events(self.pool().await?, task_id, after, limit).await }).await
    }

    async fn expired_leases(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<StoredTask>, StoreError> {
        let sql = concat!("SELECT ", task_row!(), " FROM tasks WHERE lease_runner IS NOT NULL AND lease_until < $1 ORDER BY lease_until LIMIT $2");
        let expired = || async {
            let query = sqlx::query(sql).bind(milliseconds(now)).bind(i64::from(limit));
            query.fetch_all(self.pool().await?).await.map_err(store_error)
        };
        let rows = self.database.again(expired).await?;
        rows.iter().map(stored_task).collect()
    }

    async fn next_lease_expiry(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "SELECT min(lease_until) FROM tasks WHERE lease_runner IS NOT NULL";
        let next = || async { sqlx::query_scalar(sql).fetch_one(self.pool().await?).await.map_err(store_error) };
        let until: Option<i64> = self.database.again(next).await?;
        Ok(until.map(time))
    }

    async fn delete_finished(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.database.bounded(async { retention::delete_finished(self.pool().await?, milliseconds(before), limit).await }).await
    }

    async fn active_tasks(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM tasks WHERE state IN (1, 2)";
        let count = || async { sqlx::query_scalar(sql).fetch_one(self.pool().await?).await.map_err(store_error) };
        let active: i64 = self.database.again(count).await?;
        Ok(active.unsigned_abs())
    }

    async fn waiting_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "SELECT min(status_at) FROM tasks WHERE state IN (1, 2) AND lease_runner IS NULL";
        let longest = || async { sqlx::query_scalar(sql).fetch_one(self.pool().await?).await.map_err(store_error) };
        let since: Option<i64> = self.database.again(longest).await?;
        Ok(since.map(time))
    }

    async fn put_push_config(&self, scope: &Scope, config: PushConfig) -> Result<bool, StoreError> {
        self.database.bounded(async { push_configs::put(self.pool().await?, scope, &config).await }).await
    }

    async fn push_configs(&self, scope: &Scope, task_id: &str) -> Result<Option<Vec<PushConfig>>, StoreError> {
        self.database.again(|| async { push_configs::of_task(self.pool().await?, scope, task_id).await }).await
    }

    async fn push_configs_of_any_owner(&self, task_id: &str) -> Result<Vec<PushConfig>, StoreError> {
        self.database.again(|| async { push_configs::of_any_owner(self.pool().await?, task_id).await }).await
    }

    async fn delete_push_config(&self, scope: &Scope, task_id: &str, config_id: &str) -> Result<bool, StoreError> {
        self.database.bounded(async { push_configs::delete(self.pool().await?, scope, task_id, config_id).await }).await
    }

    async fn advance_push_cursor(&self, task_id: &str, config_id: &str, from: u64, to: u64) -> Result<bool, StoreError> {
        self.database.bounded(async { push_configs::advance(self.pool().await?, task_id, config_id, from, to).await }).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.database.bounded(self.database.ping()).await
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        self.database.migrate().await
    }
}
