//! Finished tasks in memory: they never change, so reading one needs no store.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use protocol::{
    Dialect,
    types::{Artifact, Message, Part, PartContent, Task},
};
use quick_cache::{Weighter, sync::Cache};

use crate::ports::{Scope, StoredTask};

const MOST_BYTES: u64 = 32 << 20;
/// One task may take this part of the cache at most.
const LARGEST_TASK_BYTES: u32 = 1 << 20;
/// The cache has a part for each 32 of these at most: so each part has room for the largest task, however many processors there are.
const EXPECTED_TASKS: usize = 512;

/// A finished task, whole.
#[derive(Clone)]
pub(crate) struct FinishedTask {
    pub(crate) task: Arc<Task>,
    pub(crate) dialect: Dialect,
    owner: Arc<str>,
    agent: Arc<str>,
    bytes: u32,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<String, FinishedTask> for Bytes {
    fn weight(&self, id: &String, finished: &FinishedTask) -> u64 {
        u64::from(finished.bytes) + id.len() as u64
    }
}

/// See the module.
pub(crate) struct FinishedTasks {
    cache: Cache<String, FinishedTask, Bytes>,
    retention: chrono::Duration,
}

impl FinishedTasks {
    pub(crate) fn new(retention: Duration) -> Self {
        let retention = chrono::Duration::from_std(retention).unwrap_or(chrono::Duration::MAX);
        FinishedTasks { cache: Cache::with_weighter(EXPECTED_TASKS, MOST_BYTES, Bytes), retention }
    }

    /// The task if it is here, in scope and not past its retention.
    pub(crate) fn get(&self, scope: &Scope, task_id: &str, now: DateTime<Utc>) -> Option<FinishedTask> {
        let found = self.cache.get(task_id)?;
        let visible = *found.owner == *scope.owner && scope.agent.as_ref().is_none_or(|agent| **agent == *found.agent);
        let kept = found.task.status.timestamp.is_none_or(|ended| now.signed_duration_since(ended) < self.retention);
        (visible && kept).then_some(found)
    }

    /// Shares the task, and keeps it if it is finished and here with all of its history.
    pub(crate) fn keep(&self, stored: StoredTask) -> Arc<Task> {
        let whole = stored.task.history.as_ref().map_or(0, Vec::len) as u64 == stored.message_count
            && stored.task.artifacts.as_ref().map_or(0, Vec::len) == stored.artifact_chunks.len();
        let finished = stored.task.status.state.is_terminal();
        let task = Arc::new(stored.task);
        if whole && finished {
            let bytes = size(&task);
            if bytes <= LARGEST_TASK_BYTES {
                let (owner, agent) = (stored.owner.into(), stored.agent.into());
                self.cache.insert(task.id.clone(), FinishedTask { task: task.clone(), dialect: stored.dialect, owner, agent, bytes });
            }
        }
        task
    }
}

/// Roughly, in bytes: text counts, structure is estimated.
fn size(task: &Task) -> u32 {
    let messages = task.history.iter().flatten().chain(&task.status.message);
    let parts = messages.flat_map(|message: &Message| &message.parts).chain(task.artifacts.iter().flatten().flat_map(|a: &Artifact| &a.parts));
    let bytes = parts.map(part_size).sum::<usize>() + 512;
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn part_size(part: &Part) -> usize {
    160 + match &part.content {
        PartContent::Text(text) | PartContent::Url(text) => text.len(),
        PartContent::Raw(bytes) => bytes.len(),
        PartContent::Data(value) => value.to_string().len() * 2,
    }
}
