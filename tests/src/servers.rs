//! The servers that tests run against, and a place of its own on them for each test. `cargo xtask test` starts them and says where they are.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions};

/// Databases, tables and queues of tests begin so, then comes the run that they belong to: whoever set the server up deletes them.
pub const DATABASE_PREFIX: &str = "a2a_test_";

/// The URL of a new, empty database.
pub async fn postgres_database() -> String {
    let name = unique_name();
    let mut connection = postgres().await;
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a database can be made");
    connection.close().await.expect("the connection ends");
    postgres_server().database(&name).to_url_lossy().to_string()
}

/// Deletes a database that [`postgres_database`] made, whoever is connected to it.
pub async fn drop_postgres_database(url: &str) {
    let options: PgConnectOptions = url.parse().expect("a URL of Postgres");
    drop_database(&mut postgres().await, options.get_database().expect("the URL of a database")).await;
}

/// All rows of all tables of a database, as text.
pub async fn postgres_rows(url: &str) -> String {
    let options: PgConnectOptions = url.parse().expect("a URL of Postgres");
    let mut connection = options.connect().await.expect("the database answers");
    let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.expect("the database lists its tables");
    let mut text = String::new();
    for table in &tables {
        let rows = AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&mut connection).await.expect("a table is read");
        text.extend(rows);
    }
    assert!(!text.is_empty(), "no rows in {tables:?}");
    text
}

/// Deletes all databases of this run. Says how many there were.
pub async fn drop_postgres_databases() -> usize {
    let mut connection = postgres().await;
    let names: Vec<String> = sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE starts_with(datname::text, $1)")
        .bind(prefix())
        .fetch_all(&mut connection)
        .await
        .expect("the server lists its databases");
    for name in &names {
        drop_database(&mut connection, name).await;
    }
    names.len()
}

/// The URL of Redis, which tests share: what they keep there is named after their tasks.
pub fn redis() -> String {
    variable("A2A_TEST_REDIS_URL")
}

/// The URL of a server that speaks as DynamoDB and SQS do, which tests share: tables and queues have names of their own.
pub fn aws() -> String {
    aws_servers().swap_remove(0)
}

/// The URLs of all such servers, which share the load and nothing else.
pub fn aws_servers() -> Vec<String> {
    let urls: Vec<_> = variable("A2A_TEST_AWS_URL").split_whitespace().map(str::to_owned).collect();
    assert!(!urls.is_empty(), "A2A_TEST_AWS_URL holds no URL");
    urls
}

/// How clients of that server are made.
pub fn aws_config() -> SdkConfig {
    aws_config_at(&aws())
}

/// How clients of such a server at another URL are made.
pub fn aws_config_at(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "tests")))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

/// A name for a database, a table or a queue of one test.
pub fn unique_name() -> String {
    format!("{}{}", prefix(), uuid::Uuid::now_v7().simple())
}

async fn drop_database(connection: &mut PgConnection, name: &str) {
    let dropped = connection.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await;
    dropped.expect("a database can be dropped");
}

/// What a run that has a name leaves is told from that of others.
fn prefix() -> String {
    let run = std::env::var("A2A_TEST_RUN").unwrap_or_default();
    format!("{DATABASE_PREFIX}{run}_")
}

async fn postgres() -> PgConnection {
    postgres_server().connect().await.expect("the server at A2A_TEST_POSTGRES_URL answers")
}

fn postgres_server() -> PgConnectOptions {
    variable("A2A_TEST_POSTGRES_URL").parse().expect("A2A_TEST_POSTGRES_URL is a URL of Postgres")
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} isn't set: `cargo xtask test` starts the servers that tests need"))
}
