//! Where tasks live: the truth, which every told state is in before it is told.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use protocol::{
    Dialect,
    types::{Artifact, Message, StreamResponse, Task, TaskPushNotificationConfig, TaskState, TaskStatus},
};
use serde_json::Value;

use super::Work;

/// Keeps tasks, their events, messages, artifacts and webhooks.
#[async_trait]
pub trait TaskStore: Send + Sync + 'static {
    /// Makes one state change, whole or not at all, together with the work that it asks for, in one round trip.
    async fn commit(&self, change: Arc<Change>) -> Result<Committed, StoreError>;

    /// A task as its owner sees it; `None` if there is none in that scope.
    async fn task(&self, scope: &Scope, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError>;

    /// A task for the workers, who act for every owner.
    async fn task_of_any_owner(&self, task_id: &str, view: View) -> Result<Option<StoredTask>, StoreError>;

    /// One page, latest status timestamp first.
    async fn list(&self, scope: &Scope, filter: &TaskFilter) -> Result<TaskPage, StoreError>;

    /// The task that this very message of the owner went to; `None` if it isn't remembered. A commit checks the same by itself.
    async fn remembered(&self, owner: &str, message: &RememberedMessage) -> Result<Option<String>, StoreError>;

    /// Events with a sequence greater than `after`, in order, at most `limit`.
    async fn events(&self, task_id: &str, after: u64, limit: u32) -> Result<Vec<SequencedEvent>, StoreError>;

    /// Tasks whose lease ran out before `now`, at most `limit`.
    async fn expired_leases(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<StoredTask>, StoreError>;

    /// When the next lease runs out; `None` where no task runs.
    async fn next_lease_expiry(&self) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Deletes tasks that ended before `before` with all that belongs to them; says how many, at most `limit`.
    async fn delete_finished(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// Tasks that are neither terminal nor interrupted.
    async fn active_tasks(&self) -> Result<u64, StoreError>;

    /// Since when the state of the task stands that waits longest for a runner: it is neither terminal nor interrupted, and nobody holds it. `None`
    /// where none waits.
    async fn waiting_since(&self) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Creates or replaces the webhook of that id; `false` if the task isn't in scope. The task's version grows, so that a
    /// runner that doesn't know of the webhook yet conflicts and looks again.
    async fn put_push_config(&self, scope: &Scope, config: PushConfig) -> Result<bool, StoreError>;

    /// The webhooks of a task ordered by id; `None` if the task isn't in scope.
    async fn push_configs(&self, scope: &Scope, task_id: &str) -> Result<Option<Vec<PushConfig>>, StoreError>;

    /// The webhooks of a task, for the workers.
    async fn push_configs_of_any_owner(&self, task_id: &str) -> Result<Vec<PushConfig>, StoreError>;

    /// Deletes a webhook, there or not; `false` if the task isn't in scope. The task's version grows if it was there.
    async fn delete_push_config(&self, scope: &Scope, task_id: &str, config_id: &str) -> Result<bool, StoreError>;

    /// Moves a webhook's cursor from `from` to `to`; `false` if it stands elsewhere or the webhook is gone.
    async fn advance_push_cursor(&self, task_id: &str, config_id: &str, from: u64, to: u64) -> Result<bool, StoreError>;

    /// A round trip, for health checks.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Brings what is kept elsewhere to this version's form, for functions, which never do so by themselves. Safe to call by many at once.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where a newer version of this software has changed it.
    async fn migrate(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Whose tasks a query may see. Every query filters by it in the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The caller's identity.
    pub owner: String,
    /// The agent that the caller addressed; `None` on the default tenant, which sees all agents.
    pub agent: Option<String>,
}

/// How much of a task to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The latest so many messages; `None` for all. Costs O(k) whatever the history.
    pub history_length: Option<u32>,
    /// Whether artifacts are read.
    pub artifacts: bool,
}

impl View {
    /// The row alone.
    pub const STATUS: View = View { history_length: Some(0), artifacts: false };
    /// Everything.
    pub const WHOLE: View = View { history_length: None, artifacts: true };
}

/// A task with what the protocol doesn't show.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTask {
    /// As far as the view went: `history` and `artifacts` are `None` where they weren't read or are empty.
    pub task: Task,
    /// Grows by one with each commit.
    pub version: u64,
    /// Who may see it.
    pub owner: String,
    /// Who runs it.
    pub agent: String,
    /// The dialect that made it.
    pub dialect: Dialect,
    /// The sequence of its latest event; 0 if none.
    pub last_sequence: u64,
    /// How many messages its history has, read or not.
    pub message_count: u64,
    /// For each artifact, in order: its id and how many chunks it has. Known even where artifacts weren't read.
    pub artifact_chunks: Vec<(String, u32)>,
    /// The ids of its webhooks, in order: each wants a `DeliverPush` when events are committed.
    pub push_config_ids: Vec<String>,
    /// The runner that holds it, and until when.
    pub lease: Option<(String, DateTime<Utc>)>,
    /// How many runs of the present turn were started.
    pub attempts: u32,
    /// Whether a client asked to cancel it while it ran.
    pub cancel_requested: bool,
    /// `metadata` of the request that started the present turn: the agent needs it when the run comes later.
    pub request_metadata: HashMap<String, Value>,
    /// The role of the caller of the present turn, as [`crate::Caller::role`] spells it.
    pub caller_role: String,
}

/// One state change of one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The task.
    pub task_id: String,
    /// What must hold for the change to be made.
    pub expect: Expect,
    /// The status after it.
    pub status: TaskStatus,
    /// Messages to append to the history, in order. The first gets number [`StoredTask::message_count`].
    pub first_message_number: u64,
    /// See `first_message_number`.
    pub messages: Vec<Message>,
    /// Pieces of artifacts to add, in order.
    pub chunks: Vec<ArtifactChunk>,
    /// Events to keep for replay, in order, their sequences following the task's last.
    pub events: Arc<[SequencedEvent]>,
    /// What happens to the lease.
    pub lease: LeaseChange,
    /// New number of started runs of this turn.
    pub attempts: u32,
    /// New value of the flag.
    pub cancel_requested: bool,
    /// Set when a new turn begins.
    pub request_metadata: Option<HashMap<String, Value>>,
    /// Webhooks to add (they came with the message).
    pub push_configs: Vec<PushConfig>,
    /// A message of the client to remember, so that its retry is recognised. Unique per owner, id and fingerprint, as long as it is the latest
    /// message of its task and the task isn't canceled: a client that went on had its answer.
    pub remember: Option<RememberedMessage>,
    /// Work to queue in the same transaction (outbox).
    pub work: Vec<Work>,
    /// The time of the commit: the order in lists.
    pub now: DateTime<Utc>,
}

impl Change {
    /// A new status as of a time, and nothing else: one of `attempts` 0 whose lease stays.
    pub fn of_status(task_id: impl Into<String>, expect: Expect, status: TaskStatus, now: DateTime<Utc>) -> Self {
        Change {
            task_id: task_id.into(),
            expect,
            status,
            first_message_number: 0,
            messages: Vec::new(),
            chunks: Vec::new(),
            events: Arc::new([]),
            lease: LeaseChange::Keep,
            attempts: 0,
            cancel_requested: false,
            request_metadata: None,
            push_configs: Vec::new(),
            remember: None,
            work: Vec::new(),
            now,
        }
    }
}

/// See [`Change::remember`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedMessage {
    /// The `messageId`.
    pub message_id: String,
    /// SHA-256 of owner, agent and content in hexadecimal: the same id with other content is another message.
    pub fingerprint: String,
    /// What was remembered before this counts as forgotten: a retry counts for 24 h.
    pub forget_before: DateTime<Utc>,
}

/// A piece of an artifact with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct ArtifactChunk {
    /// Which artifact of the task, from 0.
    pub artifact_number: u32,
    /// Which chunk of it, from 0. A chunk 0 replaces the artifact and all chunks that it had.
    pub chunk_number: u32,
    /// Chunk 0 carries name, description, metadata and extensions; later ones add their parts and override those that they set.
    pub artifact: Artifact,
}

/// What must hold for a [`Change`].
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// There is no such task yet.
    New(NewTask),
    /// The task stands at this version.
    Version(u64),
}

/// What is fixed when a task is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// Who may see it.
    pub owner: String,
    /// Who runs it.
    pub agent: String,
    /// The conversation.
    pub context_id: String,
    /// The dialect that makes it.
    pub dialect: Dialect,
    /// Role of the caller.
    pub caller_role: String,
}

/// What a [`Change`] does to the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseChange {
    /// Held (or extended) by a runner until a time.
    Hold {
        /// Unique per run.
        runner: String,
        /// When others may take the task over.
        until: DateTime<Utc>,
    },
    /// Free.
    Release,
    /// As it was.
    Keep,
}

/// What came of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// It is durable.
    Done,
    /// The task has another version, or exists already; nothing was changed.
    Conflict,
    /// The owner sent that message before; nothing was changed.
    DuplicateMessage {
        /// The task that it went to.
        task_id: String,
    },
}

/// An event of a task with its place in the task's order, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct SequencedEvent {
    /// From 1, without gaps.
    pub sequence: u64,
    /// Never a `Message`.
    pub event: StreamResponse,
}

/// What a list selects (spec section 3.1.4). All given conditions must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskFilter {
    /// Only of this conversation.
    pub context_id: Option<String>,
    /// Only in this state.
    pub state: Option<TaskState>,
    /// Only with a status timestamp at or after this.
    pub status_timestamp_after: Option<DateTime<Utc>>,
    /// 1 to 100.
    pub page_size: u32,
    /// From [`TaskPage::next_page_token`]; one that this store didn't make is [`StoreError::BadPageToken`].
    pub page_token: Option<String>,
    /// Messages of each task.
    pub history_length: Option<u32>,
    /// Artifacts of each task.
    pub include_artifacts: bool,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskPage {
    /// At most `page_size`.
    pub tasks: Vec<StoredTask>,
    /// Empty on the last page.
    pub next_page_token: String,
    /// How many tasks the filter selects in all, exactly, without reading them.
    pub total_size: u64,
}

/// A webhook with what the protocol doesn't show.
#[derive(Debug, Clone, PartialEq)]
pub struct PushConfig {
    /// With `id` and `taskId` set.
    pub config: TaskPushNotificationConfig,
    /// The dialect that its bodies are in.
    pub dialect: Dialect,
    /// The sequence of the last event that was delivered.
    pub cursor: u64,
    /// When it was made: deliveries are tried for a day.
    pub created_at: DateTime<Utc>,
}

/// What can go wrong below.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Not one of this store's.
    #[error("the page token is not one of this list's")]
    BadPageToken,
    /// Away or overloaded: worth another try.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A bug or damaged data.
    #[error("the store failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
