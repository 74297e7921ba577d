//! The task store over DynamoDB: each method of the port is one of the files beside this one.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{
    Change, Committed, PushConfig, RememberedMessage, Scope, SequencedEvent, StoreError, StoredTask, TaskFilter, TaskPage, TaskStore, View,
};
use futures::future::try_join_all;

use super::{
    DynamoDbDatabase,
    attributes::{Attributes, number, text},
    commit,
    database::Query,
    keys, list,
    places::{LEASED, WAITING},
    push_configs, read,
    remembered::{self, Found},
    retention,
};
use crate::values::{milliseconds, time};

/// Keeps tasks in DynamoDB.
#[derive(Clone)]
pub struct DynamoDbTaskStore {
    database: DynamoDbDatabase,
}

impl DynamoDbTaskStore {
    /// Over a table.
    pub fn new(database: DynamoDbDatabase) -> Self {
        DynamoDbTaskStore { database }
    }
}

#[async_trait]
impl TaskStore for DynamoDbTaskStore {
    async fn commit(&self, change: Arc<Change>) -> Result<Committed, StoreError> {
        commit::commit(&self.database, &change).await
    }

    async fn task(&self, scope: &Scope, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        read::task(&self.database, Some(scope), task_id, view).await
    }

    async fn task_of_any_owner(&self, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
        read::task(&self.database, None, task_id, view).await
    }

    async fn list(&self, scope: &Scope, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
        list::page(&self.database, scope, filter).await
    }

    async fn remembered(&self, owner: &str, message: &RememberedMessage) -> Result<Option<String>, StoreError> {
        Ok(match remembered::find(&self.database, owner, message).await? {
            Found::Task(task_id) => Some(task_id),
            Found::Stale(_) | Found::Nothing => None,
        })
    }

    async fn events(&self, task_id: &str, after: u64, limit: u32) -> Result<Vec<SequencedEvent>, StoreError> {
        read::events(&self.database, task_id, after, limit).await
    }

    async fn expired_leases(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<StoredTask>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let expired = keys::due_shards(LEASED).map(|shard| async move {
            let values = vec![(":queue", text(shard)), (":now", number(milliseconds(now)))];
            self.database.query(Query { keys: "#queue = :queue AND #due < :now", values, index: true, limit: Some(limit), ..Query::default() }).await
        });
        let mut expired: Vec<_> = try_join_all(expired).await?.into_iter().flatten().collect();
        expired.sort_by_key(|row| row.number_if_any::<i64>("due"));
        expired.truncate(limit);
        let rows = self.database.get_all(expired.into_iter().map(read::key_of).collect()).await?;
        let tasks = rows.iter().filter(|row| read::is_task(row)).map(|row| read::assemble(&self.database, row, &[], &[], View::STATUS));
        let mut tasks: Vec<StoredTask> = try_join_all(tasks).await?.into_iter().flatten().collect();
        // The index may be behind.
        tasks.retain(|stored| stored.lease.as_ref().is_some_and(|(_, until)| *until < now));
        tasks.sort_by_key(|stored| stored.lease.as_ref().map(|(_, until)| *until));
        Ok(tasks)
    }

    async fn next_lease_expiry(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        first_due(&self.database, LEASED).await
    }

    async fn delete_finished(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        retention::delete_finished(&self.database, milliseconds(before), limit).await
    }

    async fn active_tasks(&self) -> Result<u64, StoreError> {
        let ranges = [LEASED, WAITING].into_iter().flat_map(keys::due_shards).map(|shard| {
            // Those that are leased may wait for their client.
            let values = vec![(":queue", text(shard)), (":submitted", number(1)), (":working", number(2))];
            let filter = Some("#state IN (:submitted, :working)");
            self.database.count(Query { keys: "#queue = :queue", values, filter, index: true, ..Query::default() })
        });
        Ok(try_join_all(ranges).await?.into_iter().sum())
    }

    async fn waiting_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        first_due(&self.database, WAITING).await
    }

    async fn put_push_config(&self, scope: &Scope, config: PushConfig) -> Result<bool, StoreError> {
        push_configs::put_in_scope(&self.database, scope, &config).await
    }

    async fn push_configs(&self, scope: &Scope, task_id: &str) -> Result<Option<Vec<PushConfig>>, StoreError> {
        push_configs::of_task(&self.database, Some(scope), task_id).await
    }

    async fn push_configs_of_any_owner(&self, task_id: &str) -> Result<Vec<PushConfig>, StoreError> {
        Ok(push_configs::of_task(&self.database, None, task_id).await?.unwrap_or_default())
    }

    async fn delete_push_config(&self, scope: &Scope, task_id: &str, config_id: &str) -> Result<bool, StoreError> {
        push_configs::delete(&self.database, scope, task_id, config_id).await
    }

    async fn advance_push_cursor(&self, task_id: &str, config_id: &str, from: u64, to: u64) -> Result<bool, StoreError> {
        push_configs::advance(&self.database, task_id, config_id, from, to).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.database.get(keys::key("ping", "ping")).await.map(drop)
    }
}

/// The earliest time in a range of the index.
async fn first_due(database: &DynamoDbDatabase, range: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let first = keys::due_shards(range).map(|shard| async move {
        let query = Query { keys: "#queue = :queue", values: vec![(":queue", text(shard))], index: true, limit: Some(1), ..Query::default() };
        database.query(query).await
    });
    let due = try_join_all(first).await?.into_iter().flatten().map(|row| row.number("due")).collect::<Result<Vec<i64>, _>>()?;
    Ok(due.into_iter().min().map(time))
}
