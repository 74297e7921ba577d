//! Puts the backends that the settings name behind the engine's ports.

use std::sync::Arc;

use anyhow::Context;
use edge::{App, Audit, EdgeSettings, SigningKey};
use engine::{
    Engine, EngineSettings, Ports,
    ports::{Clock, DocumentStore, SystemClock},
};
use guard::{Blocks, KeyRing, Limits};

use crate::{
    Parts, Settings,
    backends::{self, Database, Shared},
    credential_keys::KnownCredentialKeys,
    measured::{MeasuredTaskStore, MeasuredWebhookSender},
    secrets,
    settings::Surroundings,
};

/// Everything that a server needs: opens the database, brings it up to date (but for one in a Lambda) and checks what can be checked.
pub async fn app(settings: Settings) -> anyhow::Result<Arc<App>> {
    let surroundings = settings.serving.surroundings;
    let database = backends::database(&settings.storage, surroundings, Parts::ALL.aws)?;
    if surroundings == Surroundings::Server {
        backends::migrate(&database, &settings.storage).await?;
    }
    wired(settings, &Parts::ALL, &database)
}

/// What a function needs that is made of these parts. Connects to nothing.
pub(crate) fn app_of(settings: Settings, parts: &Parts) -> anyhow::Result<(Arc<App>, Database)> {
    let database = backends::database(&settings.storage, settings.serving.surroundings, parts.aws)?;
    Ok((wired(settings, parts, &database)?, database))
}

fn wired(settings: Settings, parts: &Parts, database: &Database) -> anyhow::Result<Arc<App>> {
    #[cfg(feature = "fault-points")]
    let fault = settings.fault;
    let Settings { storage, security, serving, .. } = settings;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (guard, webhook_key) = secrets::guard(&security, KeyRing::new(database.keys()), parts.aws, clock.clone())?;
    let credential_keys = KnownCredentialKeys::new(&security, database.credentials_secret(), parts.aws, clock.clone());
    let Shared { events, quotas, blocks } = (parts.shared)(&storage, serving.surroundings)?;
    let ports = Ports {
        tasks: Arc::new(MeasuredTaskStore::new(database.tasks())),
        events,
        queue: (parts.queue)(&storage, database, parts.aws, clock.clone()),
        webhooks: Arc::new(MeasuredWebhookSender::new((parts.webhooks)(security.push_allow_loopback))),
        agents: (parts.agents)(database, &serving, clock.clone())?,
        clock,
    };
    #[cfg(feature = "fault-points")]
    let ports = match fault {
        Some(fault) => crate::fault_points::armed(ports, fault),
        None => ports,
    };
    let audit = Audit::new(database.audit(), ports.clock.clone());
    let engine = Engine::new(
        ports,
        EngineSettings {
            retention: storage.task_retention,
            outlives_response: serving.surroundings == Surroundings::Server,
            webhook_key,
            credential_keys: Some(Arc::new(credential_keys)),
            on_turn_end: edge::turn_end,
            ..EngineSettings::default()
        },
    );
    let signing_key = match &security.card_signing_key {
        Some(pem) => Some(SigningKey::from_pem(pem).context("A2A_CARD_SIGNING_KEY")?.known()),
        None => Some(database.signing_key()),
    };
    let edge = EdgeSettings {
        public_url: serving.public_url,
        base_path: serving.base_path,
        cors_origins: serving.cors_origins,
        default_card: serving.default_card,
        request_timeout: serving.request_timeout,
        require_https: serving.require_https,
        audit_retention: storage.audit_retention,
        threats: security.threats,
        data_directory: storage.directory(),
    };
    let blocks = Blocks::new(database.blocks(), blocks, security.block_after);
    let limits = Limits::new(security.limits, quotas);
    Ok(App::new(engine, guard, (blocks, limits), signing_key, audit, edge, parts.answers))
}

/// The documents alone, for those who fill the corpus.
pub async fn documents(settings: &Settings) -> anyhow::Result<Arc<dyn DocumentStore>> {
    let database = backends::database(&settings.storage, settings.serving.surroundings, Parts::ALL.aws)?;
    backends::migrate(&database, &settings.storage).await?;
    database.documents()
}

/// The API keys alone, for those who make and revoke them, and the audit log, where that is written down.
pub async fn keys(settings: &Settings) -> anyhow::Result<(KeyRing, Audit)> {
    let database = backends::database(&settings.storage, settings.serving.surroundings, Parts::ALL.aws)?;
    backends::migrate(&database, &settings.storage).await?;
    Ok((KeyRing::new(database.keys()), Audit::new(database.audit(), Arc::new(SystemClock))))
}

/// The blocked addresses alone, for those who lift blocks, and the audit log, where that is written down.
pub async fn blocks(settings: &Settings) -> anyhow::Result<(Blocks, Audit)> {
    let database = backends::database(&settings.storage, settings.serving.surroundings, Parts::ALL.aws)?;
    backends::migrate(&database, &settings.storage).await?;
    let shared = backends::callers(&settings.storage, settings.serving.surroundings)?;
    let blocks = Blocks::new(database.blocks(), shared.blocks, settings.security.block_after);
    Ok((blocks, Audit::new(database.audit(), Arc::new(SystemClock))))
}

/// Brings the database to this version's form, as each start of a server does.
pub async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    let database = backends::database(&settings.storage, Surroundings::Server, Parts::ALL.aws)?;
    backends::migrate(&database, &settings.storage).await
}
