//! The engine: one `call` for every operation.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::stream::BoxStream;
use protocol::{A2aError, Answer, Call, Dialect, types::StreamResponse};

use crate::{
    CallContext,
    ports::{Agent, Clock, EventBus, TaskStore, WebhookSender, WorkQueue},
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
}

impl Default for EngineSettings {
    fn default() -> Self {
        EngineSettings { lease: Duration::from_secs(15), max_attempts: 3, retention: Duration::from_secs(30 * 24 * 3600), outlives_response: true }
    }
}

/// What A2A means, over some ports. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    ports: Arc<Ports>,
    settings: Arc<EngineSettings>,
    _agents: Arc<BTreeMap<String, usize>>,
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
    /// An engine over these ports.
    pub fn new(ports: Ports, settings: EngineSettings) -> Self {
        Engine { ports: Arc::new(ports), settings: Arc::new(settings), _agents: Arc::default() }
    }

    /// Performs one operation.
    pub async fn call(&self, call: Call, context: CallContext) -> Result<Reply, A2aError> {
        let _ = (call, context, &self.ports, &self.settings);
        Err(A2aError::Internal)
    }
}
