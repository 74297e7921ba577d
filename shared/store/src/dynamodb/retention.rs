//! Deletes tasks that ended long ago with all that belongs to them, and what commits left behind that never came to their end.
//!
//! The sweep does it, not DynamoDB's time to live, which runs none of our code: `totalSize` would count what is gone. A task is deleted in
//! three steps, of which the first makes it invisible and uncounts it in one transaction, and leaves a mark in the index; a sweep that is
//! cut short is carried on by the next.

use std::sync::Arc;

use engine::ports::StoreError;
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};

use super::{
    attributes::{Attributes, number, text},
    blobs::{self, UPLOADS},
    database::{DynamoDbDatabase, Query},
    keys::{self, Item, ROW},
    known::Known,
    places::{self, FINISHED},
    read,
    transaction::{Transacted, Write},
};

/// Range of the index for tasks that are being deleted.
const DOOMED: &str = "doomed";
/// Tasks that are deleted at once.
const AT_ONCE: usize = 8;

/// Deletes at most `limit` tasks that ended before a time (in milliseconds); says how many.
pub(super) async fn delete_finished(database: &DynamoDbDatabase, before: i64, limit: u32) -> Result<u64, StoreError> {
    abandon_uploads(database, before, limit).await?;
    for row in due_before(database, DOOMED, i64::MAX, limit).await? {
        clear(database, row.text("pk")?).await?;
    }
    let mut finished = due_before(database, FINISHED, before, limit).await?;
    finished.sort_by_key(|row| row.number_if_any::<i64>("due"));
    finished.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let delete = |row: Item| async move { delete_task(database, row, before).await };
    stream::iter(finished).map(delete).buffer_unordered(AT_ONCE).try_fold(0, |sum, deleted| async move { Ok(sum + u64::from(deleted)) }).await
}

/// Keys of what a range of the index has before a time, at most `limit` of each shard.
async fn due_before(database: &DynamoDbDatabase, range: &str, before: i64, limit: u32) -> Result<Vec<Item>, StoreError> {
    let shards = keys::due_shards(range).map(|shard| async move {
        let values = vec![(":queue", text(shard)), (":before", number(before))];
        let limit = usize::try_from(limit).ok();
        database.query(Query { keys: "#queue = :queue AND #due < :before", values, index: true, limit, ..Query::default() }).await
    });
    Ok(try_join_all(shards).await?.into_iter().flatten().collect())
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
    mark.insert("queue".to_owned(), text(keys::due(DOOMED, &task_id)));
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

/// Deletes pieces of commits that never came to their end.
async fn abandon_uploads(database: &DynamoDbDatabase, before: i64, limit: u32) -> Result<(), StoreError> {
    for entry in due_before(database, UPLOADS, before, limit).await? {
        let (pk, sk) = (entry.text("pk")?.to_owned(), entry.text("sk")?.to_owned());
        // From here on the commit can't succeed any more, however late it comes.
        let abandon = Write::update(read::key_of(entry)).set("abandoned", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
        if database.write(abandon.when("attribute_exists(#pk)", [])).await?
            && let Some(set) = sk.strip_prefix(&keys::blob(""))
        {
            blobs::delete_set(database, &pk, set).await?;
        }
    }
    Ok(())
}
