//! ListTasks: one page, newest first, at the cost of the page.
//!
//! Without a `contextId` the page is merged from the ranges of `tasks_by_state` that the filter admits, one for each agent and state
//! that the owner has tasks in: a few index rows more than the page. `totalSize` is then a sum of kept counts; with
//! `statusTimestampAfter` the index rows after that time are counted, with a `contextId` those of the conversation.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use engine::ports::{Scope, StoreError, TaskFilter, TaskPage, View};
use rusqlite::{Connection, ToSql, params_from_iter};
use sha2::{Digest, Sha256};

use super::{
    read::{select_task, stored_task, with_view},
    values::{milliseconds, state_number},
};

/// A task's place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    status_at: i64,
    number: i64,
}

/// Where the page begins; a token that isn't of this list is refused.
pub(super) fn start_of(scope: &Scope, filter: &TaskFilter) -> Result<Option<Place>, StoreError> {
    filter.page_token.as_deref().map(|token| place_of(token, scope, filter)).transpose()
}

/// One page after a place.
pub(super) fn page(connection: &Connection, scope: &Scope, filter: &TaskFilter, after: Option<Place>) -> rusqlite::Result<TaskPage> {
    let selection = Selection::new(connection, scope, filter)?;
    let size = usize::try_from(filter.page_size).unwrap_or(usize::MAX);
    let mut places = selection.places(connection, after, i64::from(filter.page_size) + 1)?;
    let more = places.len() > size;
    places.truncate(size);
    let view = View { history_length: filter.history_length, artifacts: filter.include_artifacts };
    let mut by_number = connection.prepare_cached(select_task!("WHERE number = ?1"))?;
    let tasks = places
        .iter()
        .map(|place| {
            let (number, task) = by_number.query_row([place.number], stored_task)?;
            with_view(connection, number, task, view)
        })
        .collect::<rusqlite::Result<_>>()?;
    let next_page_token = places.last().filter(|_| more).map(|last| token_of(*last, scope, filter)).unwrap_or_default();
    Ok(TaskPage { tasks, next_page_token, total_size: selection.total_size(connection)? })
}

/// The ranges of an index that a filter admits, as SQL.
struct Selection {
    /// `FROM tasks WHERE …` of each range, the values that they name, and the count if it is known.
    ranges: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
    known_total: Option<u64>,
}

impl Selection {
    fn new(connection: &Connection, scope: &Scope, filter: &TaskFilter) -> rusqlite::Result<Self> {
        let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(scope.owner.clone())];
        let state = filter.state.as_ref().map(state_number);
        // The first whole millisecond that isn't before the time.
        let since = filter.status_timestamp_after.map(|time| {
            let whole = milliseconds(time);
            if time.timestamp_subsec_nanos() % 1_000_000 == 0 { whole } else { whole + 1 }
        });
        let mut since_condition = String::new();
        if let Some(since) = since {
            values.push(Box::new(since));
            since_condition = format!(" AND status_at >= ?{}", values.len());
        }
        if let Some(context_id) = &filter.context_id {
            values.push(Box::new(context_id.clone()));
            let mut range = format!("FROM tasks WHERE owner = ?1 AND context_id = ?{}{since_condition}", values.len());
            if let Some(agent) = &scope.agent {
                values.push(Box::new(agent.clone()));
                // The plus keeps the planner from preferring the other index for its longer prefix.
                let _ = write!(range, " AND +agent = ?{}", values.len());
            }
            if let Some(state) = state {
                let _ = write!(range, " AND +state = {state}");
            }
            return Ok(Selection { ranges: vec![range], values, known_total: None });
        }
        let mut counts = connection.prepare_cached(
            "SELECT agent, state, tasks FROM task_counts
             WHERE owner = ?1 AND (?2 IS NULL OR agent = ?2) AND (?3 IS NULL OR state = ?3) AND tasks > 0",
        )?;
        let mut rows = counts.query(rusqlite::params![scope.owner, scope.agent, state])?;
        let (mut ranges, mut total) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            values.push(Box::new(row.get::<_, String>(0)?));
            let state: i64 = row.get(1)?;
            ranges.push(format!("FROM tasks WHERE owner = ?1 AND agent = ?{} AND state = {state}{since_condition}", values.len()));
            total += row.get::<_, u64>(2)?;
        }
        Ok(Selection { ranges, values, known_total: since.is_none().then_some(total) })
    }

    fn places(&self, connection: &Connection, after: Option<Place>, limit: i64) -> rusqlite::Result<Vec<Place>> {
        if self.ranges.is_empty() {
            return Ok(Vec::new());
        }
        let mut values: Vec<&dyn ToSql> = self.values.iter().map(|value| &**value).collect();
        let mut after_condition = String::new();
        if let Some(after) = &after {
            values.extend([&after.status_at as &dyn ToSql, &after.number]);
            after_condition = format!(" AND (status_at, number) < (?{}, ?{})", values.len() - 1, values.len());
        }
        values.push(&limit);
        let selects: Vec<String> = self.ranges.iter().map(|range| format!("SELECT status_at, number {range}{after_condition}")).collect();
        let sql = format!("{} ORDER BY status_at DESC, number DESC LIMIT ?{}", selects.join(" UNION ALL "), values.len());
        connection
            .prepare_cached(&sql)?
            .query_map(params_from_iter(values), |row| Ok(Place { status_at: row.get(0)?, number: row.get(1)? }))?
            .collect()
    }

    fn total_size(&self, connection: &Connection) -> rusqlite::Result<u64> {
        if let Some(total) = self.known_total {
            return Ok(total);
        }
        if self.ranges.is_empty() {
            return Ok(0);
        }
        let counts: Vec<String> = self.ranges.iter().map(|range| format!("(SELECT count(*) {range})")).collect();
        connection.prepare_cached(&format!("SELECT {}", counts.join(" + ")))?.query_row(params_from_iter(&self.values), |row| row.get(0))
    }
}

/// The place and a check of the list that it is a place of.
fn token_of(place: Place, scope: &Scope, filter: &TaskFilter) -> String {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&place.status_at.to_be_bytes());
    bytes[8..16].copy_from_slice(&place.number.to_be_bytes());
    let check = check_of(&bytes[..16], scope, filter);
    bytes[16..].copy_from_slice(&check);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn place_of(token: &str, scope: &Scope, filter: &TaskFilter) -> Result<Place, StoreError> {
    let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(StoreError::BadPageToken)?;
    if bytes[16..] != check_of(&bytes[..16], scope, filter) {
        return Err(StoreError::BadPageToken);
    }
    let number = |range: std::ops::Range<usize>| bytes[range].iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
    Ok(Place { status_at: number(0..8), number: number(8..16) })
}

fn check_of(place: &[u8], scope: &Scope, filter: &TaskFilter) -> [u8; 8] {
    let since = filter.status_timestamp_after.map(|time| time.timestamp_nanos_opt());
    let list = format!("{:?} {:?} {:?} {:?} {since:?}", scope.owner, scope.agent, filter.context_id, filter.state);
    let digest = Sha256::new().chain_update(place).chain_update(list).finalize();
    let mut check = [0; 8];
    check.copy_from_slice(&digest[..8]);
    check
}
