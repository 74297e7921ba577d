//! Opens the backends that the settings name.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result, anyhow};
use edge::SigningKeySource;
use engine::ports::{AuditLog, BlockStore, Clock, DocumentStore, EventBus, KeyStore, SystemClock, TaskStore, WebhookSender, WorkQueue};
use events::{InProcessEventBus, RedisEventBus, RedisLink};
use guard::{SharedBlocks, SharedQuotas};
use limits::RedisQuotas;
use store::{
    DynamoDbDatabase, DynamoDbDocumentStore, DynamoDbTaskStore, JobRows, PoolSettings, PostgresDatabase, PostgresDocumentStore, PostgresTaskStore,
};

use crate::{
    aws::AwsConfig,
    corpus,
    credential_keys::{self, KeptSecret},
    file_database::{self, FileDatabase},
    settings::{CorpusFile, DatabaseUrl, QueueUrls, StorageSettings, Surroundings},
    signing_key,
};

/// A database that is open, or can be.
pub(crate) enum Database {
    /// A file, and that of the key beside it.
    Sqlite(Box<dyn FileDatabase>, PathBuf),
    /// A server; nobody has connected yet.
    Postgres(PostgresDatabase),
    /// A table, and where the documents of everyone are if not there; nobody has asked for either yet.
    DynamoDb(DynamoDbDatabase, Option<CorpusFile>, AwsConfig),
}

impl Database {
    pub(crate) fn tasks(&self) -> Arc<dyn TaskStore> {
        match self {
            Database::Sqlite(database, _) => database.tasks(),
            Database::Postgres(database) => Arc::new(PostgresTaskStore::new(database.clone())),
            Database::DynamoDb(database, _, _) => Arc::new(DynamoDbTaskStore::new(database.clone())),
        }
    }

    /// Whether the first request has to go over the network.
    pub(crate) fn is_elsewhere(&self) -> bool {
        !matches!(self, Database::Sqlite(..))
    }

    /// Whether a server may hold connections of this process.
    pub(crate) fn is_connected_to(&self) -> bool {
        matches!(self, Database::Postgres(_))
    }

    /// An event begins, before which this process may have been frozen.
    pub(crate) fn begin_event(&self) {
        if let Database::Postgres(database) = self {
            database.begin_event();
        }
    }

    /// Ends the connections, so that the server needn't find out that nobody is there.
    pub(crate) async fn close(&self) {
        if let Database::Postgres(database) = self {
            database.close().await;
        }
    }

    pub(crate) fn documents(&self) -> Result<Arc<dyn DocumentStore>> {
        Ok(match self {
            Database::Sqlite(database, _) => database.documents(),
            Database::Postgres(database) => Arc::new(PostgresDocumentStore::new(database.clone())),
            Database::DynamoDb(database, corpus, aws) => {
                let corpus = corpus.as_ref().map(|file| corpus::opens(file, *aws)).transpose()?;
                Arc::new(DynamoDbDocumentStore::new(database.clone(), corpus))
            }
        })
    }

    /// API keys.
    pub(crate) fn keys(&self) -> Arc<dyn KeyStore> {
        match self {
            Database::Sqlite(database, _) => database.keys(),
            Database::Postgres(database) => Arc::new(database.clone()),
            Database::DynamoDb(database, _, _) => Arc::new(database.clone()),
        }
    }

    /// Addresses that guess credentials.
    pub(crate) fn blocks(&self) -> Arc<dyn BlockStore> {
        match self {
            Database::Sqlite(database, _) => database.blocks(),
            Database::Postgres(database) => Arc::new(database.clone()),
            Database::DynamoDb(database, _, _) => Arc::new(database.clone()),
        }
    }

    /// What happened that bears on security.
    pub(crate) fn audit(&self) -> Arc<dyn AuditLog> {
        match self {
            Database::Sqlite(database, _) => database.audit_log(),
            Database::Postgres(database) => Arc::new(database.clone()),
            Database::DynamoDb(database, _, _) => Arc::new(database.clone()),
        }
    }

    /// Background work: the outbox of the tasks' commits.
    fn jobs(&self) -> Arc<dyn JobRows> {
        match self {
            Database::Sqlite(database, _) => database.jobs(),
            Database::Postgres(database) => Arc::new(database.clone()),
            Database::DynamoDb(database, _, _) => Arc::new(database.clone()),
        }
    }

    /// What credentials of webhooks are sealed with where the operator has set no key; the same for all who share the database. Beside a file it is
    /// out of reach of who gets the file alone; in the others of who gets the rows of webhooks alone.
    pub(crate) fn credentials_secret(&self) -> KeptSecret {
        match self {
            Database::Sqlite(_, key) => credential_keys::beside(key.with_file_name("credentials-key")),
            Database::Postgres(database) => credential_keys::shared(database.clone()),
            Database::DynamoDb(database, _, _) => credential_keys::shared(database.clone()),
        }
    }

    /// Signs agent cards; the same for all who share the database.
    pub(crate) fn signing_key(&self) -> SigningKeySource {
        match self {
            Database::Sqlite(_, key) => signing_key::beside(key.clone()),
            Database::Postgres(database) => signing_key::shared(database.clone()),
            Database::DynamoDb(database, _, _) => signing_key::shared(database.clone()),
        }
    }
}

/// Opens the database. A server then brings it up to date; a Lambda, of which many start at a time, doesn't even look at one that is elsewhere.
pub(crate) fn database(settings: &StorageSettings, surroundings: Surroundings, aws: AwsConfig) -> Result<Database> {
    Ok(match &settings.database {
        DatabaseUrl::Sqlite(path) => Database::Sqlite(file_database::open(path)?, path.with_file_name("agent-card-key.pem")),
        DatabaseUrl::Postgres(url) => {
            Database::Postgres(postgres(&url.0, settings.database_connections, surroundings, aws).context("A2A_DATABASE_URL")?)
        }
        DatabaseUrl::DynamoDb { table } => Database::DynamoDb(DynamoDbDatabase::new(table.as_str(), aws), settings.corpus.clone(), aws),
    })
}

/// Brings the database up to date, as far as opening it hasn't.
pub(crate) async fn migrate(database: &Database, settings: &StorageSettings) -> Result<()> {
    match (database, &settings.database) {
        (Database::Postgres(database), _) => database.migrate().await.context("the database of A2A_DATABASE_URL"),
        (Database::DynamoDb(database, _, _), DatabaseUrl::DynamoDb { table }) => {
            database.create_table().await.with_context(|| format!("the table `{table}` (A2A_DATABASE_URL)"))
        }
        (Database::Sqlite(_, key), _) => signing_key::load(key).map(drop),
        (Database::DynamoDb(..), _) => Ok(()),
    }
}

/// What processes share by Redis, where there is one. Of traits alone, so that who shares nothing needn't link it.
pub(crate) struct Shared {
    /// How signals travel.
    pub(crate) events: Arc<dyn EventBus>,
    /// How often who asked; `None`: each process counts for itself.
    pub(crate) quotas: Option<Arc<dyn SharedQuotas>>,
    /// Who is blocked; `None`: the database says it.
    pub(crate) blocks: Option<Arc<dyn SharedBlocks>>,
}

/// Nothing: for who neither tells nor hears anything of other processes.
pub(crate) fn alone(_: &StorageSettings, _: Surroundings) -> Result<Shared> {
    Ok(Shared { events: Arc::new(InProcessEventBus::new()), quotas: None, blocks: None })
}

/// What is known of callers: for who neither sends signals nor hears any.
pub(crate) fn callers(settings: &StorageSettings, surroundings: Surroundings) -> Result<Shared> {
    let alone = alone(settings, surroundings)?;
    Ok(match redis(settings)? {
        Some(link) => with_quotas(alone.events, link, settings),
        None => alone,
    })
}

/// All of it.
pub(crate) fn together(settings: &StorageSettings, surroundings: Surroundings) -> Result<Shared> {
    match redis(settings)? {
        Some(link) => {
            let events = RedisEventBus::over(link.clone(), surroundings == Surroundings::Server);
            Ok(with_quotas(Arc::new(events), link, settings))
        }
        None => alone(settings, surroundings),
    }
}

fn redis(settings: &StorageSettings) -> Result<Option<RedisLink>> {
    let Some(url) = &settings.redis else { return Ok(None) };
    RedisLink::open(&url.0, settings.redis_connections).map(Some).map_err(|error| anyhow!("A2A_REDIS_URL {error}"))
}

/// Counted together are all processes that share the database.
fn with_quotas(events: Arc<dyn EventBus>, link: RedisLink, settings: &StorageSettings) -> Shared {
    let namespace = match &settings.database {
        DatabaseUrl::Sqlite(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
        // Without credentials, which not all who share it need share.
        DatabaseUrl::Postgres(url) => url.0.rsplit('@').next().unwrap_or_default().to_owned(),
        DatabaseUrl::DynamoDb { table } => table.clone(),
    };
    let quotas = Arc::new(RedisQuotas::new(link, &namespace));
    Shared { events, quotas: Some(quotas.clone()), blocks: Some(quotas) }
}

/// How background work reaches workers.
pub(crate) fn queue(settings: &StorageSettings, database: &Database, aws: AwsConfig, clock: Arc<dyn Clock>) -> Arc<dyn WorkQueue> {
    match &settings.queue {
        None => rows(settings, database, aws, clock),
        Some(QueueUrls { run_task, deliver_push }) => {
            Arc::new(queue::SqsWorkQueue::new(aws, run_task.clone(), deliver_push.clone(), database.jobs(), clock))
        }
    }
}

/// Background work that waits in the database.
pub(crate) fn rows(_: &StorageSettings, database: &Database, _: AwsConfig, clock: Arc<dyn Clock>) -> Arc<dyn WorkQueue> {
    Arc::new(queue::RowsWorkQueue::new(database.jobs(), clock))
}

/// Calls webhooks; on this machine too where that is allowed.
pub(crate) fn calls(allow_loopback: bool) -> Arc<dyn WebhookSender> {
    Arc::new(webhook::ReqwestWebhookSender::new(allow_loopback))
}

/// Says which webhooks can be called, for who leaves that to others.
pub(crate) fn checks(allow_loopback: bool) -> Arc<dyn WebhookSender> {
    Arc::new(webhook::WebhookChecks::new(allow_loopback))
}

fn postgres(url: &str, connections: u32, surroundings: Surroundings, aws: AwsConfig) -> Result<PostgresDatabase> {
    let pool = match surroundings {
        Surroundings::Server => PoolSettings::of_a_server(connections),
        Surroundings::Lambda => PoolSettings::of_a_lambda(connections),
    };
    Ok(PostgresDatabase::open_with(url, pool, Arc::new(SystemClock), aws)?)
}
