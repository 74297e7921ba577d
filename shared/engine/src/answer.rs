//! Tasks as answers: how much of the history a client asked for.

use std::sync::Arc;

use protocol::types::Task;

/// The task with at most so many of its latest messages (spec section 3.2.4): `None` is all of them, 0 leaves the field out.
pub(crate) fn with_history(task: Arc<Task>, history_length: Option<u32>) -> Arc<Task> {
    let (Some(wanted), Some(history)) = (history_length, &task.history) else { return task };
    let wanted = wanted as usize;
    if wanted > 0 && history.len() <= wanted {
        return task;
    }
    let mut task = match Arc::try_unwrap(task) {
        Ok(task) => task,
        Err(shared) => Task {
            id: shared.id.clone(),
            context_id: shared.context_id.clone(),
            status: shared.status.clone(),
            artifacts: shared.artifacts.clone(),
            history: shared.history.as_ref().map(|history| history[history.len().saturating_sub(wanted)..].to_vec()),
            metadata: shared.metadata.clone(),
        },
    };
    task.history = match task.history {
        Some(mut history) if wanted > 0 => Some(history.split_off(history.len().saturating_sub(wanted))),
        _ => None,
    };
    Arc::new(task)
}

/// A `historyLength` as the specification has it: what isn't positive counts as 0 (negative ones are refused before).
pub(crate) fn history_length(given: Option<i32>) -> Option<u32> {
    given.map(|length| u32::try_from(length).unwrap_or(0))
}
