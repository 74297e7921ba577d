//! Rows of background work: commits put them in, and a queue hands them out or carries them to where workers look.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{QueueName, StoreError, Work};

/// The job rows of a database, which are the outbox of its task commits.
///
/// A row is one piece of work by its [`Work::key`]. Its generation grows when the same work is queued again, its delivery with each hand-out, so
/// that an old hand-out is worth nothing. Work queued again while it waits is due at once with its attempts counted anew; work that failed and
/// [`Work::keeps_its_pause`] stays as it is.
#[async_trait]
pub trait JobRows: Send + Sync + 'static {
    /// When the next job of a queue is due; `None` where there is none. A look, not a write.
    async fn next_due(&self, queue: QueueName) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Takes up to `max` jobs that are due, the longest due first, and hides them from others until a time.
    async fn take(&self, queue: QueueName, max: u32, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<TakenJob>, StoreError>;

    /// Takes those of these jobs that are there and wait, due or not, and hides them until a time.
    async fn take_these(&self, work: &[Work], until: DateTime<Utc>) -> Result<Vec<TakenJob>, StoreError>;

    /// Still being done: hidden until another time. A stale delivery changes nothing.
    async fn extend(&self, work: &Work, delivery: u64, until: DateTime<Utc>) -> Result<(), StoreError>;

    /// Done: gone, or due at once if it was queued anew meanwhile. Says whether it was; a stale delivery changes nothing.
    async fn finish(&self, work: &Work, delivery: u64, now: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Not done: due at a time; at once if it was queued anew meanwhile, unless it [`Work::keeps_its_pause`].
    async fn retry(&self, work: &Work, delivery: u64, now: DateTime<Utc>, due: DateTime<Utc>) -> Result<(), StoreError>;

    /// Given up: moved to the dead letters with a reason; what was queued anew meanwhile stays.
    async fn park(&self, work: &Work, delivery: u64, now: DateTime<Utc>, reason: &str) -> Result<(), StoreError>;

    /// Waiting and running jobs of a queue.
    async fn depth(&self, queue: QueueName) -> Result<u64, StoreError>;

    /// What was given up, with the reasons, the latest first, at most `limit`.
    async fn dead_letters(&self, queue: QueueName, limit: u32) -> Result<Vec<(Work, String)>, StoreError>;
}

/// A job in a worker's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenJob {
    /// What to do.
    pub work: Work,
    /// The number of this hand-out: who holds an older one holds nothing.
    pub delivery: u64,
    /// From 1: hand-outs since it was last queued.
    pub attempt: u32,
    /// When it was first queued.
    pub queued_at: DateTime<Utc>,
}
