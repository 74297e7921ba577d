//! Everything that a function needs, wired up once for each process.

use std::{sync::Arc, time::Duration};

use engine::{Engine, Ports};

/// The world of a function. Built by `setup`.
pub struct App {
    /// Performs the operations.
    pub engine: Engine,
    /// What the engine stands on, for health, administration and the gateway's workers.
    pub ports: Ports,
    /// How the edge behaves.
    pub settings: EdgeSettings,
}

/// What operators choose about the edge.
#[derive(Debug, Clone)]
pub struct EdgeSettings {
    /// Written into the agent cards, without a trailing slash; `None` for each request's own origin.
    pub public_url: Option<String>,
    /// A prefix such as `/a2a` under which everything answers as well.
    pub base_path: Option<String>,
    /// Origins of browsers that may read answers, exactly as they send them.
    pub cors_origins: Vec<String>,
    /// How long a blocking call may take.
    pub request_timeout: Duration,
}

impl App {
    /// An app over these.
    pub fn new(engine: Engine, ports: Ports, settings: EdgeSettings) -> Arc<Self> {
        Arc::new(App { engine, ports, settings })
    }
}
