//! Rows as tasks.

use std::collections::BTreeMap;

use engine::ports::{Scope, SequencedEvent, StoreError, StoredTask, View};
use protocol::types::{Artifact, Message, StreamResponse, Task};
use sqlx::postgres::PgRow;

use super::{
    names, store_error,
    values::{column, count, from_json, number, parse},
};
use crate::values::{add_chunk, time};

/// What [`stored_task`] reads of `tasks`, in its order.
macro_rules! task_row {
    () => {
        "id, owner, agent, context_id, dialect, caller_role, version, status, last_sequence, message_count, artifacts::text, lease_runner, \
         lease_until, attempts, cancel_requested, request_metadata, push_config_ids"
    };
}
pub(super) use task_row;

/// The one task of an id (`$1`), if a scope (`$2` and `$3`) sees it. The planner may take an owner's tasks for few and look through them all: it
/// has no index for what `||` gives.
macro_rules! in_scope {
    () => {
        "tasks.id = $1 AND tasks.owner || '' = $2 AND ($3 IS NULL OR tasks.agent = $3)"
    };
}
pub(super) use in_scope;

/// What [`with_view`] reads besides, after [`task_row`]: `$messages` is how many, `$artifacts` whether. The log is looked at only where there is
/// something in it.
macro_rules! view {
    ($messages:literal, $artifacts:literal) => {
        concat!(
            "CASE WHEN ", $messages, " > message_count - first_messages THEN messages END,
             CASE WHEN ", $artifacts, " THEN chunks END,
             CASE WHEN message_count > first_messages AND ", $messages, " > 0 THEN (
                SELECT string_agg(body, ',' ORDER BY number) FROM (
                    SELECT body, number FROM task_log WHERE task = tasks.number AND place = -1 ORDER BY number DESC LIMIT ", $messages, ") AS latest) END,
             CASE WHEN version > 1 AND ", $artifacts, " THEN (
                SELECT string_agg('[' || place || ',' || number || ',' || body || ']', ',' ORDER BY place, number) FROM task_log WHERE task = tasks.number AND place >= 0) END"
        )
    };
}
pub(super) use view;

/// Columns of [`task_row`], and with those of [`view`].
const TASK_ROW: usize = 17;
pub(super) const TASK_WITH_VIEW: usize = TASK_ROW + 4;

/// As many messages as a view shows, as a limit.
pub(super) fn limit(view: View) -> i64 {
    view.history_length.map_or(i64::MAX, i64::from)
}

/// A task by its id, in a scope or (for the workers) in any.
pub(super) async fn task(pool: &super::Connections, scope: Option<&Scope>, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError> {
    let row_alone = view == View::STATUS;
    let sql = match (scope, row_alone) {
        (Some(_), true) => concat!("SELECT ", task_row!(), " FROM tasks WHERE ", in_scope!()),
        (Some(_), false) => {
            concat!("SELECT ", task_row!(), ", ", view!("$4", "$5"), " FROM tasks WHERE ", in_scope!())
        }
        (None, true) => concat!("SELECT ", task_row!(), " FROM tasks WHERE id = $1"),
        (None, false) => concat!("SELECT ", task_row!(), ", ", view!("$2", "$3"), " FROM tasks WHERE id = $1"),
    };
    let mut query = sqlx::query(sql).bind(names::column(task_id));
    if let Some(scope) = scope {
        query = query.bind(names::column(&scope.owner)).bind(scope.agent.as_deref().map(names::column));
    }
    if !row_alone {
        query = query.bind(limit(view)).bind(view.artifacts);
    }
    let Some(row) = query.fetch_optional(pool).await.map_err(store_error)? else { return Ok(None) };
    if row_alone { stored_task(&row).map(Some) } else { with_view(&row, view).map(Some) }
}

/// A task as far as its row goes.
pub(super) fn stored_task(row: &PgRow) -> Result<StoredTask, StoreError> {
    let name = |index| column::<&str>(row, index).map(names::name);
    let artifacts: BTreeMap<u32, (String, u32)> = column::<Option<&str>>(row, 10)?.map(from_json).transpose()?.unwrap_or_default();
    let push_config_ids: Vec<String> = column::<Option<_>>(row, 16)?.unwrap_or_default();
    Ok(StoredTask {
        task: Task { id: name(0)?, context_id: name(3)?, status: from_json(column(row, 7)?)?, artifacts: None, history: None, metadata: None },
        version: count(row, 6)?,
        owner: name(1)?,
        agent: name(2)?,
        dialect: parse(row, 4)?,
        last_sequence: count(row, 8)?,
        message_count: count(row, 9)?,
        artifact_chunks: artifacts.into_values().map(|(id, chunks)| (names::name(&id), chunks)).collect(),
        push_config_ids: push_config_ids.iter().map(|id| names::name(id)).collect(),
        lease: column::<Option<String>>(row, 11)?.zip(column::<Option<i64>>(row, 12)?.map(time)),
        attempts: column::<i32>(row, 13)?.unsigned_abs(),
        cancel_requested: column(row, 14)?,
        request_metadata: column::<Option<&str>>(row, 15)?.map(from_json).transpose()?.unwrap_or_default(),
        caller_role: column(row, 5)?,
    })
}

/// A task with what the view asks for besides the row.
pub(super) fn with_view(row: &PgRow, view: View) -> Result<StoredTask, StoreError> {
    let mut stored = stored_task(row)?;
    if stored.message_count > 0 && view.history_length != Some(0) {
        stored.task.history = Some(history(column(row, TASK_ROW)?, column(row, TASK_ROW + 2)?, view.history_length)?);
    }
    if view.artifacts && !stored.artifact_chunks.is_empty() {
        stored.task.artifacts = Some(artifacts(column(row, TASK_ROW + 1)?, column(row, TASK_ROW + 3)?, &stored.artifact_chunks)?);
    }
    Ok(stored)
}

/// The latest messages, of which the row has the first and the log the rest.
fn history(first: Option<&str>, later: Option<&str>, length: Option<u32>) -> Result<Vec<Message>, StoreError> {
    let mut messages: Vec<Message> = first.map(from_json).transpose()?.unwrap_or_default();
    messages.extend(later.map(array_of::<Message>).transpose()?.unwrap_or_default());
    let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
    messages.drain(..messages.len().saturating_sub(length));
    Ok(messages)
}

/// The artifacts, whole. The row has the first chunks of some, and each may be replaced by one in the log; those count whose numbers the artifact has.
fn artifacts(first: Option<&str>, later: Option<&str>, chunk_counts: &[(String, u32)]) -> Result<Vec<Artifact>, StoreError> {
    let first: Vec<(u32, Artifact)> = first.map(from_json).transpose()?.unwrap_or_default();
    let later: Vec<(u32, u32, Artifact)> = later.map(array_of).transpose()?.unwrap_or_default();
    let mut chunks = BTreeMap::new();
    let mut next: BTreeMap<u32, u32> = BTreeMap::new();
    for (artifact, chunk) in first {
        let number = next.entry(artifact).or_default();
        chunks.insert((artifact, *number), chunk);
        *number += 1;
    }
    chunks.extend(later.into_iter().map(|(artifact, number, chunk)| ((artifact, number), chunk)));
    let mut artifacts = Vec::new();
    for (artifact, (_, count)) in (0..).zip(chunk_counts) {
        let mut its = (0..*count).filter_map(|number| chunks.remove(&(artifact, number)));
        if let Some(mut whole) = its.next() {
            its.for_each(|chunk| add_chunk(&mut whole, chunk));
            artifacts.push(whole);
        }
    }
    Ok(artifacts)
}

/// Values with commas between.
fn array_of<T: serde::de::DeserializeOwned>(values: &str) -> Result<Vec<T>, StoreError> {
    from_json(&format!("[{values}]"))
}

/// Events after a sequence. A row holds those of one commit, so the first row may begin before.
pub(super) async fn events(pool: &super::Connections, task_id: &str, after: u64, limit: u32) -> Result<Vec<SequencedEvent>, StoreError> {
    let rows = sqlx::query(
        "WITH task AS MATERIALIZED (SELECT number, first_events, CASE WHEN first_events > $2 THEN events END AS events FROM tasks WHERE id = $1)
         SELECT first_events::bigint AS last, events FROM task WHERE events IS NOT NULL
         UNION ALL
         (SELECT number, body FROM task_log WHERE task = (SELECT number FROM task) AND place = -2 AND number > $2 ORDER BY number LIMIT $3)
         ORDER BY last",
    )
    .bind(names::column(task_id))
    .bind(number(after))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await
    .map_err(store_error)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut events = Vec::new();
    for row in &rows {
        let of_commit: Vec<StreamResponse> = from_json(column(row, 1)?)?;
        let first = count(row, 0)?.saturating_sub(of_commit.len() as u64) + 1;
        let numbered = (first..).zip(of_commit).map(|(sequence, event)| SequencedEvent { sequence, event });
        events.extend(numbered.filter(|event| event.sequence > after).take(limit - events.len()));
    }
    Ok(events)
}
