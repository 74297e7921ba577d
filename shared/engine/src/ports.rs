//! What the engine needs from the world, as traits that backends implement.

pub mod agent;
pub mod audit_log;
pub mod block_store;
pub mod clock;
pub mod credential_keys;
pub mod document_store;
pub mod event_bus;
pub mod key_store;
pub mod task_store;
pub mod webhook;
pub mod work_queue;

pub use agent::{Agent, AgentError, AgentProfile, Job, Update, skill};
pub use audit_log::{AuditCount, AuditFilter, AuditKind, AuditLevel, AuditLog, AuditOutcome, AuditPage, AuditPlace, AuditRecord, AuditSummary};
pub use block_store::{Block, BlockStore, Offender};
pub use clock::{Clock, SystemClock};
pub use credential_keys::CredentialKeys;
pub use document_store::{
    Corpus, CorpusStatistics, DocumentFilter, DocumentStore, NewDocument, NewPassage, Place, PlaceRange, Posting, PostingBlock, PutSummary,
    StoredDocument, StoredPassage, TermCount,
};
pub use event_bus::{EventBus, Signal};
pub use key_store::{ApiKey, KeyStore};
pub use task_store::{
    ArtifactChunk, Change, Committed, Expect, LeaseChange, NewTask, PushConfig, RememberedMessage, Scope, SequencedEvent, StoreError, StoredTask,
    TaskFilter, TaskPage, TaskStore, View,
};
pub use webhook::{WebhookError, WebhookRequest, WebhookSender};
pub use work_queue::{Delivery, HandedOver, QueueName, ReadyPost, Work, WorkQueue};
