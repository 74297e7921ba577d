//! The engine: a world behind ports, and the numbers that it holds to. What it does stands in the files beside.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use protocol::{A2aError, types::TaskState};
use tokio_util::task::TaskTracker;

use crate::{
    CallContext,
    finished::FinishedTasks,
    ports::{Agent, AgentProfile, Clock, CredentialKeys, EventBus, Scope, StoreError, TaskStore, WebhookSender, WorkQueue},
    routing::{Candidate, no_such_tenant},
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
#[derive(Clone)]
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
    pub webhook_key: Option<WebhookKey>,
    /// Seal the credentials of webhooks in the store. `None`: they are stored as they came.
    pub credential_keys: Option<Arc<dyn CredentialKeys>>,
    /// Hears of each turn whose end is stored, once.
    pub on_turn_end: fn(&TurnEnd<'_>),
}

/// A turn of a task that is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TurnEnd<'a> {
    /// Whose it was.
    pub agent: &'a str,
    /// The state that the task was left in: terminal or interrupted.
    pub state: &'a TaskState,
    /// Since its message came, to the millisecond.
    pub took: Duration,
}

type BringKey = dyn Fn() -> BoxFuture<'static, Result<Arc<[u8]>, StoreError>> + Send + Sync;

/// A key that webhooks are signed with.
#[derive(Clone)]
pub enum WebhookKey {
    /// These bytes.
    Known(Arc<[u8]>),
    /// Brought when one is called, because it is kept elsewhere and may change there.
    Kept(Arc<BringKey>),
}

impl WebhookKey {
    pub(crate) async fn bring(&self) -> Result<Arc<[u8]>, StoreError> {
        match self {
            WebhookKey::Known(key) => Ok(key.clone()),
            WebhookKey::Kept(bring) => bring().await,
        }
    }
}

/// Never its bytes.
impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKey")
    }
}

impl Default for EngineSettings {
    fn default() -> Self {
        EngineSettings {
            lease: Duration::from_secs(15),
            max_attempts: 3,
            retention: Duration::from_secs(30 * 24 * 3600),
            outlives_response: true,
            webhook_key: None,
            credential_keys: None,
            on_turn_end: |_| {},
        }
    }
}

/// What A2A means, over some ports. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    ports: Ports,
    settings: EngineSettings,
    candidates: Vec<Candidate>,
    finished: FinishedTasks,
    runs: TaskTracker,
}

impl Engine {
    /// An engine over these ports. At least one agent is needed for it to answer anything.
    pub fn new(ports: Ports, settings: EngineSettings) -> Self {
        let candidates = ports.agents.iter().cloned().map(Candidate::new).collect();
        let finished = FinishedTasks::new(settings.retention);
        Engine { inner: Arc::new(Inner { ports, settings, candidates, finished, runs: TaskTracker::new() }) }
    }

    /// Waits until the runs that this process started inline are over. New ones may start meanwhile: stop calling first.
    pub async fn drain(&self) {
        self.inner.runs.close();
        self.inner.runs.wait().await;
        self.inner.runs.reopen();
    }

    /// What the agents say of themselves, the default one first.
    pub fn agents(&self) -> impl Iterator<Item = &AgentProfile> {
        self.inner.ports.agents.iter().map(|agent| agent.profile())
    }

    /// The profile of one agent.
    pub fn agent(&self, id: &str) -> Option<&AgentProfile> {
        self.agents().find(|profile| profile.id == id)
    }

    /// The world behind it, for health checks and administration.
    pub fn ports(&self) -> &Ports {
        &self.inner.ports
    }

    /// The numbers that it holds to.
    pub fn settings(&self) -> &EngineSettings {
        &self.inner.settings
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.inner.ports.clock.now()
    }

    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.inner.candidates
    }

    pub(crate) fn finished(&self) -> &FinishedTasks {
        &self.inner.finished
    }

    pub(crate) fn runs(&self) -> &TaskTracker {
        &self.inner.runs
    }

    /// The agents that a tenant stands for: that one, or all.
    pub(crate) fn agents_of<'a>(&'a self, tenant: Option<&'a str>) -> impl Iterator<Item = &'a AgentProfile> {
        self.agents().filter(move |profile| tenant.is_none_or(|tenant| profile.id == tenant))
    }

    /// Whose tasks a call may see.
    pub(crate) fn scope(&self, context: &CallContext) -> Result<Scope, A2aError> {
        match &context.tenant {
            Some(tenant) if self.agent(tenant).is_none() => Err(no_such_tenant(self.agents(), tenant)),
            tenant => Ok(Scope { owner: context.caller.owner.clone(), agent: tenant.clone() }),
        }
    }
}
