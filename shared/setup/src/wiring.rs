//! Puts the backends that the settings name behind the engine's ports.

use std::{path::Path, sync::Arc};

use agents::Dependencies;
use anyhow::Context;
use edge::{App, EdgeSettings};
use engine::{
    Engine, EngineSettings, Ports,
    ports::{Clock, DocumentStore, SystemClock},
};
use guard::{Guard, GuardSettings, TokenKey};
use store::{SqliteDatabase, SqliteDocumentStore};

use crate::{
    Settings,
    settings::{DatabaseUrl, SecuritySettings, Surroundings},
    signing_key,
};

/// Everything that a function needs: opens the database, which brings it up to date, and checks what can be checked.
pub async fn app(settings: Settings) -> anyhow::Result<Arc<App>> {
    let Settings { storage, security, serving, .. } = settings;
    let DatabaseUrl::Sqlite(path) = &storage.database;
    let database = open(path)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let dependencies =
        Dependencies { documents: documents_in(database.clone()), clock: clock.clone(), minimal_conformance: serving.conformance_minimal };
    let agents = agents::from_names(&serving.agents, &dependencies).context("A2A_AGENTS")?;
    let ports = Ports {
        tasks: Arc::new(store::SqliteTaskStore::new(database.clone())),
        events: Arc::new(events::InProcessEventBus::new()),
        queue: Arc::new(queue::RowsWorkQueue::new(database, clock.clone())),
        webhooks: Arc::new(webhook::ReqwestWebhookSender::new(security.push_allow_loopback)),
        clock,
        agents,
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
    let signing_key = signing_key::load(&path.with_file_name("agent-card-key.pem"))?;
    let edge = EdgeSettings {
        public_url: serving.public_url,
        base_path: serving.base_path,
        cors_origins: serving.cors_origins,
        default_card: serving.default_card,
        request_timeout: serving.request_timeout,
    };
    Ok(App::new(engine, guard(security)?, Some(signing_key), edge))
}

/// The documents alone, for those who fill the corpus.
pub async fn documents(settings: &Settings) -> anyhow::Result<Arc<dyn DocumentStore>> {
    let DatabaseUrl::Sqlite(path) = &settings.storage.database;
    Ok(documents_in(open(path)?))
}

fn documents_in(database: SqliteDatabase) -> Arc<dyn DocumentStore> {
    Arc::new(SqliteDocumentStore::new(database))
}

fn open(path: &Path) -> anyhow::Result<SqliteDatabase> {
    SqliteDatabase::open(path).with_context(|| format!("the database `{}` (A2A_DATABASE_URL)", path.display()))
}

fn guard(settings: SecuritySettings) -> anyhow::Result<Guard> {
    Ok(Guard::new(GuardSettings {
        authentication: settings.authentication,
        token_key: settings.secret_key.as_deref().map(TokenKey::new).transpose().context("A2A_SECRET_KEY")?,
        admin_api_key: settings.admin_api_key,
        system_api_key: settings.system_api_key,
    }))
}
