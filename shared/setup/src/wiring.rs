//! Puts the backends that the settings name behind the engine's ports.

use std::sync::Arc;

use agents::Dependencies;
use anyhow::Context;
use edge::{App, EdgeSettings, SigningKey};
use engine::{
    Engine, EngineSettings, Ports,
    ports::{Clock, DocumentStore, SystemClock},
};
use guard::{Guard, GuardSettings, TokenKey};

use crate::{
    Settings, backends,
    settings::{SecuritySettings, Surroundings},
};

/// Everything that a function needs: opens the database and checks what can be checked.
pub async fn app(settings: Settings) -> anyhow::Result<Arc<App>> {
    #[cfg(feature = "fault-points")]
    let fault = settings.fault;
    let Settings { storage, security, serving, .. } = settings;
    let database = backends::database(&storage, serving.surroundings).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let dependencies = Dependencies { documents: database.documents.clone(), clock: clock.clone(), minimal_conformance: serving.conformance_minimal };
    let agents = agents::from_names(&serving.agents, &dependencies).context("A2A_AGENTS")?;
    let ports = Ports {
        tasks: database.tasks.clone(),
        events: backends::events(&storage, serving.surroundings).await?,
        queue: backends::queue(&storage, &database, clock.clone()),
        webhooks: Arc::new(webhook::ReqwestWebhookSender::new(security.push_allow_loopback)),
        clock,
        agents,
    };
    #[cfg(feature = "fault-points")]
    let ports = match fault {
        Some(fault) => crate::fault_points::armed(ports, fault),
        None => ports,
    };
    let engine = Engine::new(
        ports,
        EngineSettings {
            retention: storage.task_retention,
            outlives_response: serving.surroundings == Surroundings::Server,
            // Those who check signatures know this key, and must not be able to make tokens with it.
            webhook_key: security.secret_key.as_ref().map(|key| guard::derived_key(key, "webhook signatures").into()),
            ..EngineSettings::default()
        },
    );
    let signing_key = match &security.card_signing_key {
        Some(pem) => Some(SigningKey::from_pem(pem).context("A2A_CARD_SIGNING_KEY")?.known()),
        None => database.signing_key,
    };
    let edge = EdgeSettings {
        public_url: serving.public_url,
        base_path: serving.base_path,
        cors_origins: serving.cors_origins,
        default_card: serving.default_card,
        request_timeout: serving.request_timeout,
    };
    Ok(App::new(engine, guard(security)?, signing_key, edge))
}

/// The documents alone, for those who fill the corpus.
pub async fn documents(settings: &Settings) -> anyhow::Result<Arc<dyn DocumentStore>> {
    Ok(backends::database(&settings.storage, settings.serving.surroundings).await?.documents)
}

/// Brings the database to this version's form, as each start of a server does.
pub async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    backends::database(&settings.storage, Surroundings::Server).await?;
    Ok(())
}

fn guard(settings: SecuritySettings) -> anyhow::Result<Guard> {
    Ok(Guard::new(GuardSettings {
        authentication: settings.authentication,
        token_key: settings.secret_key.as_deref().map(TokenKey::new).transpose().context("A2A_SECRET_KEY")?,
        admin_api_key: settings.admin_api_key,
        system_api_key: settings.system_api_key,
    }))
}
