//! `cargo xtask bench`: builds the server and the bench as they are shipped, then lets the bench drive.

use std::path::Path;

use anyhow::Result;

use crate::{
    servers::{self, Throwaway},
    step::{cargo, root, step, target},
    tools,
};

/// Compares this server with the limits and with peers.
///
/// # Errors
/// Where a build fails or a server doesn't answer.
pub fn throughput(rounds: u32, seconds: f64, connections: u32) -> Result<()> {
    build_server()?;
    let mut bench = bench(&["--features", "servers"])?;
    bench.arg("throughput").args(["--rounds", &rounds.to_string(), "--seconds", &seconds.to_string(), "--connections", &connections.to_string()]);
    let postgres = found("what needs Postgres", servers::durable_postgres());
    let redis = found("what needs Redis", servers::redis());
    for (option, server) in [("--postgres", &postgres), ("--redis", &redis)] {
        if let Some(server) = server {
            bench.args([option, &server.url]);
        }
    }
    match tools::environment("a2a-sdk-1.3.0-server", &["a2a-sdk[http-server]==1.3.0", "uvicorn[standard]"]) {
        Ok(directory) => drop(bench.arg("--python").arg(directory.join("bin/python"))),
        Err(error) => println!("NOT MEASURED: the Python server: {error:#}"),
    }
    step("bench throughput", &mut bench)
}

/// Shows what an answer costs as histories and stores grow.
///
/// # Errors
/// Where a build fails or a server doesn't answer.
pub fn growth() -> Result<()> {
    build_server()?;
    let mut bench = bench(&["--features", "servers"])?;
    bench.arg("growth");
    let postgres = found("what needs Postgres", servers::durable_postgres());
    if let Some(server) = &postgres {
        bench.args(["--postgres", &server.url]);
    }
    step("bench growth", &mut bench)
}

/// Measures ranking on a judged collection.
///
/// # Errors
/// Where a build fails, a file can't be read or the server doesn't answer.
pub fn search(path: &Path) -> Result<()> {
    build_server()?;
    let mut bench = bench(&[])?;
    bench.arg("search").arg(std::path::absolute(path)?);
    step("bench search", &mut bench)
}

/// A server to measure on; where there is none, that is said, and the rest is measured.
fn found(what: &str, server: Result<Throwaway>) -> Option<Throwaway> {
    server.inspect_err(|error| println!("NOT MEASURED: {what}: {error:#}")).ok()
}

fn build_server() -> Result<()> {
    step("build the server", &mut cargo(&["build", "--release", "--package", "gateway", "--quiet"]))
}

/// The bench, which is a workspace of its own so that nobody compiles peers who doesn't measure.
fn bench(features: &[&str]) -> Result<std::process::Command> {
    let target = target();
    let manifest = root().join("tests/bench/Cargo.toml");
    let mut build = cargo(&["build", "--release", "--quiet", "--manifest-path"]);
    build.arg(manifest).args(features).arg("--target-dir").arg(target.join("bench"));
    step("build the bench", &mut build)?;
    let mut command = std::process::Command::new(target.join("bench/release/a2a-bench"));
    command.arg("--server").arg(target.join("release/a2a")).current_dir(root());
    Ok(command)
}
