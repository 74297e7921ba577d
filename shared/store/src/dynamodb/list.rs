//! ListTasks: one page, newest first, at the cost of the page.
//!
//! Without a `contextId` the page is merged from the lists of each agent and state that the owner has tasks in, at most the page of each;
//! the owner's counts say which there are, and give `totalSize`. With `statusTimestampAfter` the places after that time are counted,
//! without being sent. With a `contextId` all places of the conversation are read, some hundred bytes each.
//!
//! Whatever was committed before the list began is in it. The lists are read beside each other, so a task that moves meanwhile may be
//! missed, as if it had moved a moment earlier.

use std::collections::{BTreeMap, HashMap, HashSet};

use engine::ports::{Scope, StoreError, StoredTask, TaskFilter, TaskPage, View};
use futures::{
    StreamExt, TryStreamExt,
    future::{try_join, try_join_all},
    stream,
};

use super::{
    attributes::{Attributes, text},
    database::{DynamoDbDatabase, Query},
    keys, places, read,
};
use crate::{
    page_token,
    values::{milliseconds_not_before, state_number},
};

/// Tasks of a page that are read at once, where their rows alone are not enough.
const READ_AT_ONCE: usize = 16;

/// A task's place in the order: that of the lists' keys, which is by time, then by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    key: String,
    status_at: i64,
    task_id: String,
}

impl Place {
    fn new(status_at: i64, task_id: String) -> Self {
        Place { key: keys::place(status_at, &task_id), status_at, task_id }
    }
}

/// One page.
pub(super) async fn page(database: &DynamoDbDatabase, scope: &Scope, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
    let after = filter.page_token.as_deref().map(|token| place_of(token, scope, filter)).transpose()?;
    let since = filter.status_timestamp_after.map(milliseconds_not_before);
    let size = usize::try_from(filter.page_size).unwrap_or(usize::MAX);
    let (mut found, total_size) = match &filter.context_id {
        Some(context_id) => of_context(database, scope, filter, context_id, since, after.as_ref()).await?,
        None => of_lists(database, scope, filter, since, after.as_ref(), size + 1).await?,
    };
    newest_first(&mut found);
    let more = found.len() > size;
    found.truncate(size);
    let next_page_token = found.last().filter(|_| more).map(|last| token_of(last, scope, filter)).unwrap_or_default();
    let tasks = tasks(database, scope, filter, found).await?;
    Ok(TaskPage { tasks, next_page_token, total_size })
}

/// Sorts places, and leaves each task one: the newest, where it moved while the lists were read.
fn newest_first(places: &mut Vec<Place>) {
    places.sort_unstable_by(|a, b| b.cmp(a));
    let mut seen = HashSet::new();
    places.retain(|place| seen.insert(place.task_id.clone()));
}

/// The first `limit` places after a place, and more; and how many there are in all.
async fn of_lists(
    database: &DynamoDbDatabase,
    scope: &Scope,
    filter: &TaskFilter,
    since: Option<i64>,
    after: Option<&Place>,
    limit: usize,
) -> Result<(Vec<Place>, u64), StoreError> {
    let counts = counts(database, scope, filter).await?;
    let lists: Vec<String> = counts.keys().map(|(agent, state)| keys::list(&scope.owner, agent, *state)).collect();
    let from = keys::sortable(since.unwrap_or(0));
    let values = |list: &String, to: String| vec![(":pk", text(list)), (":from", text(&from)), (":to", text(to))];
    // All places of a time begin with it and a slash, so this is after them all.
    let end = || ":".to_owned();
    let keys = "#pk = :pk AND #sk BETWEEN :from AND :to";
    let of_page = lists.iter().map(|list| {
        let to = after.map_or_else(end, |place| place.key.clone());
        // One more: the last place of the page before is in the range.
        database.query(Query { keys, values: values(list, to), backwards: true, limit: Some(limit + 1), ..Query::default() })
    });
    let total = async {
        match since {
            None => Ok(counts.values().map(|count| count.unsigned_abs()).sum()),
            Some(_) => {
                let of_list = lists.iter().map(|list| database.count(Query { keys, values: values(list, end()), ..Query::default() }));
                Ok(try_join_all(of_list).await?.into_iter().sum())
            }
        }
    };
    let (items, total) = try_join(try_join_all(of_page), total).await?;
    let place = |item: keys::Item| {
        let status_at = item.text("sk")?.split('/').next().and_then(|time| time.parse().ok()).unwrap_or(0);
        Ok(Place::new(status_at, item.text("id")?.to_owned()))
    };
    let found = items.into_iter().flatten().map(place).collect::<Result<Vec<_>, StoreError>>()?;
    Ok((found.into_iter().filter(|place| after.is_none_or(|after| place < after)).collect(), total))
}

/// How many tasks the owner has of each agent and state that the filter admits.
async fn counts(database: &DynamoDbDatabase, scope: &Scope, filter: &TaskFilter) -> Result<BTreeMap<(String, i16), i64>, StoreError> {
    let values = vec![(":pk", text(keys::counts(&scope.owner)))];
    let shards = database.query(Query { keys: "#pk = :pk", values, ..Query::default() }).await?;
    let wanted = filter.state.as_ref().map(state_number);
    let mut counts = BTreeMap::new();
    for shard in shards {
        let agent = shard.text("agent")?;
        if scope.agent.as_deref().is_some_and(|wanted| wanted != agent) {
            continue;
        }
        for state in (0..9).filter(|state| wanted.is_none_or(|wanted| wanted == *state)) {
            let tasks: i64 = shard.number_if_any(places::state_count(state)).unwrap_or(0);
            *counts.entry((agent.to_owned(), state)).or_default() += tasks;
        }
    }
    counts.retain(|_, tasks| *tasks > 0);
    Ok(counts)
}

/// The places of a context that the filter admits after a place, and how many it admits in all.
async fn of_context(
    database: &DynamoDbDatabase,
    scope: &Scope,
    filter: &TaskFilter,
    context_id: &str,
    since: Option<i64>,
    after: Option<&Place>,
) -> Result<(Vec<Place>, u64), StoreError> {
    let values = vec![(":pk", text(keys::context(&scope.owner, context_id)))];
    let items = database.query(Query { keys: "#pk = :pk", values, ..Query::default() }).await?;
    let wanted = filter.state.as_ref().map(state_number);
    let mut admitted = Vec::new();
    for item in items {
        let status_at: i64 = item.number("status_at")?;
        let agent_fits = scope.agent.is_none() || item.text_if_any("agent") == scope.agent.as_deref();
        let state_fits = wanted.is_none() || item.number_if_any("state") == wanted;
        if agent_fits && state_fits && since.is_none_or(|since| status_at >= since) {
            admitted.push(Place::new(status_at, item.text("id")?.to_owned()));
        }
    }
    let total = admitted.len() as u64;
    admitted.retain(|place| after.is_none_or(|after| place < after));
    Ok((admitted, total))
}

/// The tasks at these places, in that order. What was deleted meanwhile is left out, and so is what the filter admits no more.
async fn tasks(database: &DynamoDbDatabase, scope: &Scope, filter: &TaskFilter, places: Vec<Place>) -> Result<Vec<StoredTask>, StoreError> {
    let view = View { history_length: filter.history_length, artifacts: filter.include_artifacts };
    let found: Vec<Option<StoredTask>> = if view == View::STATUS {
        rows(database, scope, &places).await?
    } else {
        let read = |place: Place| async move { read::task(database, Some(scope), &place.task_id, view).await };
        stream::iter(places).map(read).buffered(READ_AT_ONCE).try_collect().await?
    };
    let admits = |stored: &StoredTask| filter.state.as_ref().is_none_or(|state| *state == stored.task.status.state);
    Ok(found.into_iter().flatten().filter(admits).collect())
}

async fn rows(database: &DynamoDbDatabase, scope: &Scope, places: &[Place]) -> Result<Vec<Option<StoredTask>>, StoreError> {
    let rows = database.get_all(places.iter().map(|place| keys::row(&place.task_id)).collect()).await?;
    let read = rows.iter().filter(|row| read::is_task(row)).map(|row| read::assemble(database, row, &[], &[], View::STATUS));
    let in_scope = |stored: &StoredTask| stored.owner == scope.owner && scope.agent.as_ref().is_none_or(|agent| *agent == stored.agent);
    let tasks = try_join_all(read).await?.into_iter().flatten().filter(in_scope);
    let mut by_id: HashMap<String, StoredTask> = tasks.map(|stored| (stored.task.id.clone(), stored)).collect();
    Ok(places.iter().map(|place| by_id.remove(&place.task_id)).collect())
}

fn token_of(place: &Place, scope: &Scope, filter: &TaskFilter) -> String {
    page_token::seal(&[&place.status_at.to_be_bytes(), place.task_id.as_bytes()].concat(), scope, filter)
}

fn place_of(token: &str, scope: &Scope, filter: &TaskFilter) -> Result<Place, StoreError> {
    let place = page_token::open(token, scope, filter)?;
    let (time, id) = place.split_first_chunk::<8>().ok_or(StoreError::BadPageToken)?;
    let task_id = String::from_utf8(id.to_vec()).map_err(|_| StoreError::BadPageToken)?;
    Ok(Place::new(i64::from_be_bytes(*time), task_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_moved_between_two_lists_stands_at_its_newest_place() {
        let place = |status_at, task_id: &str| Place::new(status_at, task_id.to_owned());
        let mut found = vec![place(1, "a"), place(5, "b"), place(9, "a"), place(7, "c")];
        newest_first(&mut found);
        assert_eq!(found, [place(9, "a"), place(7, "c"), place(5, "b")]);
    }

    #[test]
    fn ids_of_any_form_are_in_the_order_of_their_keys() {
        let mut found: Vec<Place> = ["a/b", "a-b", "%", "é", &"x".repeat(999)].iter().map(|id| Place::new(1, (*id).to_owned())).collect();
        newest_first(&mut found);
        assert!(found.is_sorted_by(|a, b| a.key > b.key));
    }
}
