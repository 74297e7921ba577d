//! ListTasks: one page, newest first, at the cost of the page.
//!
//! Without a `contextId` the page is merged from the ranges of `tasks_by_state` that the filter admits, one for each agent and state
//! that the owner has tasks in: a few index rows more than the page. `totalSize` is then a sum of kept counts; with
//! `statusTimestampAfter` the index rows after that time are counted, with a `contextId` those of the conversation.

use std::fmt::Write;

use engine::ports::{Scope, TaskFilter, TaskPage, View};
use rusqlite::{Connection, ToSql, params_from_iter};

use super::read::{select_task, stored_task, with_view};
use crate::{
    page_token::Place,
    values::{milliseconds_not_before, state_number},
};

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
    let next_page_token = places.last().filter(|_| more).map(|last| last.token(scope, filter)).unwrap_or_default();
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
        let since = filter.status_timestamp_after.map(milliseconds_not_before);
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
