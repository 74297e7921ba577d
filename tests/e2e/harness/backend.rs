//! What servers under test keep their data in: `A2A_TEST_BACKEND` chooses, and each test has a place of its own there.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::json;
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

    fn on_postgres(&mut self) {
        let url = wait_for(servers::postgres_database());
        self.variables.push(("A2A_DATABASE_URL", url.clone()));
        // There are many servers in a test run, and each is asked little.
        self.variables.push(("A2A_DB_MAX_CONNECTIONS", "8".to_owned()));
        self.database = Some(url);
    }

    fn on_aws(&mut self) {
        static PLACES: AtomicUsize = AtomicUsize::new(0);
        let mut servers = servers::aws_servers();
        let endpoint = servers.swap_remove(PLACES.fetch_add(1, Ordering::Relaxed) % servers.len());
        let name = servers::unique_name();
        let (run_task, deliver_push) = wait_for(async { (queue(&endpoint, &name, "run-task").await, queue(&endpoint, &name, "deliver-push").await) });
        self.variables.extend([
            ("A2A_DATABASE_URL", format!("dynamodb://{name}")),
            ("A2A_QUEUE_URL", run_task),
            ("A2A_PUSH_QUEUE_URL", deliver_push),
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ]);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(url) = self.database.take() {
            wait_for(async move { servers::drop_postgres_database(&url).await });
        }
    }
}

const REGION: &str = "us-east-1";

/// Makes a queue with its dead letters, as the template does, and says where it is.
async fn queue(endpoint: &str, name: &str, of: &str) -> String {
    let dead = sqs(endpoint, "CreateQueue", json!({"QueueName": format!("{name}-{of}-dead")})).await["QueueUrl"].clone();
    let attributes = sqs(endpoint, "GetQueueAttributes", json!({"QueueUrl": dead, "AttributeNames": ["QueueArn"]})).await;
    let redrive = json!({"deadLetterTargetArn": attributes["Attributes"]["QueueArn"], "maxReceiveCount": 5}).to_string();
    let made = sqs(endpoint, "CreateQueue", json!({"QueueName": format!("{name}-{of}"), "Attributes": {"RedrivePolicy": redrive}})).await;
    made["QueueUrl"].as_str().unwrap().to_owned()
}

/// An operation of SQS in its JSON protocol; the server that tests run against doesn't check signatures, but reads the region from them.
async fn sqs(endpoint: &str, operation: &str, input: serde_json::Value) -> serde_json::Value {
    let response = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(endpoint)
        .header("X-Amz-Target", format!("AmazonSQS.{operation}"))
        .header("Content-Type", "application/x-amz-json-1.0")
        .header("Authorization", format!("AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/sqs/aws4_request, SignedHeaders=host, Signature=none"))
        .body(input.to_string());
    let answer = response.send().await.unwrap().text().await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{operation}: {answer}"));
    assert!(answer.get("__type").is_none(), "{operation}: {answer}");
    answer
}

/// Waits in the midst of a test, which runs on a runtime of its own.
fn wait_for<T: Send>(future: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| {
        let waiting = scope.spawn(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future));
        waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
