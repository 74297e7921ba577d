//! `cargo xtask test`: everything that has to hold, in the order in which it fails fastest.

use std::{thread, time::Instant};

use anyhow::{Result, anyhow, bail};

use crate::{
    step::{cargo, step},
    tools,
};

/// The adapter for the official SDK's executors is off by default, as its server crate is heavy; the benches build that crate anyway.
const WITH_ADAPTER: &str = "--features=agents/sdk-executor";

/// Runs all tests, or those with `filter` in their name.
///
/// # Errors
/// The first step that fails; in CI also where something couldn't run.
pub fn run(filter: Option<&str>) -> Result<()> {
    let begun = Instant::now();
    // Downloads run beside the compiler.
    let tools = thread::spawn(tools::set_up);
    if filter.is_none() {
        step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
        step("lints", &mut cargo(&["clippy", "--workspace", "--all-targets", WITH_ADAPTER, "--quiet", "--", "-D", "warnings"]))?;
    }
    // One build of everything: the binary that the end-to-end tests start shares its libraries with the tests.
    step("build", &mut cargo(&["build", "--workspace", "--all-targets", WITH_ADAPTER, "--quiet"]))?;
    let tools = tools.join().map_err(|_| anyhow!("setting up the tools panicked"))?;
    let mut tests = cargo(&["test", "--workspace", WITH_ADAPTER, "--quiet", "--no-fail-fast"]);
    // Most of the end-to-end tests wait for a server, so there are more of them than cores.
    tests.args(filter).args(["--", "--test-threads", "8"]).envs(tools.variables);
    step("units, backends, properties, end to end", &mut tests)?;

    println!("\nAll tests passed in {:.0} s.", begun.elapsed().as_secs_f64());
    if !tools.missing.is_empty() {
        println!("NOT RUN, {} of them:", tools.missing.len());
        for what in &tools.missing {
            println!("  {what}");
        }
        if std::env::var_os("CI").is_some() {
            bail!("something couldn't run, and in CI everything must");
        }
    }
    Ok(())
}
