//! Opens the backends that the settings name.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, anyhow};
use edge::SigningKeySource;
use engine::ports::{Clock, DocumentStore, EventBus, SystemClock, TaskStore, WorkQueue};
use events::{InProcessEventBus, RedisEventBus, RedisSettings};
use store::{
    DynamoDbDatabase, DynamoDbDocumentStore, DynamoDbTaskStore, JobRows, PoolSettings, PostgresDatabase, PostgresDocumentStore, PostgresTaskStore,
    SqliteDatabase, SqliteDocumentStore, SqliteTaskStore,
};

use crate::{
    aws, corpus,
    settings::{DatabaseUrl, QueueUrls, StorageSettings, Surroundings},
    signing_key,
};

/// What one database keeps.
pub(crate) struct Database {
    pub(crate) tasks: Arc<dyn TaskStore>,
    pub(crate) documents: Arc<dyn DocumentStore>,
    /// Background work: the outbox of the tasks' commits.
    jobs: Arc<dyn JobRows>,
    /// Signs agent cards; the same for all who share the database.
    pub(crate) signing_key: Option<SigningKeySource>,
}

/// Opens the database. A server brings it up to date; a Lambda, of which many start at a time, doesn't even look at one that is elsewhere.
pub(crate) async fn database(settings: &StorageSettings, surroundings: Surroundings) -> Result<Database> {
    match &settings.database {
        DatabaseUrl::Sqlite(path) => {
            let database = sqlite(path)?;
            Ok(Database {
                tasks: Arc::new(SqliteTaskStore::new(database.clone())),
                documents: Arc::new(SqliteDocumentStore::new(database.clone())),
                jobs: Arc::new(database),
                signing_key: Some(signing_key::load(&path.with_file_name("agent-card-key.pem"))?.known()),
            })
        }
        DatabaseUrl::Postgres(url) => {
            let database = postgres(&url.0, settings.database_connections, surroundings).context("A2A_DATABASE_URL")?;
            if surroundings == Surroundings::Server {
                database.migrate().await.context("the database of A2A_DATABASE_URL")?;
            }
            Ok(Database {
                tasks: Arc::new(PostgresTaskStore::new(database.clone())),
                documents: Arc::new(PostgresDocumentStore::new(database.clone())),
                jobs: Arc::new(database.clone()),
                signing_key: Some(signing_key::shared(database)),
            })
        }
        DatabaseUrl::DynamoDb { table } => {
            let database = DynamoDbDatabase::new(table.as_str(), aws::config);
            if surroundings == Surroundings::Server {
                database.create_table().await.with_context(|| format!("the table `{table}` (A2A_DATABASE_URL)"))?;
            }
            let corpus = settings.corpus.as_ref().map(corpus::opens).transpose()?;
            Ok(Database {
                tasks: Arc::new(DynamoDbTaskStore::new(database.clone())),
                documents: Arc::new(DynamoDbDocumentStore::new(database.clone(), corpus)),
                jobs: Arc::new(database.clone()),
                signing_key: Some(signing_key::shared(database)),
            })
        }
    }
}

/// How signals travel.
pub(crate) async fn events(settings: &StorageSettings, surroundings: Surroundings) -> Result<Arc<dyn EventBus>> {
    match &settings.redis {
        None => Ok(Arc::new(InProcessEventBus::new())),
        Some(url) => {
            let outlives_response = surroundings == Surroundings::Server;
            let redis = RedisSettings { url: &url.0, max_connections: settings.redis_connections, outlives_response };
            Ok(Arc::new(RedisEventBus::new(redis).map_err(|error| anyhow!("A2A_REDIS_URL {error}"))?))
        }
    }
}

/// How background work reaches workers.
pub(crate) fn queue(settings: &StorageSettings, database: &Database, clock: Arc<dyn Clock>) -> Arc<dyn WorkQueue> {
    match &settings.queue {
        None => Arc::new(queue::RowsWorkQueue::new(database.jobs.clone(), clock)),
        Some(QueueUrls { run_task, deliver_push }) => {
            Arc::new(queue::SqsWorkQueue::new(aws::config, run_task.clone(), deliver_push.clone(), database.jobs.clone(), clock))
        }
    }
}

fn postgres(url: &str, connections: u32, surroundings: Surroundings) -> Result<PostgresDatabase> {
    let pool = match surroundings {
        Surroundings::Server => PoolSettings::of_a_server(connections),
        Surroundings::Lambda => PoolSettings::of_a_lambda(connections),
    };
    Ok(PostgresDatabase::open_with(url, pool, Arc::new(SystemClock), aws::config)?)
}

fn sqlite(path: &Path) -> Result<SqliteDatabase> {
    SqliteDatabase::open(path).with_context(|| format!("the database `{}` (A2A_DATABASE_URL)", path.display()))
}
