//! What a process is made of. A function names the parts that its requests need; the linker leaves the others out of its binary.

use std::sync::Arc;

use anyhow::{Context, Result};
use edge::{Answers, App};
use engine::ports::{Agent, Clock, WebhookSender, WorkQueue};
use futures::{FutureExt, future::BoxFuture};

use crate::{
    aws::{self, AwsConfig},
    backends::{self, Database, Shared},
    settings::{ServingSettings, StorageSettings, Surroundings},
};

type MakeAgents = fn(&Database, &ServingSettings, Arc<dyn Clock>) -> Result<Vec<Arc<dyn Agent>>>;
type MakeQueue = fn(&StorageSettings, &Database, AwsConfig, Arc<dyn Clock>) -> Arc<dyn WorkQueue>;

/// How each part is made. Constants of pointers, because what no constant in use points to isn't linked.
#[derive(Clone, Copy)]
pub struct Parts {
    pub(crate) answers: Answers,
    pub(crate) aws: AwsConfig,
    pub(crate) agents: MakeAgents,
    pub(crate) shared: fn(&StorageSettings, Surroundings) -> Result<Shared>,
    pub(crate) queue: MakeQueue,
    pub(crate) webhooks: fn(bool) -> Arc<dyn WebhookSender>,
    /// Fetches what the first request would wait for.
    pub(crate) warm_up: for<'a> fn(&'a App) -> BoxFuture<'a, ()>,
}

impl Parts {
    /// Shows what agents say of themselves, signed. Counts callers for itself, because nothing that many may read is worth a way to Redis.
    pub const CARDS: Parts = Parts {
        answers: Answers::CARDS,
        aws: aws::config_of_a_lambda,
        agents: known_agents,
        shared: backends::alone,
        queue: backends::rows,
        webhooks: backends::checks,
        warm_up: |app| app.fetch_signing_key().boxed(),
    };
    /// Shows them to who may see more, and counts callers with all others.
    pub const CALLERS_CARDS: Parts = Parts { answers: Answers::LOOKUPS, shared: backends::callers, ..Parts::CARDS };
    /// Reads tasks and their configs.
    pub const READS: Parts = Parts { warm_up: |app| connect(app).boxed(), ..Parts::CALLERS_CARDS };
    /// Lists agents.
    pub const AGENTS: Parts = Parts { answers: Answers::AGENTS, ..Parts::READS };
    /// And hears of what happens to a task elsewhere.
    pub const FOLLOWS: Parts = Parts { answers: Answers::CALLS, shared: backends::together, ..Parts::READS };
    /// And changes tasks, which may leave work to others.
    pub const CHANGES: Parts = Parts { queue: backends::queue, ..Parts::FOLLOWS };
    /// Says how the server is.
    pub const HEALTH: Parts = Parts { answers: Answers::HEALTH, ..Parts::CHANGES };
    /// Is for admins.
    pub const ADMIN: Parts = Parts { answers: Answers::ADMIN, ..Parts::CHANGES };
    /// Changes tasks on a schedule.
    pub const SWEEPS: Parts = Parts { answers: Answers::NONE, ..Parts::CHANGES };
    /// Takes work from a queue, and calls webhooks.
    pub const DELIVERS: Parts = Parts { webhooks: backends::calls, ..Parts::SWEEPS };
    /// Changes tasks, and runs agents.
    pub const RUNS: Parts = Parts { agents: running_agents, ..Parts::CHANGES };
    /// Takes work from a queue, and runs agents.
    pub const WORKS: Parts = Parts { agents: running_agents, ..Parts::SWEEPS };
    /// All there is, for a process that isn't a function.
    pub const ALL: Parts = Parts { answers: Answers::ALL, aws: aws::config, webhooks: backends::calls, ..Parts::RUNS };
}

/// Whether it succeeds, the first request sees for itself.
async fn connect(app: &App) {
    let _ = app.ports.tasks.ping().await;
}

fn known_agents(_: &Database, serving: &ServingSettings, _: Arc<dyn Clock>) -> Result<Vec<Arc<dyn Agent>>> {
    agents::known_by_names(&serving.agents, serving.conformance_minimal).context("A2A_AGENTS")
}

fn running_agents(database: &Database, serving: &ServingSettings, clock: Arc<dyn Clock>) -> Result<Vec<Arc<dyn Agent>>> {
    let dependencies = agents::Dependencies { documents: database.documents()?, clock, minimal_conformance: serving.conformance_minimal };
    agents::from_names(&serving.agents, &dependencies).context("A2A_AGENTS")
}
