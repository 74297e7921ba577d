//! Webhooks of tasks.

use engine::ports::{PushConfig, Scope, StoreError};

use super::{
    attributes::{Attributes, from_json, number, text, to_json},
    blobs::{IN_ROW, Texts},
    database::{DynamoDbDatabase, Query},
    keys::{self, Item, ROW},
    read,
    transaction::{Transacted, Write},
};
use crate::values::{milliseconds, time};

/// How often a change of a webhook is made again because its task changed meanwhile.
const TRIES: u32 = 20;

/// The write that adds or replaces a webhook.
pub(super) fn put(config: &PushConfig) -> Result<Write, StoreError> {
    let id = config.config.id.as_deref().unwrap_or_default();
    let mut item = keys::key(keys::task(&config.config.task_id), keys::webhook(id));
    item.insert("config".to_owned(), text(to_json(&config.config)?));
    item.insert("dialect".to_owned(), text(config.dialect.as_str()));
    item.insert("cursor".to_owned(), number(config.cursor));
    item.insert("created_at".to_owned(), number(milliseconds(config.created_at)));
    Ok(Write::put(item))
}

/// As the port's `put_push_config`.
pub(super) async fn put_in_scope(database: &DynamoDbDatabase, scope: &Scope, config: &PushConfig) -> Result<bool, StoreError> {
    let id = config.config.id.clone().unwrap_or_default();
    let write = put(config)?;
    let add = |webhooks: &mut Vec<String>| {
        if let Err(place) = webhooks.binary_search(&id) {
            webhooks.insert(place, id.clone());
        }
        true
    };
    change(database, scope, &config.config.task_id, add, &write).await
}

/// As the port's `delete_push_config`.
pub(super) async fn delete(database: &DynamoDbDatabase, scope: &Scope, task_id: &str, config_id: &str) -> Result<bool, StoreError> {
    let write = Write::delete(keys::key(keys::task(task_id), keys::webhook(config_id)));
    let remove = |webhooks: &mut Vec<String>| {
        let before = webhooks.len();
        webhooks.retain(|id| id != config_id);
        webhooks.len() < before
    };
    change(database, scope, task_id, remove, &write).await
}

/// Changes the row's list of webhooks together with a webhook; `false` if the task isn't in scope. A list that stays as it is changes nothing.
async fn change(
    database: &DynamoDbDatabase,
    scope: &Scope,
    task_id: &str,
    edit: impl Fn(&mut Vec<String>) -> bool,
    write: &Write,
) -> Result<bool, StoreError> {
    for _ in 0..TRIES {
        let Some(known) = read::known(database, task_id).await? else { return Ok(false) };
        if known.owner != scope.owner || scope.agent.as_ref().is_some_and(|agent| *agent != known.agent) {
            return Ok(false);
        }
        let mut webhooks = known.webhooks.clone();
        if !edit(&mut webhooks) {
            return Ok(true);
        }
        let mut texts = Texts::default();
        let list = texts.add(to_json(&webhooks)?, IN_ROW);
        let mut texts = texts.settle(task_id);
        texts.upload(database, known.status_at).await?;
        let row = Write::update(keys::row(task_id))
            .set("version", number(known.version + 1))
            .set("webhooks", texts.take(list))
            .when("#version = :expected AND #made = :expected_made", [(":expected", number(known.version)), (":expected_made", text(&known.made))]);
        database.known().forget(task_id);
        let writes = [row, write.clone()].into_iter().chain(texts.keep()).collect();
        if database.transact(writes).await? == Transacted::Done {
            return Ok(true);
        }
    }
    Err(StoreError::Unavailable(format!("task `{task_id}` was changed again and again beside its webhook").into()))
}

/// As the port's `push_configs`; without a scope for the workers.
pub(super) async fn of_task(database: &DynamoDbDatabase, scope: Option<&Scope>, task_id: &str) -> Result<Option<Vec<PushConfig>>, StoreError> {
    // The row's key comes before those of webhooks.
    let values = vec![(":pk", text(keys::task(task_id))), (":row", text(ROW)), (":last", text("webhook0"))];
    let items = database.query(Query { keys: "#pk = :pk AND #sk BETWEEN :row AND :last", values, ..Query::default() }).await?;
    let mut items = items.into_iter();
    let Some(row) = items.next().filter(read::is_task) else { return Ok(None) };
    let in_scope = |scope: &Scope| {
        row.text_if_any("owner") == Some(&scope.owner) && scope.agent.as_deref().is_none_or(|agent| row.text_if_any("agent") == Some(agent))
    };
    if !scope.is_none_or(in_scope) {
        return Ok(None);
    }
    let mut configs = items.map(|item| push_config(&item)).collect::<Result<Vec<_>, _>>()?;
    // Keys of long ids are in another order.
    configs.sort_by(|a, b| a.config.id.cmp(&b.config.id));
    Ok(Some(configs))
}

/// As the port's `advance_push_cursor`.
pub(super) async fn advance(database: &DynamoDbDatabase, task_id: &str, config_id: &str, from: u64, to: u64) -> Result<bool, StoreError> {
    let webhook = Write::update(keys::key(keys::task(task_id), keys::webhook(config_id)));
    database.write(webhook.set("cursor", number(to)).when("#cursor = :from", [(":from", number(from))])).await
}

fn push_config(item: &Item) -> Result<PushConfig, StoreError> {
    Ok(PushConfig {
        config: from_json(item.text("config")?)?,
        dialect: item.text("dialect")?.parse().map_err(|error: String| StoreError::Failed(error.into()))?,
        cursor: item.number("cursor")?,
        created_at: time(item.number("created_at")?),
    })
}
