//! What operators do: dump and restore a database, load a server, run everything in containers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

#[allow(dead_code, unused_imports, reason = "what another suite needs of it")]
#[path = "../e2e/harness/mod.rs"]
mod harness;

mod backups;
mod compose;
mod load;
