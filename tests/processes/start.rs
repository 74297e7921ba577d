//! Starts servers whose functions are processes, and ones whose functions are not.

use std::{ffi::OsStr, path::Path, sync::Arc};

use crate::harness::{
    Place, Server,
    server::{as_processes, binary, owned},
};

/// A fresh server with more arguments, whose functions are the programs in this folder, or else those beside the server's own.
pub fn with_processes(settings: &[(&str, &str)], bootstraps: Option<&Path>, arguments: &[&OsStr]) -> Server {
    let bootstraps = bootstraps.unwrap_or(binary().parent().unwrap());
    let all = as_processes(bootstraps).into_iter().chain(arguments.iter().map(|&argument| argument.to_owned()));
    Server::launched(Arc::new(Place::new()), owned(settings), all.collect())
}

/// A fresh server whose functions are in-process.
pub fn in_process(settings: &[(&str, &str)]) -> Server {
    Server::launched(Arc::new(Place::new()), owned(settings), Vec::new())
}
