//! What commits must know of a task before its change: remembered from the last read or commit, so that most changes cost no read.

use std::{collections::BTreeMap, sync::Arc};

use quick_cache::sync::Cache;

/// So many tasks are kept in mind; those at work are few.
const MOST: usize = 4096;

/// What a task's row says at a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// Tells the task from an earlier one of the same id.
    pub(super) made: String,
    pub(super) version: u64,
    pub(super) owner: String,
    pub(super) agent: String,
    pub(super) context_id: String,
    pub(super) state: i16,
    /// Milliseconds since 1970.
    pub(super) status_at: i64,
    pub(super) last_sequence: u64,
    pub(super) message_count: u64,
    pub(super) artifacts: Vec<KnownArtifact>,
    /// Milliseconds since 1970.
    pub(super) lease_until: Option<i64>,
    pub(super) webhooks: Vec<String>,
    /// Where those of the row's texts lie that are too large for it, by their attributes.
    pub(super) blobs: BTreeMap<&'static str, String>,
}

/// An artifact as the row knows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct KnownArtifact {
    pub(super) id: String,
    pub(super) chunks: u32,
    /// Grows when the artifact is replaced: chunks of an older generation count no more.
    pub(super) generation: u32,
}

/// Tasks by their ids. What is wrong or missing here costs a read, never a wrong write: the version and `made` are conditions of each write.
pub(super) struct KnownTasks(Cache<String, Arc<Known>>);

impl Default for KnownTasks {
    fn default() -> Self {
        KnownTasks(Cache::new(MOST))
    }
}

impl KnownTasks {
    pub(super) fn at_version(&self, task_id: &str, version: u64) -> Option<Arc<Known>> {
        self.0.get(task_id).filter(|known| known.version == version)
    }

    pub(super) fn keep(&self, task_id: &str, known: Arc<Known>) {
        self.0.insert(task_id.to_owned(), known);
    }

    pub(super) fn forget(&self, task_id: &str) {
        self.0.remove(task_id);
    }
}
