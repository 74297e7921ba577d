//! Measures the server: ranking quality, throughput beside the machine's limits and peers, how cost grows, what functions cost.

#[cfg(feature = "servers")]
mod database;
#[cfg(feature = "servers")]
mod growth;
mod http;
#[cfg(feature = "lambda")]
mod lambda;
#[cfg(feature = "servers")]
mod load;
#[cfg(feature = "servers")]
mod peers;
mod process;
mod search;
#[cfg(feature = "servers")]
mod security;
#[cfg(feature = "servers")]
mod throughput;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Driven by `cargo xtask bench`.
#[derive(Parser)]
struct Arguments {
    /// The `a2a` binary.
    #[arg(long, default_value = "target/release/a2a")]
    server: PathBuf,
    #[command(subcommand)]
    what: What,
}

/// What to do.
#[derive(Subcommand)]
enum What {
    /// Mean nDCG@10 and MAP of document_search over a judged collection.
    Search {
        /// A folder with documents.jsonl and queries.jsonl.
        path: PathBuf,
    },
    /// Requests a second, latency, CPU, commits and statements.
    #[cfg(feature = "servers")]
    Throughput {
        /// Medians over so many rounds.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Seconds for each operation in each round.
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
        /// Keep-alive connections.
        #[arg(long, default_value_t = 20)]
        connections: usize,
        /// A Python that has `a2a-sdk` and `uvicorn`; its server is left out without.
        #[arg(long)]
        python: Option<PathBuf>,
        /// A throwaway server with `pg_stat_statements` loaded: databases are made there and left. What needs one is left out without.
        #[arg(long)]
        postgres: Option<String>,
        /// A throwaway server; what needs one is left out without.
        #[arg(long)]
        redis: Option<String>,
    },
    /// What an answer costs as histories and stores grow.
    #[cfg(feature = "servers")]
    Growth {
        /// As for throughput.
        #[arg(long)]
        postgres: Option<String>,
    },
    /// What security costs.
    #[cfg(feature = "servers")]
    Security {
        /// Medians over so many rounds.
        #[arg(long, default_value_t = 9)]
        rounds: usize,
    },
    /// What functions cost as Lambda runs them.
    #[cfg(feature = "lambda")]
    Lambda {
        /// Medians over so many starts.
        #[arg(long, default_value_t = 7)]
        rounds: usize,
        /// Events after the first one, of each start.
        #[arg(long, default_value_t = 300)]
        events: usize,
        /// Where the functions' programs are.
        #[arg(long)]
        functions: PathBuf,
        /// A Python that has `a2a-sdk`, `mangum` and `awslambdaric`; its function is left out without.
        #[arg(long)]
        python: Option<PathBuf>,
        /// A throwaway Postgres.
        #[arg(long)]
        postgres: String,
    },
    /// Serves one of the servers to compare with.
    #[cfg(feature = "servers")]
    Peer {
        /// `limit`, `postgres-limit` or `official-rust`.
        name: String,
        /// The URL of an empty Postgres database, for the limit that needs one.
        #[arg(long)]
        database: Option<String>,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.what {
        What::Search { path } => search::run(&arguments.server, &path).await,
        #[cfg(feature = "servers")]
        What::Throughput { rounds, seconds, connections, python, postgres, redis } => {
            let plan = throughput::Plan { rounds, seconds, connections, python, postgres, redis };
            throughput::run(&arguments.server, &plan).await
        }
        #[cfg(feature = "servers")]
        What::Growth { postgres } => growth::run(&arguments.server, postgres.as_deref()).await,
        #[cfg(feature = "servers")]
        What::Security { rounds } => security::run(&arguments.server, rounds).await,
        #[cfg(feature = "lambda")]
        What::Lambda { rounds, events, functions, python, postgres } => {
            let plan = lambda::Plan { rounds, events, functions, python, database: postgres };
            tokio::task::block_in_place(|| lambda::run(&arguments.server, &plan))
        }
        #[cfg(feature = "servers")]
        What::Peer { name, database } => peers::serve(&name, database.as_deref()).await,
    }
}
