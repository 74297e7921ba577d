//! Ours, the limit and peers in one run, interleaved, so that a noisy machine is noisy for all.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Result;

use crate::{
    load::{self, Measured, Operation},
    process::Process,
};

/// How to measure.
pub struct Plan {
    pub rounds: usize,
    pub seconds: f64,
    pub connections: usize,
    pub python: Option<PathBuf>,
}

struct Contender {
    name: &'static str,
    process: Process,
    operations: &'static [Operation],
}

/// Prints a table in Markdown.
pub async fn run(server: &Path, plan: &Plan) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let contenders = contenders(server, directory.path(), plan)?;
    let time = Duration::from_secs_f64(plan.seconds);
    for contender in &contenders {
        for operation in contender.operations {
            load::run(&contender.process, *operation, plan.connections, time / 4, "warm").await?;
        }
    }
    let mut measured: Vec<(&str, Operation, Vec<Measured>)> = Vec::new();
    for round in 0..plan.rounds {
        for operation in Operation::ALL {
            for contender in contenders.iter().filter(|contender| contender.operations.contains(&operation)) {
                eprintln!("round {} of {}: {operation:?}, {}", round + 1, plan.rounds, contender.name);
                let one = load::run(&contender.process, operation, plan.connections, time, &format!("{round}")).await?;
                match measured.iter_mut().find(|(name, of, _)| *name == contender.name && *of == operation) {
                    Some((_, _, all)) => all.push(one),
                    None => measured.push((contender.name, operation, vec![one])),
                }
            }
        }
    }
    println!("\nMedians of {} rounds of {} s, {} connections, on {} cores.\n", plan.rounds, plan.seconds, plan.connections, cores());
    println!("| operation | server | requests/s | p50 ms | p99 ms | server CPU us |\n|---|---|--:|--:|--:|--:|");
    for (name, operation, all) in &measured {
        let median = |of: fn(&Measured) -> f64| {
            let mut values: Vec<f64> = all.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!(
            "| {} | {name} | {:.0} | {:.2} | {:.2} | {:.0} |",
            shown(*operation),
            median(|one| one.per_second),
            median(|one| one.p50_ms),
            median(|one| one.p99_ms),
            median(|one| one.cpu_us)
        );
    }
    println!("\n| server | memory after the run, MB |\n|---|--:|");
    for contender in &contenders {
        println!("| {} | {:.0} |", contender.name, contender.process.resident_bytes()? as f64 / 1e6);
    }
    Ok(())
}

fn contenders(server: &Path, directory: &Path, plan: &Plan) -> Result<Vec<Contender>> {
    let mut ours = Command::new(std::path::absolute(server)?);
    ours.args(["serve", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"]).current_dir(directory).env("A2A_AGENTS", "echo");
    let mut contenders = vec![Contender { name: "this server, SQLite", process: Process::start(&mut ours)?, operations: &Operation::ALL }];
    if cfg!(feature = "peers") {
        let peer = |name: &str| Process::start(Command::new(std::env::current_exe()?).args(["peer", name]));
        let unary = &[Operation::Send, Operation::Get, Operation::Card];
        contenders.push(Contender { name: "limit: axum, JSON in and out", process: peer("limit")?, operations: unary });
        contenders.push(Contender { name: "official Rust server, in memory", process: peer("official-rust")?, operations: &Operation::ALL });
    }
    if let Some(python) = &plan.python {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python_server.py");
        let process = Process::start(Command::new(python).arg(script))?;
        contenders.push(Contender { name: "official Python server, in memory", process, operations: &Operation::ALL });
    }
    Ok(contenders)
}

fn shown(operation: Operation) -> &'static str {
    match operation {
        Operation::Send => "SendMessage",
        Operation::Stream => "SendStreamingMessage (latency: first event)",
        Operation::Get => "GetTask, finished",
        Operation::Card => "agent card",
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
