//! `cargo xtask bench`: builds the server and the bench as they are shipped, then lets the bench drive.

use std::path::Path;

use anyhow::Result;

use crate::{
    deployed,
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

/// Shows what security costs.
///
/// # Errors
/// Where a build fails or the server doesn't answer.
pub fn security() -> Result<()> {
    build_server()?;
    step("bench security", bench(&["--features", "servers"])?.arg("security"))
}

/// Shows what functions cost as they are deployed: three of them, or the sizes of all as well.
///
/// # Errors
/// Where a build fails, there is no Postgres, or a function doesn't answer.
pub fn lambda(rounds: u32, all: bool) -> Result<()> {
    build_server()?;
    let functions = deployed::build(if all { None } else { Some(&["front-door", "get-task", "agent-card"]) })?;
    // The bare function is built as such; the rest of the bench needn't be.
    let mut bare = cargo(&["build", "--profile", "function", "--bin", "bare-function", "--features", "lambda", "--quiet", "--manifest-path"]);
    bare.arg(root().join("tests/bench/Cargo.toml")).arg("--target-dir").arg(target().join("bench"));
    step("build the bare function", &mut bare)?;
    let mut bench = bench(&["--features", "lambda"])?;
    std::fs::copy(target().join("bench/function/bare-function"), target().join("bench/release/bare-function"))?;
    let postgres = servers::durable_postgres()?;
    bench.args(["lambda", "--rounds", &rounds.to_string(), "--postgres", &postgres.url, "--functions"]).arg(functions);
    match tools::environment("a2a-sdk-1.3.0-function", &["a2a-sdk[http-server]==1.3.0", "mangum==0.22.0", "awslambdaric==4.2.2"]) {
        Ok(directory) => drop(bench.arg("--python").arg(directory.join("bin/python"))),
        Err(error) => println!("NOT MEASURED: the Python function: {error:#}"),
    }
    step("bench lambda", &mut bench)
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
