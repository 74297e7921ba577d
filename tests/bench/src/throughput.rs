//! Ours, the limits and peers in one run, interleaved, so that a noisy machine is noisy for all.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{
    database::Server,
    load::{Load, Operation},
    process::Process,
};

/// How to measure.
pub struct Plan {
    pub rounds: usize,
    pub seconds: f64,
    pub connections: usize,
    /// What to measure beside what needs nothing.
    pub python: Option<PathBuf>,
    pub postgres: Option<String>,
    pub redis: Option<String>,
}

struct Contender {
    name: &'static str,
    process: Process,
    operations: &'static [Operation],
    /// The name of its own database.
    database: Option<&'static str>,
}

/// One measurement: of each request, but for the first.
struct Measured {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    server_cpu_us: f64,
    /// `None` where there is no database server.
    database: Option<OfDatabase>,
}

struct OfDatabase {
    cpu_us: f64,
    statements: f64,
    commits: f64,
}

/// Prints a table in Markdown.
pub async fn run(server: &Path, plan: &Plan) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let postgres = match &plan.postgres {
        Some(url) => Some(Server::open(url).await?),
        None => None,
    };
    let contenders = contenders(server, directory.path(), plan, postgres.as_ref()).await?;
    let time = Duration::from_secs_f64(plan.seconds);
    for contender in &contenders {
        for operation in contender.operations {
            Load::prepare(&contender.process.address, *operation, plan.connections, "warm").await?.run(time / 4).await?;
        }
    }
    let mut measured: Vec<(&str, Operation, Vec<Measured>)> = Vec::new();
    for round in 0..plan.rounds {
        for operation in Operation::ALL {
            for contender in contenders.iter().filter(|contender| contender.operations.contains(&operation)) {
                eprintln!("round {} of {}: {operation:?}, {}", round + 1, plan.rounds, contender.name);
                let load = Load::prepare(&contender.process.address, operation, plan.connections, &format!("{round}")).await?;
                let one = measure(contender, load, time, postgres.as_ref()).await?;
                match measured.iter_mut().find(|(name, of, _)| *name == contender.name && *of == operation) {
                    Some((_, _, all)) => all.push(one),
                    None => measured.push((contender.name, operation, vec![one])),
                }
            }
        }
    }
    println!("\nMedians of {} rounds of {} s, {} connections, on {} cores.\n", plan.rounds, plan.seconds, plan.connections, cores());
    println!("| operation | server | requests/s | p50 ms | p99 ms | server CPU us | database CPU us | commits | statements |");
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|");
    for (name, operation, all) in &measured {
        let of_database = |of: fn(&OfDatabase) -> f64, digits: usize| {
            let values: Vec<f64> = all.iter().filter_map(|one| one.database.as_ref()).map(of).collect();
            if values.is_empty() { String::new() } else { format!("{:.digits$}", median(values)) }
        };
        let of = |of: fn(&Measured) -> f64| median(all.iter().map(of).collect());
        println!(
            "| {} | {name} | {:.0} | {:.2} | {:.2} | {:.0} | {} | {} | {} |",
            shown(*operation),
            of(|one| one.per_second),
            of(|one| one.p50_ms),
            of(|one| one.p99_ms),
            of(|one| one.server_cpu_us),
            of_database(|database| database.cpu_us, 0),
            of_database(|database| database.commits, 1),
            of_database(|database| database.statements, 1),
        );
    }
    println!("\n| server | memory after the run, MB |\n|---|--:|");
    for contender in &contenders {
        println!("| {} | {:.0} |", contender.name, contender.process.resident_bytes()? as f64 / 1e6);
    }
    Ok(())
}

async fn measure(contender: &Contender, load: Load, time: Duration, server: Option<&Server>) -> Result<Measured> {
    let counted = match (server, contender.database) {
        (Some(server), Some(name)) => Some((server, name, server.counters(name).await?)),
        _ => None,
    };
    let (cpu, begun) = (contender.process.cpu_micros()?, Instant::now());
    let latencies = load.run(time).await?;
    let (took, cpu) = (begun.elapsed(), contender.process.cpu_micros()? - cpu);
    let count = latencies.count() as f64;
    let database = match counted {
        Some((server, name, before)) => {
            let after = server.counters(name).await?;
            Some(OfDatabase {
                cpu_us: (after.cpu_micros - before.cpu_micros) as f64 / count,
                statements: (after.statements - before.statements) as f64 / count,
                commits: (after.commits - before.commits) as f64 / count,
            })
        }
        None => None,
    };
    let (p50_ms, p99_ms) = (latencies.quantile_ms(0.5), latencies.quantile_ms(0.99));
    Ok(Measured { per_second: count / took.as_secs_f64(), p50_ms, p99_ms, server_cpu_us: cpu as f64 / count, database })
}

async fn contenders(server: &Path, directory: &Path, plan: &Plan, postgres: Option<&Server>) -> Result<Vec<Contender>> {
    const UNARY: [Operation; 3] = [Operation::Send, Operation::GetFinished, Operation::Card];
    const IN_MEMORY: [Operation; 4] = [Operation::Send, Operation::Stream, Operation::GetFinished, Operation::Card];
    const ROWS: [Operation; 2] = [Operation::Send, Operation::GetOpen];
    let peer = || -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("peer");
        Ok(command)
    };
    let mut contenders = Vec::new();
    let mut add = |name, mut command: Command, operations, database| -> Result<()> {
        contenders.push(Contender { name, process: Process::start(&mut command)?, operations, database });
        Ok(())
    };
    if let Some(postgres) = postgres {
        let url = postgres.database("ours").await?;
        add("this server, Postgres", ours(server, directory, &[("A2A_DATABASE_URL", &url)])?, &Operation::ALL, Some("ours"))?;
        if let Some(redis) = &plan.redis {
            let url = postgres.database("ours_redis").await?;
            let settings = [("A2A_DATABASE_URL", url.as_str()), ("A2A_REDIS_URL", redis)];
            add("this server, Postgres and Redis", ours(server, directory, &settings)?, &Operation::ALL, Some("ours_redis"))?;
        }
        let mut limit = peer()?;
        limit.args(["postgres-limit", "--database", &postgres.database("row_limit").await?]);
        add("limit: axum, a row in Postgres", limit, &ROWS, Some("row_limit"))?;
    }
    add("this server, SQLite", ours(server, directory, &[])?, &Operation::ALL, None)?;
    let mut limit = peer()?;
    limit.arg("limit");
    add("limit: axum, JSON in and out", limit, &UNARY, None)?;
    let mut official = peer()?;
    official.arg("official-rust");
    add("official Rust server, in memory", official, &IN_MEMORY, None)?;
    if let Some(python) = &plan.python {
        let mut official = Command::new(python);
        official.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python_server.py"));
        add("official Python server, in memory", official, &IN_MEMORY, None)?;
    }
    Ok(contenders)
}

/// This server with the bench's agent, on ports of its own.
pub fn ours(server: &Path, directory: &Path, settings: &[(&str, &str)]) -> Result<Command> {
    let mut command = Command::new(std::path::absolute(server)?);
    command.args(["serve", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"]).current_dir(directory).env("A2A_AGENTS", "echo");
    command.envs(settings.iter().copied());
    Ok(command)
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn shown(operation: Operation) -> &'static str {
    match operation {
        Operation::Send => "SendMessage",
        Operation::Stream => "SendStreamingMessage (latency: first event)",
        Operation::GetOpen => "GetTask, unfinished",
        Operation::GetFinished => "GetTask, finished",
        Operation::Card => "agent card",
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
