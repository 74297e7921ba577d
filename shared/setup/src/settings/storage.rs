//! Where tasks, documents and queued work are kept, how signals travel between processes, and for how long things are kept.

use std::{fmt, path::PathBuf, time::Duration};

use super::{
    serving::Surroundings,
    vars::{SettingError, Vars, masked_url, wrong},
};

/// Where things are kept, and for how long.
#[derive(Debug, Clone)]
pub struct StorageSettings {
    /// `A2A_DATABASE_URL`: `sqlite://PATH`, relative to the working directory or absolute; `postgres://…`; `dynamodb://TABLE`. Default
    /// `sqlite://.a2a/a2a.db`.
    pub database: DatabaseUrl,
    /// `A2A_DB_MAX_CONNECTIONS`: the most connections to Postgres, 1 to 10000. Default 20; 2 in a Lambda.
    pub database_connections: u32,
    /// `A2A_REDIS_URL`: `redis://…` or `rediss://…` (TLS), as [`events::RedisSettings::url`] says. Default none: signals stay within the
    /// process, others poll the database.
    pub redis: Option<SecretUrl>,
    /// `A2A_REDIS_MAX_CONNECTIONS`: the most connections to Redis, 1 to 10000. Default 50; 2 in a Lambda.
    pub redis_connections: u32,
    /// `A2A_QUEUE_URL` and `A2A_PUSH_QUEUE_URL`. Default none: background work is rows in the database.
    pub queue: Option<QueueUrls>,
    /// `A2A_CORPUS`: a file that `a2a index PATH --out FILE` wrote, or `s3://BUCKET/KEY` of one; only with DynamoDB, in place of the shared documents in
    /// the table. Default none.
    pub corpus: Option<CorpusFile>,
    /// `A2A_TASK_RETENTION_DAYS`: finished tasks are deleted after so many days, 1 to 36500. Default 30.
    pub task_retention: Duration,
    /// `A2A_AUDIT_RETENTION_DAYS`: what the audit log holds is deleted after so many days, 1 to 36500. Default 90.
    pub audit_retention: Duration,
}

impl StorageSettings {
    /// The directory on this machine that the database is in; `None` where it is elsewhere.
    pub(crate) fn directory(&self) -> Option<PathBuf> {
        match &self.database {
            DatabaseUrl::Sqlite(path) => path.parent().map(|parent| if parent.as_os_str().is_empty() { ".".into() } else { parent.into() }),
            DatabaseUrl::Postgres(_) | DatabaseUrl::DynamoDb { .. } => None,
        }
    }
}

/// The databases that can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, made if there is none.
    Sqlite(PathBuf),
    /// A server.
    Postgres(SecretUrl),
    /// A table, in the region and with the credentials that AWS's own variables name.
    DynamoDb {
        /// Its name.
        table: String,
    },
}

/// SQS queues of background work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrls {
    /// `A2A_QUEUE_URL`: tasks to run; webhooks to call too, where there is no other queue for them.
    pub run_task: String,
    /// `A2A_PUSH_QUEUE_URL`: webhooks to call; where it is a FIFO queue, what is to be posted, ready.
    pub deliver_push: Option<String>,
}

/// Where a file of documents lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorpusFile {
    /// On this machine.
    Path(PathBuf),
    /// In S3.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// The object's key.
        key: String,
        /// Another server than AWS's own: `AWS_ENDPOINT_URL_S3`, or else `AWS_ENDPOINT_URL`.
        endpoint: Option<String>,
    },
}

/// A URL that may hold a password: debugging shows its scheme alone.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(pub String);

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked_url(&self.0))
    }
}

const DAY: u64 = 24 * 3600;

pub(super) fn read(vars: &Vars, surroundings: Surroundings) -> Result<StorageSettings, SettingError> {
    let database = match vars.get("A2A_DATABASE_URL") {
        None => DatabaseUrl::Sqlite(".a2a/a2a.db".into()),
        Some(url) => database(url)?,
    };
    let (database_connections, redis_connections) = match surroundings {
        Surroundings::Server => (20, 50),
        Surroundings::Lambda => (2, 2),
    };
    let corpus = corpus(vars, &database)?;
    Ok(StorageSettings {
        database,
        database_connections: vars.number("A2A_DB_MAX_CONNECTIONS", 1..=10_000, database_connections)?,
        redis: vars.url("A2A_REDIS_URL", &["redis", "rediss"])?.map(SecretUrl),
        redis_connections: vars.number("A2A_REDIS_MAX_CONNECTIONS", 1..=10_000, redis_connections)?,
        queue: queue(vars)?,
        corpus,
        task_retention: Duration::from_secs(vars.number("A2A_TASK_RETENTION_DAYS", 1..=36_500, 30)? * DAY),
        audit_retention: Duration::from_secs(vars.number("A2A_AUDIT_RETENTION_DAYS", 1..=36_500, 90)? * DAY),
    })
}

fn queue(vars: &Vars) -> Result<Option<QueueUrls>, SettingError> {
    let deliver_push = vars.url("A2A_PUSH_QUEUE_URL", &["https", "http"])?;
    match (vars.url("A2A_QUEUE_URL", &["https", "http"])?, deliver_push) {
        (Some(run_task), deliver_push) => Ok(Some(QueueUrls { run_task, deliver_push })),
        (None, Some(url)) => Err(wrong("A2A_PUSH_QUEUE_URL", masked_url(&url), "nothing where A2A_QUEUE_URL is unset")),
        (None, None) => Ok(None),
    }
}

fn corpus(vars: &Vars, database: &DatabaseUrl) -> Result<Option<CorpusFile>, SettingError> {
    let file = vars.read("A2A_CORPUS", "the path of a file, or `s3://BUCKET/KEY`", |value| match value.split_once("://") {
        None => Some(CorpusFile::Path(value.into())),
        Some(("s3", object)) => {
            let (bucket, key) = object.split_once('/').filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())?;
            let endpoint = vars.get("AWS_ENDPOINT_URL_S3").or(vars.get("AWS_ENDPOINT_URL")).map(str::to_owned);
            Some(CorpusFile::S3 { bucket: bucket.to_owned(), key: key.to_owned(), endpoint })
        }
        Some(_) => None,
    })?;
    match (file, database) {
        (Some(_), DatabaseUrl::Sqlite(_) | DatabaseUrl::Postgres(_)) => {
            let holds = format!("`{}`", vars.get("A2A_CORPUS").unwrap_or_default());
            Err(wrong("A2A_CORPUS", holds, "nothing where A2A_DATABASE_URL isn't `dynamodb://TABLE`: `a2a index` puts documents into the database"))
        }
        (file, _) => Ok(file),
    }
}

fn database(url: &str) -> Result<DatabaseUrl, SettingError> {
    let takes = "`sqlite://PATH`, `postgres://USER:PASSWORD@HOST/DATABASE` or `dynamodb://TABLE`";
    match url.split_once("://") {
        Some(("sqlite", path)) if !path.is_empty() && !path.contains(['?', '\0']) => Ok(DatabaseUrl::Sqlite(path.into())),
        Some(("sqlite", _)) => Err(wrong("A2A_DATABASE_URL", format!("`{url}`"), "`sqlite://PATH` with the path of a file")),
        Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => Ok(DatabaseUrl::Postgres(SecretUrl(url.to_owned()))),
        Some(("dynamodb", table)) if is_table(table) => Ok(DatabaseUrl::DynamoDb { table: table.to_owned() }),
        Some(("dynamodb", _)) => {
            Err(wrong("A2A_DATABASE_URL", format!("`{url}`"), "`dynamodb://TABLE`, the name 3 to 255 letters, digits, `_`, `-` and `.`"))
        }
        // Never the whole value: what isn't understood may hold a password.
        Some(_) => Err(wrong("A2A_DATABASE_URL", masked_url(url), takes)),
        None => Err(wrong("A2A_DATABASE_URL", "no URL", takes)),
    }
}

fn is_table(name: &str) -> bool {
    (3..=255).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}
