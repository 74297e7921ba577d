//! Reads single tasks, and their events.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use engine::ports::{Scope, SequencedEvent, StoreError, StoredTask, View};
use futures::future::{try_join, try_join_all};
use protocol::types::{Artifact, Message, StreamResponse, Task};
use serde::de::DeserializeOwned;

use super::{
    attributes::{Attributes, failed, from_json, text},
    blobs,
    database::{DynamoDbDatabase, Query},
    keys::{self, Item, ROW},
    known::{Known, KnownArtifact},
    transaction::{FIRST_PAUSE, rest},
};
use crate::values::{add_chunk, time};

/// How often a task is read that changes meanwhile.
const TRIES: u32 = 10;

/// A task by its id, in a scope or (for the workers) in any: one query, beside it one for artifacts if they are wanted.
pub(super) async fn task(database: &DynamoDbDatabase, scope: Option<&Scope>, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
    let mut pause: Duration = FIRST_PAUSE;
    for _ in 0..TRIES {
        let pk = keys::task(task_id);
        let artifacts = async { if view.artifacts { artifact_items(database, &pk).await } else { Ok(Vec::new()) } };
        let (found, artifacts) = try_join(row_and_messages(database, scope, &pk, view.history_length), artifacts).await?;
        let Some((row, messages)) = found else { return Ok(None) };
        if let Some(task) = assemble(database, &row, &messages, &artifacts, view).await? {
            return Ok(Some(task));
        }
        tracing::debug!(task_id, "a task changed while it was read; reading again");
        rest(&mut pause).await;
    }
    Err(StoreError::Unavailable(format!("task `{task_id}` changed again and again while it was read, or is damaged").into()))
}

/// What commits must know of a task, as it is now.
pub(super) async fn known(database: &DynamoDbDatabase, task_id: &str) -> Result<Option<Arc<Known>>, StoreError> {
    let Some(row) = database.get(keys::row(task_id)).await?.filter(is_task) else { return Ok(None) };
    known_of(database, &row).await
}

/// Whether a row is that of a task, and not of one that is being deleted.
pub(super) fn is_task(row: &Item) -> bool {
    row.contains_key("version")
}

/// The row, and the items with its latest messages, the latest first.
async fn row_and_messages(
    database: &DynamoDbDatabase,
    scope: Option<&Scope>,
    pk: &str,
    history_length: Option<u32>,
) -> Result<Option<(Item, Vec<Item>)>, StoreError> {
    let messages = history_length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    let mut values = vec![(":pk", text(pk)), (":row", text(ROW))];
    let keys = if messages == Some(0) {
        "#pk = :pk AND #sk = :row"
    } else {
        values.push((":first_message", text("message/")));
        // The row's key follows those of messages, so backwards it comes first.
        "#pk = :pk AND #sk BETWEEN :first_message AND :row"
    };
    let filter = match scope {
        None => None,
        Some(Scope { owner, agent }) => {
            values.push((":owner", text(owner)));
            Some(match agent {
                None => "attribute_not_exists(#owner) OR #owner = :owner",
                Some(agent) => {
                    values.push((":agent", text(agent)));
                    "attribute_not_exists(#owner) OR (#owner = :owner AND #agent = :agent)"
                }
            })
        }
    };
    let query = Query { keys, values, filter, backwards: true, limit: messages.map(|messages| messages.saturating_add(1)), ..Query::default() };
    let mut items = database.query(query).await?.into_iter();
    Ok(items.next().filter(is_task).map(|row| (row, items.collect())))
}

async fn artifact_items(database: &DynamoDbDatabase, pk: &str) -> Result<Vec<Item>, StoreError> {
    let values = vec![(":pk", text(pk)), (":prefix", text("artifact/"))];
    database.query(Query { keys: "#pk = :pk AND begins_with(#sk, :prefix)", values, ..Query::default() }).await
}

/// Deletes an artifact's chunks of a generation.
pub(super) async fn delete_artifact(database: &DynamoDbDatabase, pk: &str, number: u32, generation: u32) -> Result<(), StoreError> {
    let values = vec![(":pk", text(pk)), (":prefix", text(format!("{}/", keys::artifact_generation(number, generation))))];
    let query = Query { keys: "#pk = :pk AND begins_with(#sk, :prefix)", values, ..Query::default() };
    let items = database.query(query).await?;
    for place in items.iter().filter_map(|item| blobs::place(item.get("text")?)) {
        blobs::delete(database, pk, &place).await?;
    }
    database.delete_all(items.into_iter().map(key_of).collect()).await
}

/// The key of an item.
pub(super) fn key_of(mut item: Item) -> Item {
    item.retain(|name, _| matches!(name.as_str(), "pk" | "sk"));
    item
}

/// A task of what was read of it; `None` if that doesn't fit together, because the task changed in between.
pub(super) async fn assemble(
    database: &DynamoDbDatabase,
    row: &Item,
    messages: &[Item],
    artifacts: &[Item],
    view: View,
) -> Result<Option<StoredTask>, StoreError> {
    let Some(known) = known_of(database, row).await? else { return Ok(None) };
    let Some(mut stored) = stored_task(database, row, &known).await? else { return Ok(None) };
    if known.message_count > 0 && view.history_length != Some(0) {
        let wanted = view.history_length.map_or(known.message_count, |length| known.message_count.min(length.into()));
        let Some(history) = history(database, known.message_count, wanted, messages).await? else { return Ok(None) };
        stored.task.history = Some(history);
    }
    if view.artifacts && !known.artifacts.is_empty() {
        let Some(artifacts) = whole_artifacts(database, &known.artifacts, artifacts).await? else { return Ok(None) };
        stored.task.artifacts = Some(artifacts);
    }
    if !super::places::is_terminal(known.state) {
        database.known().keep(&stored.task.id, known);
    }
    Ok(Some(stored))
}

pub(super) async fn known_of(database: &DynamoDbDatabase, row: &Item) -> Result<Option<Arc<Known>>, StoreError> {
    let pk = row.text("pk")?;
    let mut named = BTreeMap::new();
    for name in ["status", "artifacts", "metadata", "webhooks"] {
        if let Some(place) = row.get(name).and_then(blobs::place) {
            named.insert(name, place);
        }
    }
    let artifacts: Option<Vec<KnownArtifact>> = json(database, pk, row.get("artifacts")).await?;
    let webhooks: Option<Vec<String>> = json(database, pk, row.get("webhooks")).await?;
    let (Some(artifacts), Some(webhooks)) = (artifacts, webhooks) else { return Ok(None) };
    Ok(Some(Arc::new(Known {
        made: row.text("made")?.to_owned(),
        version: row.number("version")?,
        owner: row.text("owner")?.to_owned(),
        agent: row.text("agent")?.to_owned(),
        context_id: row.text("context_id")?.to_owned(),
        state: row.number("state")?,
        status_at: row.number("status_at")?,
        last_sequence: row.number("last_sequence")?,
        message_count: row.number("message_count")?,
        artifacts,
        lease_until: row.number_if_any("lease_until"),
        webhooks,
        blobs: named,
    })))
}

/// An attribute's JSON, the default where there is none; `None` where its pieces are gone.
async fn json<T: DeserializeOwned + Default>(database: &DynamoDbDatabase, pk: &str, value: Option<&AttributeValue>) -> Result<Option<T>, StoreError> {
    let Some(value) = value else { return Ok(Some(T::default())) };
    blobs::read(database, pk, value).await?.map(|text| from_json(&text)).transpose()
}

async fn stored_task(database: &DynamoDbDatabase, row: &Item, known: &Known) -> Result<Option<StoredTask>, StoreError> {
    let pk = row.text("pk")?;
    let status = row.get("status").ok_or_else(|| failed(format!("the row of `{pk}` has no status")))?;
    let Some(status) = blobs::read(database, pk, status).await? else { return Ok(None) };
    let Some(request_metadata) = json::<HashMap<_, _>>(database, pk, row.get("metadata")).await? else { return Ok(None) };
    let lease = row.text_if_any("lease_runner").map(str::to_owned).zip(known.lease_until.map(time));
    Ok(Some(StoredTask {
        task: Task {
            id: row.text("id")?.to_owned(),
            context_id: known.context_id.clone(),
            status: from_json(&status)?,
            artifacts: None,
            history: None,
            metadata: None,
        },
        version: known.version,
        owner: known.owner.clone(),
        agent: known.agent.clone(),
        dialect: row.text("dialect")?.parse().map_err(|error: String| failed(error))?,
        last_sequence: known.last_sequence,
        message_count: known.message_count,
        artifact_chunks: known.artifacts.iter().map(|artifact| (artifact.id.clone(), artifact.chunks)).collect(),
        push_config_ids: known.webhooks.clone(),
        lease,
        attempts: row.number("attempts")?,
        cancel_requested: row.flag("cancel_requested"),
        request_metadata,
        caller_role: row.text("caller_role")?.to_owned(),
    }))
}

/// The JSON arrays of items; `None` where pieces are gone.
async fn arrays<'a, T: DeserializeOwned>(
    database: &DynamoDbDatabase,
    items: impl IntoIterator<Item = &'a Item>,
) -> Result<Option<Vec<Vec<T>>>, StoreError> {
    let read = async |item: &Item| -> Result<Option<Vec<T>>, StoreError> { json(database, item.text("pk")?, item.get("text")).await };
    Ok(try_join_all(items.into_iter().map(read)).await?.into_iter().collect())
}

/// The latest `wanted` of `count` messages, from the items that hold them and perhaps others.
async fn history(database: &DynamoDbDatabase, count: u64, wanted: u64, items: &[Item]) -> Result<Option<Vec<Message>>, StoreError> {
    let wanted = count.saturating_sub(wanted)..count;
    let mut needed = Vec::new();
    for item in items {
        let next = last_of(item)? + 1;
        if next > wanted.start {
            needed.push((next, item));
        }
    }
    let Some(arrays) = arrays::<Message>(database, needed.iter().map(|(_, item)| *item)).await? else { return Ok(None) };
    let mut by_number = BTreeMap::new();
    for ((next, _), messages) in needed.into_iter().zip(arrays) {
        by_number.extend((next.saturating_sub(messages.len() as u64)..next).zip(messages));
    }
    // Messages may have come since the row was read, or, without it, before: then one is missing.
    Ok(wanted.map(|number| by_number.remove(&number)).collect())
}

/// The number at the end of an item's key.
fn last_of(item: &Item) -> Result<u64, StoreError> {
    let sk = item.text("sk")?;
    sk.rsplit('/').next().and_then(|number| number.parse().ok()).ok_or_else(|| failed(format!("the key `{sk}` has no number")))
}

async fn whole_artifacts(database: &DynamoDbDatabase, known: &[KnownArtifact], items: &[Item]) -> Result<Option<Vec<Artifact>>, StoreError> {
    let Some(arrays) = arrays::<(u32, u32, u32, Artifact)>(database, items).await? else { return Ok(None) };
    let mut by_place = BTreeMap::new();
    for (number, generation, chunk_number, chunk) in arrays.into_iter().flatten() {
        if known.get(number as usize).is_some_and(|known| known.generation == generation && chunk_number < known.chunks) {
            by_place.insert((number, chunk_number), chunk);
        }
    }
    if by_place.len() != known.iter().map(|known| known.chunks as usize).sum::<usize>() {
        return Ok(None);
    }
    let mut artifacts: Vec<Artifact> = Vec::new();
    for ((_, chunk_number), chunk) in by_place {
        match artifacts.last_mut() {
            Some(whole) if chunk_number > 0 => add_chunk(whole, chunk),
            _ => artifacts.push(chunk),
        }
    }
    Ok(Some(artifacts))
}

/// Events after a sequence. An item holds some of one commit, so the first may begin before.
pub(super) async fn events(database: &DynamoDbDatabase, task_id: &str, after: u64, limit: u32) -> Result<Vec<SequencedEvent>, StoreError> {
    let pk = keys::task(task_id);
    let values =
        vec![(":pk", text(&pk)), (":from", text(keys::numbered("event", after.saturating_add(1)))), (":to", text(keys::numbered("event", u64::MAX)))];
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let query = Query { keys: "#pk = :pk AND #sk BETWEEN :from AND :to", values, limit: Some(limit), ..Query::default() };
    let items = database.query(query).await?;
    let mut events: Vec<SequencedEvent> = Vec::new();
    for item in &items {
        let next = last_of(item)? + 1;
        let Some(mut arrays) = arrays::<StreamResponse>(database, [item]).await? else { return Ok(events) };
        let of_item = arrays.pop().unwrap_or_default();
        let first = next.saturating_sub(of_item.len() as u64);
        for (sequence, event) in (first..next).zip(of_item) {
            // Half of a transaction may show its later items before its earlier ones: those wait for the next look.
            if sequence == after + events.len() as u64 + 1 && events.len() < limit {
                events.push(SequencedEvent { sequence, event });
            }
        }
        if events.len() == limit {
            break;
        }
    }
    Ok(events)
}
