//! Deletes tasks that ended long ago with all that belongs to them, and what commits left behind that never came to their end.
//!
//! The sweep does it, not DynamoDB's time to live, which runs none of our code: `totalSize` would count what is gone. A task is deleted in
//! three steps, of which the first makes it invisible and uncounts it in one transaction, and leaves a mark in the index; a sweep that is
//! cut short is carried on by the next.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use engine::ports::StoreError;
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};

use super::{
    attributes::{Attributes, number, text},
    blobs,
    database::{DynamoDbDatabase, Query},
    keys::{self, Item, ROW},
    known::Known,
    places::{self, FINISHED, UNFINISHED},
    read,
    transaction::{Transacted, Write},
};

/// Tasks that are deleted at once.
const AT_ONCE: usize = 8;

/// Deletes at most `limit` tasks that ended before a time (in milliseconds); says how many.
pub(super) async fn delete_finished(database: &DynamoDbDatabase, before: i64, limit: u32) -> Result<u64, StoreError> {
    for left in due_before(database, UNFINISHED.to_owned(), before, limit).await? {
        match left.text("sk")? {
            ROW => clear(database, left.text("pk")?).await?,
            _ => abandon(database, left).await?,
        }
    }
    let shards = keys::due_shards(FINISHED).map(|shard| due_before(database, shard, before, limit));
    let mut finished: Vec<Item> = try_join_all(shards).await?.into_iter().flatten().collect();
    finished.sort_by_key(|row| row.number_if_any::<i64>("due"));
    finished.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let delete = |row: Item| async move { delete_task(database, row, before).await };
    stream::iter(finished).map(delete).buffer_unordered(AT_ONCE).try_fold(0, |sum, deleted| async move { Ok(sum + u64::from(deleted)) }).await
}

/// What a range of the index has before a time, at most so many.
async fn due_before(database: &DynamoDbDatabase, range: String, before: i64, limit: u32) -> Result<Vec<Item>, StoreError> {
    let values = vec![(":queue", text(range)), (":before", number(before))];
    let limit = usize::try_from(limit).ok();
    database.query(Query { keys: "#queue = :queue AND #due < :before", values, index: true, limit, ..Query::default() }).await
}

/// Deletes a task if it ended before a time indeed.
async fn delete_task(database: &DynamoDbDatabase, indexed: Item, before: i64) -> Result<bool, StoreError> {
    let Some(row) = database.get(read::key_of(indexed)).await?.filter(read::is_task) else { return Ok(false) };
    let task_id = row.text("id")?.to_owned();
    let Some(known): Option<Arc<Known>> = read::known_of(database, &row).await? else { return Ok(false) };
    if !places::is_terminal(known.state) || known.status_at >= before {
        return Ok(false);
    }
    let mut mark = keys::row(&task_id);
    mark.insert("queue".to_owned(), text(UNFINISHED));
    mark.insert("due".to_owned(), number(known.status_at));
    let condition = "#version = :expected AND #made = :made";
    let mut writes = vec![Write::put(mark).when(condition, [(":expected", number(known.version)), (":made", text(&known.made))])];
    places::change(&mut writes, &task_id, Some(&known), None);
    database.known().forget(&task_id);
    if database.transact(writes).await? != Transacted::Done {
        return Ok(false);
    }
    clear(database, &keys::task(&task_id)).await?;
    Ok(true)
}

/// Deletes what is left of a marked task, the mark last.
async fn clear(database: &DynamoDbDatabase, pk: &str) -> Result<(), StoreError> {
    let query = Query { keys: "#pk = :pk", values: vec![(":pk", text(pk))], only: Some("#pk, #sk"), ..Query::default() };
    let rest: Vec<Item> = database.query(query).await?.into_iter().filter(|item| item.text_if_any("sk") != Some(ROW)).collect();
    database.delete_all(rest).await?;
    database.write(Write::delete(keys::key(pk, ROW)).when("attribute_not_exists(#version)", [])).await?;
    Ok(())
}

/// Deletes the pieces of a commit that never came to its end, by their entry.
async fn abandon(database: &DynamoDbDatabase, entry: Item) -> Result<(), StoreError> {
    let (pk, sk) = (entry.text("pk")?.to_owned(), entry.text("sk")?.to_owned());
    // From here on the commit can't succeed any more, however late it comes.
    let abandon = Write::update(read::key_of(entry)).set("abandoned", AttributeValue::Bool(true));
    if database.write(abandon.when("attribute_exists(#pk)", [])).await?
        && let Some(set) = sk.strip_prefix(&keys::blob(""))
    {
        blobs::delete_set(database, &pk, set).await?;
    }
    Ok(())
}
