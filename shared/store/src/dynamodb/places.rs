//! Where a task is found without its id: in its owner's lists, counts and context, and in the index. All move with the row, in its transaction.

use super::{
    attributes::{number, text},
    keys::{self, Item},
    known::Known,
    transaction::Write,
};

/// Ranges of the index: tasks that are run.
pub(super) const LEASED: &str = "leased";
/// Active tasks that nobody runs.
pub(super) const WAITING: &str = "waiting";
pub(super) const FINISHED: &str = "finished";
/// Commits and deletions that are under way, or were cut short. They are few, so this range is not cut into shards.
pub(super) const UNFINISHED: &str = "unfinished";

/// Submitted or working.
pub(super) const fn is_active(state: i16) -> bool {
    matches!(state, 1 | 2)
}

/// Completed, failed, canceled or rejected.
pub(super) const fn is_terminal(state: i16) -> bool {
    matches!(state, 3 | 4 | 5 | 7)
}

/// The range of the index that a task is in, and when somebody must look at it.
pub(super) fn in_index(task_id: &str, task: &Known) -> Option<(String, i64)> {
    let (range, due) = match task.lease_until {
        Some(until) => (LEASED, until),
        None if is_active(task.state) => (WAITING, task.status_at),
        None if is_terminal(task.state) => (FINISHED, task.status_at),
        None => return None,
    };
    Some((keys::due(range, task_id), due))
}

/// Moves a task from where it was to where it is; `None` for a task that isn't there yet or no more.
pub(super) fn change(writes: &mut Vec<Write>, task_id: &str, before: Option<&Known>, after: Option<&Known>) {
    let Some(any) = after.or(before) else { return };
    let place = |task: &Known| keys::key(keys::list(&task.owner, &task.agent, task.state), keys::place(task.status_at, task_id));
    let (old, new) = (before.map(place), after.map(place));
    if old != new {
        writes.extend(old.map(Write::delete));
        writes.extend(new.map(|item| Write::put(with_id(item, task_id))));
    }
    let in_context = keys::in_context(&any.owner, &any.context_id, task_id);
    match after {
        Some(task) if before.is_none_or(|before| (before.state, before.status_at) != (task.state, task.status_at)) => {
            let mut item = with_id(in_context, task_id);
            item.insert("agent".to_owned(), text(&task.agent));
            item.insert("state".to_owned(), number(task.state));
            item.insert("status_at".to_owned(), number(task.status_at));
            writes.push(Write::put(item));
        }
        Some(_) => {}
        None => writes.push(Write::delete(in_context)),
    }
    let (old, new) = (before.map(|task| task.state), after.map(|task| task.state));
    if old != new {
        let mut count = Write::update(keys::key(keys::counts(&any.owner), keys::count_shard(&any.agent, task_id))).set("agent", text(&any.agent));
        if let Some(old) = old {
            count = count.add(state_count(old), number(-1));
        }
        if let Some(new) = new {
            count = count.add(state_count(new), number(1));
        }
        writes.push(count);
    }
}

fn with_id(mut item: Item, task_id: &str) -> Item {
    item.insert("id".to_owned(), text(task_id));
    item
}

/// The attribute that counts tasks of a state.
pub(super) fn state_count(state: i16) -> &'static str {
    const NAMES: [&str; 9] = ["state_0", "state_1", "state_2", "state_3", "state_4", "state_5", "state_6", "state_7", "state_8"];
    usize::try_from(state).ok().and_then(|state| NAMES.get(state)).copied().unwrap_or("state_0")
}
