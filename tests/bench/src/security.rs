//! What security costs: GetTask of two servers in turn, one with all of it and one with none.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};

use crate::{
    http::Connection,
    load::Latencies,
    process::Process,
    throughput::{median, ours},
};

const SECRET: &str = "a secret of the bench, 32 bytes and more";
const ALL: [(&str, &str); 5] = [
    ("A2A_SECRET_KEY", SECRET),
    ("A2A_AUTH", "required"),
    ("A2A_RATE_LIMIT_PER_MINUTE", "1000000"),
    ("A2A_THREATS", "block"),
    ("A2A_BLOCK_AFTER_FAILURES", "10"),
];
const NONE: [(&str, &str); 3] = [("A2A_RATE_LIMIT_PER_MINUTE", "off"), ("A2A_THREATS", "off"), ("A2A_BLOCK_AFTER_FAILURES", "off")];
/// Answers of each server in each round, one of each in turn.
const ASKED: usize = 5_000;

/// Prints a table in Markdown.
pub async fn run(server: &Path, rounds: usize) -> Result<()> {
    let directories = [tempfile::tempdir()?, tempfile::tempdir()?];
    let token = token(server)?;
    let mut cases = Vec::new();
    for (directory, settings) in directories.iter().zip([&ALL[..], &NONE[..]]) {
        let process = Process::start(&mut ours(server, directory.path(), settings)?)?;
        let mut connection = Connection::open(&process.address).await?;
        // What clients in Python and browsers send besides, all of which is searched.
        for (name, value) in [("user-agent", "python-httpx/0.28.1"), ("accept", "*/*"), ("accept-encoding", "gzip, deflate, br, zstd")] {
            connection = connection.with_header(name, value);
        }
        if settings.contains(&("A2A_AUTH", "required")) {
            connection = connection.with_header("authorization", &format!("Bearer {token}"));
        }
        let task = connection.new_task("security", "hello").await?;
        cases.push((process, connection, format!(r#"{{"id":"{task}"}}"#)));
    }
    let mut measured = [Vec::new(), Vec::new()];
    for round in 0..=rounds {
        eprintln!("round {round} of {rounds}");
        let before: Vec<u64> = cases.iter().map(|case| case.0.cpu_micros()).collect::<Result<_>>()?;
        let mut latencies: [Vec<Duration>; 2] = Default::default();
        for _ in 0..ASKED {
            for ((_, connection, params), latencies) in cases.iter_mut().zip(&mut latencies) {
                let answer = connection.call("GetTask", params).await?;
                ensure!(answer.status == 200, "GetTask: HTTP {} {}", answer.status, String::from_utf8_lossy(&answer.body));
                latencies.push(answer.whole);
            }
        }
        for (((process, ..), latencies), (before, measured)) in cases.iter().zip(latencies).zip(before.into_iter().zip(&mut measured)) {
            let cpu = (process.cpu_micros()? - before) as f64 / ASKED as f64;
            let p50 = latencies.into_iter().collect::<Latencies>().quantile_ms(0.5) * 1000.0;
            // The first round is for what is made once.
            if round > 0 {
                measured.push((p50, cpu));
            }
        }
    }
    println!("\nGetTask of a finished task over one connection, {ASKED} answers of each server in turn; medians of {rounds} rounds.\n");
    println!("| | p50 us | server CPU us |\n|---|--:|--:|");
    let of = |case: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| median(case.iter().map(of).collect());
    let [all, none] = measured.map(|case| (of(&case, |one| one.0), of(&case, |one| one.1)));
    println!("| a token, limits, threats and blocks | {:.1} | {:.1} |", all.0, all.1);
    println!("| none of them | {:.1} | {:.1} |", none.0, none.1);
    println!("| ratio | {:.3} | {:.3} |", all.0 / none.0, all.1 / none.1);
    Ok(())
}

fn token(server: &Path) -> Result<String> {
    let output = Command::new(server).args(["token", "--sub", "bench", "--role", "authenticated"]).env("A2A_SECRET_KEY", SECRET).output()?;
    ensure!(output.status.success(), "a2a token: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout).context("a2a token")?.trim().to_owned())
}
