//! What the command line can be asked for, a file for each.

pub mod block;
pub mod cost;
pub mod healthcheck;
pub mod index;
pub mod key;
pub mod load;
pub mod migrate;
pub mod serve;
pub mod token;

use std::io::{self, Write};

/// One line for whoever reads our output; if nobody does, that is no reason to fail.
fn say(line: impl std::fmt::Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
