//! ListTasks: one page, newest first, at the cost of the page.
//!
//! Without a `contextId` the page is merged from the ranges of `tasks_by_state` that the filter admits, one for each agent and state that the
//! owner has tasks in: a page of index rows of each. `totalSize` is then a sum of kept counts; with `statusTimestampAfter` the index rows after
//! that time are counted, with a `contextId` those of the conversation.

use engine::ports::{Scope, StoreError, TaskFilter, TaskPage, View};
use sqlx::postgres::PgRow;

use super::{
    names,
    read::{TASK_WITH_VIEW, limit, task_row, view, with_view},
    store_error,
    values::{column, count},
};
use crate::{
    page_token::Place,
    values::{milliseconds_not_before, state_number},
};

/// A list's statement. The values are owner, agent, state, since when, the place before (two), how many, messages, artifacts, and a context if
/// there is one. It gives the page's rows with their places and the total, or one row with the total alone. A row's
/// `ctid` stays what it is while a statement runs, and leads there without an index.
macro_rules! list {
    (ranges: $ranges:expr, total: $total:expr, places: $places:expr) => {
        concat!(
            $ranges,
            "SELECT page.*, total.tasks FROM (",
            $total,
            ") AS total (tasks) LEFT JOIN (SELECT ",
            task_row!(),
            ", ",
            view!("$8", "$9"),
            ", tasks.status_at, tasks.number FROM (",
            $places,
            " ORDER BY status_at DESC, number DESC LIMIT $7) AS place (row) JOIN tasks ON tasks.ctid = place.row) AS page ON true
             ORDER BY page.status_at DESC, page.number DESC"
        )
    };
}

/// The ranges of `tasks_by_state`.
macro_rules! ranges {
    () => {
        "WITH ranges AS MATERIALIZED (
            SELECT agent, of_state.state, of_state.tasks FROM (
                SELECT agent, sum(unspecified) AS s0, sum(submitted) AS s1, sum(working) AS s2, sum(completed) AS s3, sum(failed) AS s4,
                    sum(canceled) AS s5, sum(input_required) AS s6, sum(rejected) AS s7, sum(auth_required) AS s8
                FROM task_counts WHERE owner = $1 AND ($2 IS NULL OR agent = $2) GROUP BY agent) AS of_agent
            CROSS JOIN LATERAL (VALUES (0, s0), (1, s1), (2, s2), (3, s3), (4, s4), (5, s5), (6, s6), (7, s7), (8, s8)) AS of_state (state, tasks)
            WHERE of_state.tasks > 0 AND ($3 IS NULL OR of_state.state = $3)) "
    };
}

/// The first places of each range.
macro_rules! places_in_ranges {
    () => {
        "SELECT of_range.row FROM ranges CROSS JOIN LATERAL (
            SELECT ctid AS row, status_at, number FROM tasks
            WHERE owner = $1 AND agent = ranges.agent AND state = ranges.state AND status_at >= $4 AND (status_at, number) < ($5, $6)
            ORDER BY status_at DESC, number DESC LIMIT $7) AS of_range"
    };
}

/// The tasks of a conversation. It is always the shortest way to them: `||` and `+` hide others from the planner.
macro_rules! in_context {
    ($what:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM tasks WHERE owner = $1 AND context_id = $10 AND ($2 IS NULL OR agent || '' = $2) AND ($3 IS NULL OR state + 0 = $3) AND status_at >= $4"
        )
    };
}

const LIST: &str = list!(ranges: ranges!(), total: "SELECT coalesce(sum(tasks), 0)::bigint FROM ranges", places: places_in_ranges!());

const LIST_SINCE: &str = list!(
    ranges: ranges!(),
    total: "SELECT coalesce(sum(of_range.tasks), 0)::bigint FROM ranges CROSS JOIN LATERAL (
                SELECT count(*) FROM tasks WHERE owner = $1 AND agent = ranges.agent AND state = ranges.state AND status_at >= $4) AS of_range (tasks)",
    places: places_in_ranges!()
);

const LIST_OF_CONTEXT: &str = list!(
    ranges: "",
    total: in_context!("count(*)"),
    places: concat!(in_context!("ctid"), " AND (status_at, number) < ($5, $6)")
);

/// As the port's `list`.
pub(super) async fn page(pool: &super::Connections, scope: &Scope, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
    let before = Place::before_page(scope, filter)?.unwrap_or(Place { status_at: i64::MAX, number: i64::MAX });
    let since = filter.status_timestamp_after.map(milliseconds_not_before);
    let view = View { history_length: filter.history_length, artifacts: filter.include_artifacts };
    let sql = match (&filter.context_id, since) {
        (Some(_), _) => LIST_OF_CONTEXT,
        (None, Some(_)) => LIST_SINCE,
        (None, None) => LIST,
    };
    let mut query = sqlx::query(sql)
        .bind(names::column(&scope.owner))
        .bind(scope.agent.as_deref().map(names::column))
        .bind(filter.state.as_ref().map(state_number))
        .bind(since.unwrap_or(i64::MIN))
        .bind(before.status_at)
        .bind(before.number)
        .bind(i64::from(filter.page_size) + 1)
        .bind(limit(view))
        .bind(view.artifacts);
    if let Some(context_id) = &filter.context_id {
        query = query.bind(names::column(context_id));
    }
    let rows = query.fetch_all(pool).await.map_err(store_error)?;
    let total_size = rows.first().map_or(Ok(0), |row| count(row, TASK_WITH_VIEW + 2))?;
    let on_page = |row: &&PgRow| !matches!(column::<Option<i64>>(row, TASK_WITH_VIEW), Ok(None));
    let size = usize::try_from(filter.page_size).unwrap_or(usize::MAX);
    let tasks: Vec<_> = rows.iter().filter(on_page).take(size).map(|row| with_view(row, view)).collect::<Result<_, _>>()?;
    let next_page_token = match rows.get(size.saturating_sub(1)) {
        Some(last) if rows.len() > size => {
            Place { status_at: column(last, TASK_WITH_VIEW)?, number: column(last, TASK_WITH_VIEW + 1)? }.token(scope, filter)
        }
        _ => String::new(),
    };
    Ok(TaskPage { tasks, next_page_token, total_size })
}
