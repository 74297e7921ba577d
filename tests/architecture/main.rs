//! The rules of the house, as tests: who may depend on whom, who may do what, how a file looks.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod builds;
mod crates;
mod files;
mod supply_chain;
mod template;
