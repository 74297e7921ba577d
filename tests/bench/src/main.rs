//! Measures the server: ranking quality, and throughput beside the machine's limit and peers.

mod http;
mod load;
#[cfg(feature = "peers")]
mod peers;
mod process;
mod search;
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
    /// Requests a second, latency and server CPU.
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
    },
    /// Serves one of the servers to compare with.
    #[cfg(feature = "peers")]
    Peer {
        /// `limit` or `official-rust`.
        name: String,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.what {
        What::Search { path } => search::run(&arguments.server, &path).await,
        What::Throughput { rounds, seconds, connections, python } => {
            let plan = throughput::Plan { rounds, seconds, connections, python };
            throughput::run(&arguments.server, &plan).await
        }
        #[cfg(feature = "peers")]
        What::Peer { name } => peers::serve(&name).await,
    }
}
