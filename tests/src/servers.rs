//! The servers that tests run against, and a place of its own on them for each test. `cargo xtask test` starts them and says where they are.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use sqlx::{ConnectOptions, Connection, Executor, postgres::PgConnectOptions};

/// Databases, tables and queues of tests begin so: whoever set the server up deletes them.
pub const DATABASE_PREFIX: &str = "a2a_test_";

/// The URL of a new, empty database.
pub async fn postgres_database() -> String {
    let server: PgConnectOptions = variable("A2A_TEST_POSTGRES_URL").parse().expect("A2A_TEST_POSTGRES_URL is a URL of Postgres");
    let name = unique_name();
    let mut connection = server.clone().connect().await.expect("the server at A2A_TEST_POSTGRES_URL answers");
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a database can be made");
    connection.close().await.expect("the connection ends");
    server.database(&name).to_url_lossy().to_string()
}

/// The URL of Redis, which tests share: what they keep there is named after their tasks.
pub fn redis() -> String {
    variable("A2A_TEST_REDIS_URL")
}

/// The URL of a server that speaks as DynamoDB and SQS do, which tests share: tables and queues have names of their own.
pub fn aws() -> String {
    variable("A2A_TEST_AWS_URL")
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

/// A name for a table or a queue of one test.
pub fn unique_name() -> String {
    format!("{DATABASE_PREFIX}{}", uuid::Uuid::now_v7().simple())
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} isn't set: `cargo xtask test` starts the servers that tests need"))
}
