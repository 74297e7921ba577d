//! Programs of other makers that some tests run: Python and Node.js with an official SDK.

use std::{path::PathBuf, process::Command};

/// A program (or a folder of modules) that `cargo xtask test` found or installed.
pub struct Tool {
    path: PathBuf,
}

/// The program named by a variable that xtask sets.
///
/// `None` where it isn't set: the test says so and doesn't run. In CI that is a failure, so nothing is skipped silently.
pub fn tool(variable: &str) -> Option<Tool> {
    match std::env::var_os(variable) {
        Some(path) if !path.is_empty() => Some(Tool { path: path.into() }),
        _ if std::env::var_os("CI").is_some() => panic!("{variable} is not set, so this can't run (start it with `cargo xtask test`)"),
        _ => {
            println!("NOT RUN: {variable} is not set (start it with `cargo xtask test`)");
            None
        }
    }
}

impl Tool {
    /// Where it is.
    pub fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// Runs it with these arguments and takes its output; fails with what it said.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.path).args(arguments).env("NO_PROXY", "127.0.0.1").output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{} {arguments:?}: {}\n{out}\n{err}", self.path.display(), output.status);
        out.into_owned()
    }
}
