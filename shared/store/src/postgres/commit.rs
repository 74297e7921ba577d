//! One state change of a task: one statement, which changes nothing unless the task is as expected.

use engine::ports::{Change, Committed, Expect, LeaseChange, NewTask, StoreError};
use protocol::types::TaskState;
use sqlx::{Postgres, postgres::PgArguments, query::Query};

use super::{
    changed_artifacts::ChangedArtifacts,
    names,
    outbox::{self, Outbox},
    remembered::{self, MessageDigest, digest},
    statements::{CHANGE, CHANGE_WITH_CHUNKS, CHANGE_WITH_MORE, CREATE, CREATE_WITH_MORE},
    store_error,
    values::{number, to_json},
};
use crate::values::{milliseconds, state_number};

/// `task_log.place` of a message, and of the events of a commit. Chunks have the number of their artifact.
pub(super) const MESSAGE: i32 = -1;
pub(super) const EVENTS: i32 = -2;

/// A message that is in its own way, being too old to be recognised, is forgotten between two tries.
const TRIES: u32 = 3;

/// As the port's `commit`.
pub(super) async fn commit(pool: &super::Connections, change: &Change) -> Result<Committed, StoreError> {
    let prepared = Prepared::new(change)?;
    for _ in 0..TRIES {
        if prepared.apply(pool).await? {
            return Ok(Committed::Done);
        }
        if let Some(refused) = prepared.why_not(pool).await? {
            return Ok(refused);
        }
    }
    Err(StoreError::Unavailable("a message was sent and forgotten too often at the same time".into()))
}

/// A change with its texts made.
struct Prepared<'a> {
    change: &'a Change,
    task_id: std::borrow::Cow<'a, str>,
    state: i16,
    status_at: i64,
    status: String,
    artifacts: ChangedArtifacts<'a>,
    events: Option<String>,
    request_metadata: Option<String>,
    digest: Option<MessageDigest>,
    outbox: Option<Outbox>,
}

impl<'a> Prepared<'a> {
    fn new(change: &'a Change) -> Result<Self, StoreError> {
        let events: Vec<_> = change.events.iter().map(|event| &event.event).collect();
        Ok(Prepared {
            task_id: names::column(&change.task_id),
            state: state_number(&change.status.state),
            status_at: milliseconds(change.status.timestamp.unwrap_or(change.now)),
            status: to_json(&change.status)?,
            artifacts: ChangedArtifacts::of(&change.chunks)?,
            events: if events.is_empty() { None } else { Some(to_json(&events)?) },
            request_metadata: change.request_metadata.as_ref().map(to_json).transpose()?,
            // A canceled task's message may be sent anew.
            digest: change.remember.as_ref().filter(|_| change.status.state != TaskState::Canceled).map(digest),
            outbox: Outbox::of(change)?,
            change,
        })
    }

    /// Whether the change was made.
    async fn apply(&self, pool: &super::Connections) -> Result<bool, StoreError> {
        let query = match &self.change.expect {
            Expect::New(task) => self.create(task)?,
            Expect::Version(version) => self.update(*version)?,
        };
        match query.execute(pool).await {
            Ok(done) => Ok(done.rows_affected() > 0),
            // The task is there already, or its message is remembered.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() && error.table() == Some("tasks") => Ok(false),
            Err(error) => Err(store_error(error)),
        }
    }

    fn create(&self, task: &'a NewTask) -> Result<Query<'_, Postgres, PgArguments>, StoreError> {
        let change = self.change;
        if change.events.first().is_some_and(|event| event.sequence != 1) {
            return Err(out_of_order("events"));
        }
        if !change.messages.is_empty() && change.first_message_number != 0 {
            return Err(out_of_order("messages"));
        }
        if !self.artifacts.are_all() {
            return Err(out_of_order("artifact chunks"));
        }
        let (runner, until) = lease_columns(&change.lease);
        let sql = if self.outbox.is_some() { CREATE_WITH_MORE } else { CREATE };
        let query = sqlx::query(sql)
            .bind(&*self.task_id)
            .bind(names::column(&task.owner))
            .bind(names::column(&task.agent))
            .bind(names::column(&task.context_id))
            .bind(task.dialect.as_str())
            .bind(&task.caller_role)
            .bind(self.state)
            .bind(self.status_at)
            .bind(&self.status)
            .bind(number(change.events.len() as u64))
            .bind(number(change.messages.len() as u64))
            .bind(self.artifacts.after()?)
            .bind(runner)
            .bind(until)
            .bind(i32::try_from(change.attempts).unwrap_or(i32::MAX))
            .bind(change.cancel_requested)
            .bind(self.request_metadata.as_deref())
            .bind(self.digest)
            .bind(self.digest.map(|_| milliseconds(change.now)))
            .bind(if change.messages.is_empty() { None } else { Some(to_json(&change.messages)?) })
            .bind(self.artifacts.inline()?)
            .bind(self.events.as_deref());
        Ok(outbox::bind(query, self.outbox.as_ref()))
    }

    fn update(&self, version: u64) -> Result<Query<'_, Postgres, PgArguments>, StoreError> {
        let change = self.change;
        let mut log = Log::default();
        for (message_number, message) in (change.first_message_number..).zip(&change.messages) {
            log.push(MESSAGE, number(message_number), to_json(message)?);
        }
        for chunk in self.artifacts.kept() {
            let place = i32::try_from(chunk.artifact_number).unwrap_or(i32::MAX);
            log.push(place, i64::from(chunk.chunk_number), to_json(&chunk.artifact)?);
        }
        if let (Some(events), Some(last)) = (&self.events, change.events.last()) {
            log.push(EVENTS, number(last.sequence), events.clone());
        }
        let (runner, until) = lease_columns(&change.lease);
        let more = self.outbox.is_some() || change.remember.is_some();
        let nothing = if more && self.outbox.is_none() { Some(Outbox::default()) } else { None };
        let sql = match more {
            true => CHANGE_WITH_MORE,
            false if self.artifacts.is_empty() => CHANGE,
            false => CHANGE_WITH_CHUNKS,
        };
        let query = sqlx::query(sql)
            .bind(&*self.task_id)
            .bind(number(version))
            .bind(self.state)
            .bind(self.status_at)
            .bind(&self.status)
            .bind(change.events.first().map(|first| number(first.sequence) - 1))
            .bind(number(change.events.len() as u64))
            .bind((!change.messages.is_empty()).then(|| number(change.first_message_number)))
            .bind(number(change.messages.len() as u64))
            .bind(self.artifacts.before()?)
            .bind(self.artifacts.after()?)
            .bind(change.lease == LeaseChange::Keep)
            .bind(runner)
            .bind(until)
            .bind(i32::try_from(change.attempts).unwrap_or(i32::MAX))
            .bind(change.cancel_requested)
            .bind(self.request_metadata.as_deref())
            .bind(change.status.state == TaskState::Canceled)
            .bind(log.places)
            .bind(log.numbers)
            .bind(log.bodies)
            .bind(self.digest.map(|_| milliseconds(change.now)));
        let query = outbox::bind(query, self.outbox.as_ref().or(nothing.as_ref()));
        if !more {
            return Ok(query);
        }
        Ok(query.bind(self.digest).bind(change.remember.as_ref().map(|message| milliseconds(message.forget_before))))
    }

    /// Why nothing was changed; `None` where the next try may succeed.
    async fn why_not(&self, pool: &super::Connections) -> Result<Option<Committed>, StoreError> {
        let change = self.change;
        let owner = match &change.expect {
            Expect::New(task) => Some(names::column(&task.owner)),
            Expect::Version(_) => None,
        };
        let message = change.remember.as_ref();
        let (version, owner, task_id, turn_at): (Option<i64>, Option<String>, Option<String>, Option<i64>) = sqlx::query_as(
            "SELECT task.version, its.owner, message.id, message.turn_at
             FROM (SELECT coalesce($2, (SELECT owner FROM tasks WHERE id = $1)) AS owner) AS its
             LEFT JOIN tasks AS task ON task.id = $1
             LEFT JOIN tasks AS message ON message.turn_message = $3 AND message.owner || '' = its.owner",
        )
        .bind(&*self.task_id)
        .bind(owner)
        .bind(message.map(digest))
        .fetch_one(pool)
        .await
        .map_err(store_error)?;
        let forget_before = message.map(|message| milliseconds(message.forget_before));
        let fresh = turn_at >= forget_before;
        if let (Some(task_id), true) = (&task_id, fresh) {
            return Ok(Some(Committed::DuplicateMessage { task_id: names::name(task_id) }));
        }
        match (&change.expect, version) {
            (Expect::New(_), Some(_)) | (Expect::Version(_), None) => return Ok(Some(Committed::Conflict)),
            (Expect::Version(expected), Some(version)) if version != number(*expected) => return Ok(Some(Committed::Conflict)),
            _ => {}
        }
        if let (Some(_), Some(owner), Some(digest), Some(before)) = (task_id, owner, self.digest, forget_before) {
            remembered::forget(pool, &owner, &digest, before).await?;
            return Ok(None);
        }
        match &change.expect {
            // What was in the way is gone.
            Expect::New(_) => Ok(None),
            Expect::Version(_) => Err(out_of_order("events, messages or artifact chunks")),
        }
    }
}

/// Rows for `task_log`.
#[derive(Default)]
struct Log {
    places: Vec<i32>,
    numbers: Vec<i64>,
    bodies: Vec<String>,
}

impl Log {
    fn push(&mut self, place: i32, number: i64, body: String) {
        self.places.push(place);
        self.numbers.push(number);
        self.bodies.push(body);
    }
}

fn lease_columns(lease: &LeaseChange) -> (Option<&str>, Option<i64>) {
    match lease {
        LeaseChange::Hold { runner, until } => (Some(runner), Some(milliseconds(*until))),
        LeaseChange::Release | LeaseChange::Keep => (None, None),
    }
}

fn out_of_order(what: &str) -> StoreError {
    StoreError::Failed(format!("the change's {what} don't follow the task's").into())
}
