//! `cargo xtask test`: everything that has to hold, in the order in which it fails fastest.

use std::{
    process::Command,
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, anyhow, bail};

use crate::{
    servers::{AWS, POSTGRES, REDIS, Servers},
    step::{cargo, quiet, step, target},
    tools::{self, Tools},
};

/// The adapter for the official SDK's executors is off by default, as its server crate is heavy; the benches build that crate anyway. Fault
/// points are for tests only, and spans for a collector are off by default.
const WITH_ADAPTER: &str = "--features=agents/sdk-executor,gateway/fault-points,gateway/otlp,tests/otlp";

/// What else the end-to-end suite runs over, after SQLite with its functions in-process: the values of `A2A_TEST_BACKEND` and `A2A_TEST_FUNCTIONS`,
/// a name for people, and the servers that it needs.
const END_TO_END: [(&str, &str, &str, &[&str]); 5] = [
    ("sqlite", "processes", "SQLite, functions as processes", &[]),
    ("postgres-redis", "in-process", "Postgres and Redis", &[POSTGRES, REDIS]),
    ("postgres-redis", "processes", "Postgres and Redis, functions as processes", &[POSTGRES, REDIS]),
    ("postgres", "in-process", "Postgres alone", &[POSTGRES]),
    ("dynamodb-sqs", "in-process", "DynamoDB and SQS", &[AWS]),
];

/// Runs all tests, or those with `filter` in their name.
///
/// # Errors
/// The first step that fails; in CI also where something couldn't run.
pub fn run(filter: Option<&str>) -> Result<()> {
    let begun = Instant::now();
    // Downloads and servers' starts run beside the compiler.
    let setting_up = thread::spawn(|| (tools::set_up(), Servers::start()));
    if filter.is_none() {
        step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
        if quiet(&mut cargo(&["deny", "--version"])).is_ok() {
            // Elsewhere a test of the architecture holds the same rules.
            step("supply chain", &mut cargo(&["deny", "check", "bans", "licenses", "sources"]))?;
        }
        step("lints", &mut cargo(&["clippy", "--workspace", "--all-targets", WITH_ADAPTER, "--quiet", "--", "-D", "warnings"]))?;
    }
    // One build of everything: the binary that the end-to-end tests start shares its libraries with the tests.
    step("build", &mut cargo(&["build", "--workspace", "--all-targets", WITH_ADAPTER, "--quiet"]))?;
    let (tools, servers) = setting_up.join().map_err(|_| anyhow!("setting up tools and servers panicked"))?;
    let run = Run { filter, tools, servers, begun: SystemTime::now() };
    let missing = run.all()?;

    println!("\nAll tests passed in {:.0} s.", begun.elapsed().as_secs_f64());
    if !missing.is_empty() {
        println!("NOT RUN:");
        for what in &missing {
            println!("  {what}");
        }
        if std::env::var_os("CI").is_some() {
            bail!("something couldn't run, and in CI everything must");
        }
    }
    Ok(())
}

/// Runs the fault tests, or those with `filter` in their name, each so many times.
///
/// # Errors
/// The first step that fails.
pub fn faults(repetitions: u32, filter: Option<&str>) -> Result<()> {
    step("build", &mut cargo(&["build", "--workspace", "--all-targets", WITH_ADAPTER, "--quiet"]))?;
    let run = Run { filter, tools: Tools { variables: Vec::new(), missing: Vec::new() }, servers: Servers::start(), begun: SystemTime::now() };
    for missing in &run.servers.missing {
        println!("NOT RUN: {}", missing.why);
    }
    step("faults", run.cargo_test(&["--test", "faults"]).env("A2A_TEST_REPETITIONS", repetitions.to_string()))
}

/// What the tests are run with.
struct Run<'a> {
    filter: Option<&'a str>,
    tools: Tools,
    servers: Servers,
    /// Names this run, for what it leaves on servers that aren't its own.
    begun: SystemTime,
}

impl Run<'_> {
    /// Says what couldn't run.
    fn all(&self) -> Result<Vec<String>> {
        let mut missing = self.tools.missing.clone();
        let outcome = self.tests(&mut missing);
        if self.servers.borrowed(POSTGRES) {
            step("drop this run's databases", self.with_variables(&mut Command::new(target().join("debug/drop-databases"))))?;
        }
        outcome.map(|()| missing)
    }

    fn tests(&self, missing: &mut Vec<String>) -> Result<()> {
        for absent in &self.servers.missing {
            let names = self.names_with(absent.tests)?;
            missing.push(format!("{} {} ({})", names.len(), absent.why, names.join(", ")));
        }
        step("units, backends, properties; end to end over SQLite", self.cargo_test(&[]).env("A2A_TEST_BACKEND", "sqlite"))?;
        for (backend, functions, name, needs) in END_TO_END {
            if needs.iter().all(|variable| self.servers.has(variable)) {
                let mut suite = self.cargo_test(&["--test", "e2e"]);
                step(&format!("end to end over {name}"), suite.env("A2A_TEST_BACKEND", backend).env("A2A_TEST_FUNCTIONS", functions))?;
            } else {
                missing.push(format!("the end-to-end suite over {name}"));
            }
        }
        Ok(())
    }

    fn cargo_test(&self, targets: &[&str]) -> Command {
        let mut command = cargo(&["test", "--workspace", WITH_ADAPTER, "--quiet", "--no-fail-fast"]);
        // Most of the end-to-end tests wait for a server, so there are more of them than cores.
        command.args(targets).args(self.filter).args(["--", "--test-threads", "8"]);
        for name in self.servers.missing.iter().flat_map(|absent| absent.tests) {
            command.args(["--skip", name]);
        }
        self.with_variables(&mut command);
        command
    }

    fn with_variables<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let run = self.begun.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis());
        command.envs(self.tools.variables.iter().map(|(name, value)| (name, value)));
        command.envs(self.servers.variables.iter().map(|(name, value)| (name, value))).env("A2A_TEST_RUN", format!("{run:x}"))
    }

    /// The tests whose names have one of these words in them.
    fn names_with(&self, words: &[&str]) -> Result<Vec<String>> {
        let listed =
            quiet(cargo(&["test", "--workspace", WITH_ADAPTER, "--quiet", "--tests"]).args(self.filter).args(["--", "--list", "--format", "terse"]))?;
        let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
        Ok(names.filter(|name| words.iter().any(|word| name.contains(word))).map(str::to_owned).collect())
    }
}
