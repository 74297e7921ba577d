//! The task store over SQLite: each method of the port is one read or one write of the files beside this one.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{
    Change, Committed, PushConfig, RememberedMessage, Scope, SequencedEvent, StoreError, StoredTask, TaskFilter, TaskPage, TaskStore, View,
};
use rusqlite::{Connection, params};

use super::{
    SqliteDatabase,
    commit::Prepared,
    list, push_configs,
    read::{self, select_task, stored_task},
    remembered,
    retention::delete_finished,
    store_error,
};
use crate::{
    page_token::Place,
    values::{milliseconds, time},
};

/// Messages, chunks or events that are read on the caller's thread: more are read where they may take their time.
const FEW: u32 = 32;

/// Tasks that are deleted in one transaction: others wait meanwhile.
const DELETED_AT_ONCE: u32 = 50;

/// Keeps tasks in SQLite.
#[derive(Clone)]
pub struct SqliteTaskStore {
    database: SqliteDatabase,
}

impl SqliteTaskStore {
    /// Over an open database.
    pub fn new(database: SqliteDatabase) -> Self {
        SqliteTaskStore { database }
    }

    async fn read_task(&self, scope: Option<&Scope>, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        if let Ok(found) = self.database.read_here(|connection| read::task(connection, scope, task_id, view, FEW.into()))? {
            return Ok(found);
        }
        let (scope, task_id) = (scope.cloned(), task_id.to_owned());
        let found = self.database.read(move |connection| read::task(connection, scope.as_ref(), &task_id, view, u64::MAX)).await?;
        Ok(found.unwrap_or_default())
    }
}

#[async_trait]
impl TaskStore for SqliteTaskStore {
    async fn commit(&self, change: Arc<Change>) -> Result<Committed, StoreError> {
        let prepared = Prepared::new(change).map_err(store_error)?;
        self.database.write(move |connection| prepared.apply(connection)).await
    }

    async fn task(&self, scope: &Scope, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        self.read_task(Some(scope), task_id, view).await
    }

    async fn task_of_any_owner(&self, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        self.read_task(None, task_id, view).await
    }

    async fn list(&self, scope: &Scope, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
        let after = Place::before_page(scope, filter)?;
        let (scope, filter) = (scope.clone(), filter.clone());
        self.database.read(move |connection| list::page(connection, &scope, &filter, after)).await
    }

    async fn remembered(&self, owner: &str, message: &RememberedMessage) -> Result<Option<String>, StoreError> {
        // The writer knows the latest by heart.
        let (digest, message) = (remembered::digest(owner, message), message.clone());
        self.database.write(move |connection| remembered::find(connection, digest, &message)).await
    }

    async fn events(&self, task_id: &str, after: u64, limit: u32) -> Result<Vec<SequencedEvent>, StoreError> {
        let few = self.database.read_here(|connection| read::events(connection, task_id, after, limit.min(FEW)))?;
        if limit <= FEW || few.len() < FEW as usize {
            return Ok(few);
        }
        let task_id = task_id.to_owned();
        self.database.read(move |connection| read::events(connection, &task_id, after, limit)).await
    }

    async fn expired_leases(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<StoredTask>, StoreError> {
        self.database
            .read(move |connection| {
                let mut statement = connection.prepare_cached(select_task!("WHERE lease_until < ?1 ORDER BY lease_until LIMIT ?2"))?;
                statement.query_map(params![milliseconds(now), limit], |row| Ok(stored_task(row)?.1))?.collect()
            })
            .await
    }

    async fn next_lease_expiry(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let until = self.number("SELECT min(lease_until) FROM tasks WHERE lease_until IS NOT NULL")?;
        Ok(until.map(time))
    }

    async fn delete_finished(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let before = milliseconds(before);
        let mut left = limit;
        while left > 0 {
            let now = left.min(DELETED_AT_ONCE);
            let deleted = self.database.write(move |connection| delete_finished(connection, before, now)).await?;
            left -= deleted;
            if deleted < now {
                break;
            }
        }
        Ok(u64::from(limit - left))
    }

    async fn active_tasks(&self) -> Result<u64, StoreError> {
        Ok(self.number("SELECT count(*) FROM tasks WHERE state IN (1, 2)")?.unwrap_or(0).unsigned_abs())
    }

    async fn waiting_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(self.number("SELECT min(status_at) FROM tasks WHERE state IN (1, 2) AND lease_until IS NULL")?.map(time))
    }

    async fn put_push_config(&self, scope: &Scope, config: PushConfig) -> Result<bool, StoreError> {
        let scope = scope.clone();
        self.database.write(move |connection| push_configs::put_in_scope(connection, &scope, &config)).await
    }

    async fn push_configs(&self, scope: &Scope, task_id: &str) -> Result<Option<Vec<PushConfig>>, StoreError> {
        self.database.read_here(|connection| push_configs::of_task(connection, Some(scope), task_id))
    }

    async fn push_configs_of_any_owner(&self, task_id: &str) -> Result<Vec<PushConfig>, StoreError> {
        Ok(self.database.read_here(|connection| push_configs::of_task(connection, None, task_id))?.unwrap_or_default())
    }

    async fn delete_push_config(&self, scope: &Scope, task_id: &str, config_id: &str) -> Result<bool, StoreError> {
        let (scope, task_id, config_id) = (scope.clone(), task_id.to_owned(), config_id.to_owned());
        self.database.write(move |connection| push_configs::delete(connection, &scope, &task_id, &config_id)).await
    }

    async fn advance_push_cursor(&self, task_id: &str, config_id: &str, from: u64, to: u64) -> Result<bool, StoreError> {
        let (task_id, config_id) = (task_id.to_owned(), config_id.to_owned());
        self.database.write(move |connection| push_configs::advance(connection, &task_id, &config_id, from, to)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // Through the writer: a file that can be read but not written is not well.
        self.database.write(|connection| connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))).await
    }
}

impl SqliteTaskStore {
    fn number(&self, sql: &str) -> Result<Option<i64>, StoreError> {
        self.database.read_here(|connection: &Connection| connection.prepare_cached(sql)?.query_row([], |row| row.get(0)))
    }
}
