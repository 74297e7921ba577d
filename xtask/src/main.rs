//! `cargo xtask …`: what a developer or CI runs on this repository.
#![allow(clippy::print_stdout, reason = "this is a command; its output is what it is for")]

mod bench;
mod deployed;
mod environment;
mod programs;
mod servers;
mod soak;
mod step;
mod test;
mod tools;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Sets up what tests need, then checks format and lints, and runs all tests: units, backends, properties, end to end.
    Test {
        /// Only tests with this in their name (skips format and lints).
        filter: Option<String>,
    },
    /// Kills gateways and stops servers, again and again, and holds them to what they said.
    Faults {
        /// How often each fault is tried.
        #[arg(long, default_value_t = 20)]
        repetitions: u32,
        /// Only tests with this in their name.
        filter: Option<String>,
    },
    /// Measures; throughput of this server, of the limits and of peers if nothing is named.
    Bench {
        #[command(subcommand)]
        what: Option<Bench>,
    },
    /// Writes infra/.env for compose.yaml: secrets that nobody else has. One that is there stays as it is.
    Env,
    /// Loads a server steadily for long, and looks for what grows: memory, files, connections.
    Soak {
        /// How long.
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// Requests a second [default: half of what the server bears].
        #[arg(long)]
        rate: Option<f64>,
    },
}

/// What to measure.
#[derive(Subcommand)]
enum Bench {
    /// Requests a second, latency, CPU, commits and statements beside the limits and peers.
    Throughput {
        /// Rounds; medians over them are shown.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// How long each operation is measured in each round.
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
        /// Keep-alive connections.
        #[arg(long, default_value_t = 20)]
        connections: u32,
    },
    /// Functions as they are deployed: size, cold start, warm events, memory; beside a bare one and Python's.
    Lambda {
        /// Starts; medians over them are shown.
        #[arg(long, default_value_t = 7)]
        rounds: u32,
        /// Builds all functions, to show their sizes: some minutes each.
        #[arg(long)]
        all: bool,
    },
    /// What an answer costs as histories and stores grow.
    Growth,
    /// What GetTask costs with all security on, beside all off.
    Security,
    /// Ranking quality of document_search.
    Search {
        /// A folder with documents.jsonl (`id`, `title`, `text`) and queries.jsonl (`text`, `relevant` ids).
        path: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Test { filter } => test::run(filter.as_deref()),
        Task::Faults { repetitions, filter } => test::faults(repetitions, filter.as_deref()),
        Task::Env => environment::run(),
        Task::Soak { seconds, rate } => soak::run(seconds, rate),
        Task::Bench { what: None } => bench::throughput(5, 2.0, 20),
        Task::Bench { what: Some(Bench::Throughput { rounds, seconds, connections }) } => bench::throughput(rounds, seconds, connections),
        Task::Bench { what: Some(Bench::Lambda { rounds, all }) } => bench::lambda(rounds, all),
        Task::Bench { what: Some(Bench::Growth) } => bench::growth(),
        Task::Bench { what: Some(Bench::Security) } => bench::security(),
        Task::Bench { what: Some(Bench::Search { path }) } => bench::search(&path),
    }
}
