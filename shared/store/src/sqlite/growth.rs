//! Tests that what is asked for costs what it takes, not what there is: in steps of SQLite's machine, which don't depend on the computer's.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use chrono::{DateTime, Utc};
use engine::ports::{
    ArtifactChunk, Change, Committed, Expect, LeaseChange, NewTask, QueueName, RememberedMessage, Scope, SequencedEvent, TaskFilter, TaskPage, View,
    Work,
};
use protocol::{
    Dialect,
    types::{Artifact, Message, Part, Role, StreamResponse, TaskArtifactUpdateEvent, TaskState, TaskStatus},
};
use rusqlite::Connection;

use super::{commit::Prepared, jobs, list, migrations::migrate, read, remembered, retention::delete_finished};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn scope() -> Scope {
    Scope { owner: "o".into(), agent: None }
}

fn change(task_id: &str, expect: Expect, seconds: i64) -> Change {
    let status = TaskStatus { state: TaskState::Working, message: None, timestamp: Some(at(seconds)) };
    Change { attempts: 1, ..Change::of_status(task_id, expect, status, at(seconds)) }
}

fn new_task(agent: &str, context_id: String) -> Expect {
    Expect::New(NewTask { owner: "o".into(), agent: agent.into(), context_id, dialect: Dialect::V1_0, caller_role: "public".into() })
}

/// Task `n` of a crowd: half of them at work, each with a context for ten and with work to do.
fn one_of_many(n: i64) -> Change {
    let task_id = format!("t-{n}");
    let mut change = change(&task_id, new_task(["a", "b"][(n % 2) as usize], format!("c-{}", n / 10)), n);
    change.status.state = [TaskState::Working, TaskState::Completed][(n / 2 % 2) as usize].clone();
    change.lease = if n % 50 == 0 { LeaseChange::Hold { runner: "r".into(), until: at(n) } } else { LeaseChange::Keep };
    change.remember = Some(RememberedMessage { message_id: task_id.clone(), fingerprint: "f".into(), forget_before: at(0) });
    change.work = vec![Work::RunTask { task_id }];
    change
}

/// Turn `n` of one task: a message, a chunk and an event.
fn turn(n: i64) -> Change {
    let number = n.unsigned_abs();
    let mut change = change("long", if n == 0 { new_task("a", "c".into()) } else { Expect::Version(number) }, 0);
    let parts = vec![Part::text("x")];
    change.first_message_number = number;
    change.messages = vec![Message { message_id: n.to_string(), ..Message::new(Role::User, parts.clone()) }];
    let artifact = Artifact { artifact_id: "a".into(), name: None, description: None, parts, metadata: None, extensions: None };
    change.chunks = vec![ArtifactChunk { artifact_number: 0, chunk_number: number as u32, artifact: artifact.clone() }];
    let event = TaskArtifactUpdateEvent { task_id: "long".into(), context_id: "c".into(), artifact, append: None, last_chunk: None, metadata: None };
    change.events = Arc::new([SequencedEvent { sequence: number + 1, event: StreamResponse::ArtifactUpdate(event) }]);
    change
}

fn commit(connection: &Connection, change: Change) -> rusqlite::Result<()> {
    assert_eq!(Prepared::new(Arc::new(change))?.apply(connection)?, Committed::Done);
    Ok(())
}

fn with(size: i64, change: fn(i64) -> Change) -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection).unwrap();
    remembered::prepare(&connection).unwrap();
    connection.execute_batch("BEGIN").unwrap();
    (0..size).for_each(|n| commit(&connection, change(n)).unwrap());
    connection.execute_batch("COMMIT").unwrap();
    connection
}

fn page(connection: &Connection, filter: TaskFilter, agent: Option<&str>) -> rusqlite::Result<TaskPage> {
    let scope = Scope { agent: agent.map(Into::into), ..scope() };
    let after = crate::page_token::Place::before_page(&scope, &filter).unwrap();
    list::page(connection, &scope, &filter, after)
}

/// How many steps something takes.
fn steps(connection: &mut Connection, work: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> u64 {
    let steps = Arc::new(AtomicU64::new(0));
    let counter = steps.clone();
    let count = move || {
        counter.fetch_add(1, Relaxed);
        false
    };
    connection.progress_handler(1, Some(count)).unwrap();
    work(connection).unwrap();
    connection.progress_handler(0, None::<fn() -> bool>).unwrap();
    steps.load(Relaxed)
}

fn assert_no_growth(what: &str, few: u64, many: u64) {
    assert!(few > 0 && many * 10 <= few * 12, "{what}: {few} steps with few, {many} with many");
}

#[test]
fn lists_and_lookups_cost_the_same_among_few_tasks_and_among_many() {
    type Read = fn(&Connection) -> rusqlite::Result<()>;
    let reads: [(&str, Read); 9] = [
        ("first page", |c| page(c, TaskFilter { page_size: 20, ..Default::default() }, None).map(drop)),
        ("first page of an agent", |c| page(c, TaskFilter { page_size: 20, ..Default::default() }, Some("b")).map(drop)),
        ("first page of a state", |c| page(c, TaskFilter { page_size: 20, state: Some(TaskState::Working), ..Default::default() }, None).map(drop)),
        ("page of a context", |c| page(c, TaskFilter { page_size: 5, context_id: Some("c-3".into()), ..Default::default() }, None).map(drop)),
        ("second page", |c| {
            let first = page(c, TaskFilter { page_size: 10, ..Default::default() }, None)?;
            page(c, TaskFilter { page_size: 10, page_token: Some(first.next_page_token), ..Default::default() }, None).map(drop)
        }),
        ("a task", |c| read::task(c, Some(&scope()), "t-7", View::WHOLE, u64::MAX).map(drop)),
        ("webhooks", |c| super::push_configs::of_task(c, Some(&scope()), "t-7").map(drop)),
        ("due work", |c| jobs::next_due_job(c, QueueName::RunTask).map(drop)),
        ("the next lease's end", |c| c.query_row("SELECT min(lease_until) FROM tasks WHERE lease_until IS NOT NULL", [], |_| Ok(()))),
    ];
    let (mut few, mut many) = (with(100, one_of_many), with(5_000, one_of_many));
    for (what, read) in reads {
        assert_no_growth(what, steps(&mut few, read), steps(&mut many, read));
    }
}

#[test]
fn writes_cost_the_same_among_few_tasks_and_among_many() {
    type Write = fn(&Connection) -> rusqlite::Result<()>;
    let writes: [(&str, Write); 4] = [
        ("a new task", |c| commit(c, one_of_many(1_000_000))),
        ("a change", |c| commit(c, change("t-8", Expect::Version(1), 9_999))),
        ("taking work", |c| jobs::take_jobs(c, QueueName::RunTask, 5, at(1_000_000), at(1_000_001)).map(drop)),
        ("deleting finished tasks", |c| delete_finished(c, 1_000_000_000, 10).map(drop)),
    ];
    let (mut few, mut many) = (with(100, one_of_many), with(5_000, one_of_many));
    for (what, write) in writes {
        assert_no_growth(what, steps(&mut few, write), steps(&mut many, write));
    }
}

#[test]
fn a_turn_and_a_look_cost_the_same_in_a_short_conversation_and_in_a_long_one() {
    let (mut few, mut many) = (with(10, turn), with(5_000, turn));
    let look = View { history_length: Some(2), artifacts: false };
    let look = |c: &Connection| read::task(c, None, "long", look, u64::MAX).map(drop);
    assert_no_growth("a look", steps(&mut few, look), steps(&mut many, look));
    let last_events = |last: u64| move |c: &Connection| read::events(c, "long", last - 2, 10).map(drop);
    assert_no_growth("the last events", steps(&mut few, last_events(10)), steps(&mut many, last_events(5_000)));
    let next = |n| move |c: &Connection| commit(c, turn(n));
    assert_no_growth("a turn", steps(&mut few, next(10)), steps(&mut many, next(5_000)));
}
