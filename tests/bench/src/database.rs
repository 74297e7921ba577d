//! What a database server has done so far: the CPU time that it used, statements, commits.

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use sqlx::{
    AssertSqlSafe, ConnectOptions, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::process;

/// A Postgres server of this machine, with `pg_stat_statements` loaded.
pub struct Server {
    pool: PgPool,
    options: PgConnectOptions,
    /// Of its first process; `None` where it isn't one of this machine's.
    pid: Option<u32>,
}

/// Counters that only grow.
#[derive(Debug, Clone, Copy)]
pub struct Counters {
    /// Of all its processes, user and system time; 0 where they can't be seen.
    pub cpu_micros: u64,
    /// In one database, `BEGIN` and `COMMIT` among them.
    pub statements: i64,
    /// Transactions that wrote, in all databases.
    pub commits: i64,
}

impl Server {
    /// Connects to the server at a URL.
    pub async fn open(url: &str) -> Result<Server> {
        let options: PgConnectOptions = url.parse().with_context(|| format!("`{url}` is no URL of Postgres"))?;
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(10)).connect_with(options.clone()).await?;
        sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").execute(&pool).await?;
        let directory: String = sqlx::query_scalar("SELECT current_setting('data_directory')").fetch_one(&pool).await?;
        let file = fs::read_to_string(format!("{directory}/postmaster.pid")).unwrap_or_default();
        let pid = file.lines().next().and_then(|line| line.trim().parse().ok());
        Ok(Server { pool, options, pid })
    }

    /// Makes an empty database and gives its URL.
    pub async fn database(&self, name: &str) -> Result<String> {
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&self.pool).await?;
        Ok(self.options.clone().database(name).to_url_lossy().to_string())
    }

    /// As of now, with the statements in this database.
    pub async fn counters(&self, database: &str) -> Result<Counters> {
        let statements: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = $1)",
        )
        .bind(database)
        .fetch_one(&self.pool)
        .await?;
        // The next transaction that writes gets this id.
        let commits: i64 = sqlx::query_scalar("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetch_one(&self.pool).await?;
        Ok(Counters { cpu_micros: self.pid.map_or(Ok(0), process::tree_cpu_micros)?, statements, commits })
    }
}
