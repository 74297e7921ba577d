//! Everything that a function needs, wired up once for each process.

use std::{path::PathBuf, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use engine::{Engine, Ports};
use guard::{
    Blocks, Guard, Limits,
    threats::{CleanValues, Policy},
};
use http::HeaderValue;

use crate::{
    Answers, Audit,
    cards::{Cards, DefaultCard},
    health::LatestReport,
    signing::SigningKeySource,
};

/// The world of a function. Built by `setup`.
pub struct App {
    /// Performs the operations.
    pub engine: Engine,
    /// What the engine stands on, for health, administration and the gateway's workers.
    pub ports: Ports,
    /// How the edge behaves.
    pub settings: EdgeSettings,
    /// Remembers what bears on security.
    pub audit: Audit,
    pub(crate) answers: Answers,
    pub(crate) guard: Guard,
    pub(crate) blocks: Blocks,
    pub(crate) limits: Limits,
    pub(crate) clean_headers: CleanValues,
    pub(crate) cards: Cards,
    pub(crate) cors_origins: Vec<HeaderValue>,
    pub(crate) started: DateTime<Utc>,
    pub(crate) health: LatestReport,
}

/// What operators choose about the edge.
#[derive(Debug, Clone, Default)]
pub struct EdgeSettings {
    /// Written into the agent cards, without a trailing slash; `None` for each request's own origin.
    pub public_url: Option<String>,
    /// A prefix such as `/a2a` under which everything answers as well.
    pub base_path: Option<String>,
    /// Origins of browsers that may read answers, exactly as they send them.
    pub cors_origins: Vec<String>,
    /// The card for a client that names no version.
    pub default_card: DefaultCard,
    /// Whether requests that didn't come by HTTPS are refused, but for those of this machine.
    pub require_https: bool,
    /// How long a blocking call may take.
    pub request_timeout: Duration,
    /// How long audit records are kept.
    pub audit_retention: Duration,
    /// Where data is kept on this machine, whose disk may fill; `None` where it is elsewhere.
    pub data_directory: Option<PathBuf>,
    /// What is done about attacks in requests.
    pub threats: Policy,
}

impl App {
    /// An app over these, which answers so. Without a key the agent cards are not signed.
    pub fn new(
        engine: Engine,
        guard: Guard,
        (blocks, limits): (Blocks, Limits),
        signing_key: Option<SigningKeySource>,
        audit: Audit,
        settings: EdgeSettings,
        answers: Answers,
    ) -> Arc<Self> {
        let ports = engine.ports().clone();
        let started = ports.clock.now();
        let cards = Cards::new(engine.agents().cloned().collect(), &guard, settings.default_card, signing_key, started);
        let cors_origins = settings.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
        Arc::new(App {
            engine,
            ports,
            settings,
            audit,
            answers,
            guard,
            blocks,
            limits,
            clean_headers: CleanValues::default(),
            cards,
            cors_origins,
            started,
            health: LatestReport::default(),
        })
    }

    /// Has the key for agent cards brought, so that the first card needn't wait for it. Where that fails, the first card tries again.
    pub async fn fetch_signing_key(&self) {
        self.cards.fetch_signing_key().await;
    }
}
