//! What servers under test keep their data in: `A2A_TEST_BACKEND` chooses, and each test has a place of its own there.

use std::{sync::OnceLock, thread};

use tempfile::TempDir;
use tests::servers;

/// What the suite runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file of the server's own, and nothing else.
    Sqlite,
    /// A database for everything, and fan-out between processes.
    PostgresRedis,
    /// A database for everything.
    Postgres,
    /// A table, and two queues.
    DynamoDbSqs,
}

impl Backend {
    /// The one that `A2A_TEST_BACKEND` names; SQLite where it names none.
    pub fn chosen() -> Backend {
        static CHOSEN: OnceLock<Backend> = OnceLock::new();
        *CHOSEN.get_or_init(|| match std::env::var("A2A_TEST_BACKEND").as_deref().unwrap_or("sqlite") {
            "sqlite" => Backend::Sqlite,
            "postgres-redis" => Backend::PostgresRedis,
            "postgres" => Backend::Postgres,
            "dynamodb-sqs" => Backend::DynamoDbSqs,
            other => panic!("A2A_TEST_BACKEND is `{other}`, and not sqlite, postgres-redis, postgres or dynamodb-sqs"),
        })
    }

    /// How many clients a test of many has: what stands in for AWS takes a processor for milliseconds with each request.
    pub fn many(self) -> usize {
        if self == Backend::DynamoDbSqs { 30 } else { 200 }
    }
}

/// The data of one or more servers; gone when the last of them is.
pub struct Place {
    /// Where the servers run.
    pub directory: TempDir,
    /// What tells them where their data is.
    pub variables: Vec<(&'static str, String)>,
    database: Option<String>,
}

impl Place {
    /// Without data.
    pub fn new() -> Place {
        let mut place = Place { directory: tempfile::tempdir().unwrap(), variables: Vec::new(), database: None };
        match Backend::chosen() {
            Backend::Sqlite => {}
            Backend::PostgresRedis => {
                place.on_postgres();
                place.variables.push(("A2A_REDIS_URL", servers::redis()));
            }
            Backend::Postgres => place.on_postgres(),
            Backend::DynamoDbSqs => place.on_aws(),
        }
        place
    }

    /// All that is kept, as it is kept: the files, the log among them, and the database's rows.
    pub async fn everything(&self) -> Vec<u8> {
        let mut everything = Vec::new();
        let mut folders = vec![self.directory.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    everything.extend(std::fs::read(entry.path()).unwrap_or_default());
                }
            }
        }
        let variable = |name: &str| self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        match Backend::chosen() {
            Backend::Sqlite => {}
            Backend::Postgres | Backend::PostgresRedis => {
                everything.extend(servers::postgres_rows(&variable("A2A_DATABASE_URL").unwrap()).await.bytes())
            }
            Backend::DynamoDbSqs => {
                let table = variable("A2A_DATABASE_URL").unwrap().replace("dynamodb://", "");
                everything.extend(tests::aws::items(&variable("AWS_ENDPOINT_URL").unwrap(), &table).await.bytes());
            }
        }
        everything
    }

    fn on_postgres(&mut self) {
        let url = wait_for(servers::postgres_database());
        self.variables.push(("A2A_DATABASE_URL", url.clone()));
        // There are many servers in a test run, and each is asked little; still more are the processes, each of which has one request at a time.
        let connections = if super::server::how_functions_run().is_empty() { 8 } else { 2 };
        self.variables.push(("A2A_DB_MAX_CONNECTIONS", connections.to_string()));
        self.database = Some(url);
    }

    fn on_aws(&mut self) {
        self.variables.extend(wait_for(tests::aws::variables()));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(url) = self.database.take() {
            wait_for(async move { servers::drop_postgres_database(&url).await });
        }
    }
}

/// Waits in the midst of a test, which runs on a runtime of its own.
fn wait_for<T: Send>(future: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| {
        let waiting = scope.spawn(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future));
        waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
