//! `a2a load`, run against a server, and the report that it writes.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use super::server::binary;

/// Runs it in an empty directory, and reads the report, if one was written.
pub async fn load(url: &str, arguments: &[&str]) -> (Output, Value) {
    let directory = tempfile::tempdir().unwrap();
    let mut command = load_command(url, arguments, directory.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let report = std::fs::read_to_string(directory.path().join("report.json")).map(|report| serde_json::from_str(&report).unwrap());
    (output, report.unwrap_or_default())
}

/// How it is run there.
pub fn load_command(url: &str, arguments: &[&str], directory: &Path) -> Command {
    let mut command = Command::new(binary());
    command.args(["load", "--url", url, "--report", "report.json"]).args(arguments).current_dir(directory);
    command
}

/// Without waiting for anything but answers.
pub const AT_ONCE: [&str; 4] = ["--ramp-up", "0", "--think-time", "0"];

/// What a program printed.
pub fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
