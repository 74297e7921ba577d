//! The engine: one `call` for every operation.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use protocol::{A2aError, Answer, Call, Dialect, types::StreamResponse};

use crate::{
    CallContext,
    ports::{Agent, AgentProfile, Clock, Delivery, EventBus, StoreError, TaskStore, WebhookSender, WorkQueue},
};

/// The world, as the engine sees it.
#[derive(Clone)]
#[allow(missing_docs, reason = "each is named after its port")]
pub struct Ports {
    pub tasks: Arc<dyn TaskStore>,
    pub events: Arc<dyn EventBus>,
    pub queue: Arc<dyn WorkQueue>,
    pub webhooks: Arc<dyn WebhookSender>,
    pub clock: Arc<dyn Clock>,
    /// By id, which is the tenant. The first is the default for what names no skill and shows no intent.
    pub agents: Vec<Arc<dyn Agent>>,
}

/// Numbers that the engine holds to.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// How long a runner may be silent before others take its task over.
    pub lease: Duration,
    /// How often a turn is started before its task fails.
    pub max_attempts: u32,
    /// How long finished tasks are kept.
    pub retention: Duration,
    /// Whether work may go on after a response (the gateway) or the process is frozen then (Lambda).
    pub outlives_response: bool,
    /// Signs webhooks: `X-A2A-Signature: t=<Unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>" in hexadecimal>`. `None`: unsigned.
    pub webhook_key: Option<Arc<[u8]>>,
}

impl Default for EngineSettings {
    fn default() -> Self {
        EngineSettings {
            lease: Duration::from_secs(15),
            max_attempts: 3,
            retention: Duration::from_secs(30 * 24 * 3600),
            outlives_response: true,
            webhook_key: None,
        }
    }
}

/// What A2A means, over some ports. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    ports: Arc<Ports>,
    settings: Arc<EngineSettings>,
}

/// What came of a call.
pub enum Reply {
    /// One answer.
    Answer {
        /// The answer.
        answer: Answer,
        /// The dialect that made the task that the answer shows; the call's own where there is none.
        dialect: Dialect,
    },
    /// Events until the task ends or is interrupted.
    Stream {
        /// In order. An `Err` is the last item.
        events: BoxStream<'static, Result<StreamItem, A2aError>>,
        /// The dialect that made the task.
        dialect: Dialect,
    },
    /// The caller may have the extended card of this agent, or of all (`None`, the default tenant): the edge assembles cards.
    ExtendedAgentCard {
        /// The agent's id.
        agent: Option<String>,
    },
}

/// What came of a piece of queued work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkOutcome {
    /// Done, or nothing left to do.
    Done,
    /// Worth another try after a while.
    Retry {
        /// How long to wait.
        delay: Duration,
    },
    /// It will never succeed.
    Park {
        /// Why, for the dead letters.
        reason: String,
    },
}

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Tasks whose runner was lost and that run again.
    pub requeued: u64,
    /// Tasks whose runner was lost too often.
    pub failed: u64,
    /// Finished tasks past their retention.
    pub deleted: u64,
    /// When the next runner would count as lost; `None` where no task runs.
    pub next_lease_expiry: Option<DateTime<Utc>>,
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamItem {
    /// For `Last-Event-ID`; `None` for a direct message. The first Task carries that of the last event it includes.
    pub sequence: Option<u64>,
    /// What to tell.
    pub event: StreamResponse,
}

impl Engine {
    /// An engine over these ports. At least one agent is needed for it to answer anything.
    pub fn new(ports: Ports, settings: EngineSettings) -> Self {
        Engine { ports: Arc::new(ports), settings: Arc::new(settings) }
    }

    /// Performs one operation.
    pub async fn call(&self, call: Call, context: CallContext) -> Result<Reply, A2aError> {
        let _ = (call, context, &self.ports, &self.settings);
        Err(A2aError::Internal)
    }

    /// Does a piece of queued work, then completes, retries or parks it on the queue that it came from; says which.
    pub async fn work(&self, delivery: &Delivery) -> Result<WorkOutcome, StoreError> {
        let _ = delivery;
        Ok(WorkOutcome::Done)
    }

    /// Runs the present turn of a task, if it waits for a runner.
    pub async fn run_task(&self, task_id: &str) -> Result<WorkOutcome, StoreError> {
        let _ = task_id;
        Ok(WorkOutcome::Done)
    }

    /// Delivers to a webhook what it hasn't had. `queued_at` says since when that is tried.
    pub async fn deliver_push(&self, task_id: &str, config_id: &str, queued_at: DateTime<Utc>) -> Result<WorkOutcome, StoreError> {
        let _ = (task_id, config_id, queued_at);
        Ok(WorkOutcome::Done)
    }

    /// Puts right what lost processes left behind; safe to run by many at once.
    pub async fn sweep(&self) -> Result<SweepReport, StoreError> {
        Ok(SweepReport::default())
    }

    /// Waits until the runs that this process started inline are over. New ones may start meanwhile: stop calling first.
    pub async fn drain(&self) {}

    /// What the agents say of themselves, the default one first.
    pub fn agents(&self) -> impl Iterator<Item = &AgentProfile> {
        self.ports.agents.iter().map(|agent| agent.profile())
    }

    /// The profile of one agent.
    pub fn agent(&self, id: &str) -> Option<&AgentProfile> {
        self.agents().find(|profile| profile.id == id)
    }

    /// The world behind it, for health checks and administration.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The numbers that it holds to.
    pub fn settings(&self) -> &EngineSettings {
        &self.settings
    }
}
