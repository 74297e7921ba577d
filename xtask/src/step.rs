//! One command of a task: announced, timed, and named when it fails.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, ensure};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// `cargo` with these arguments, in the repository.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command with its output shown.
///
/// # Errors
/// Names the step where the command can't be started or fails.
pub fn step(name: &str, command: &mut Command) -> Result<()> {
    println!("\n=== {name}");
    let begun = Instant::now();
    let status = command.status().with_context(|| format!("{name}: can't start {}", command.get_program().display()))?;
    ensure!(status.success(), "{name} failed ({status})");
    println!("--- {name}: {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Runs a command silently and takes its output.
///
/// # Errors
/// With what the command said, where it fails.
pub fn quiet(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("can't start {}", command.get_program().display()))?;
    ensure!(output.status.success(), "{}: {}", command.get_program().display(), String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
