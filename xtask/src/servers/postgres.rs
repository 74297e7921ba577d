//! Postgres for one run, with or without its promise to survive a power cut.

use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{
    image::{self, Image},
    throwaway::{self, Plan, Throwaway},
};
use crate::{
    programs::{folder_with, is_root, user, versions},
    step::quiet,
};

/// For tests: what they keep there, nobody misses.
pub const FAST: &[&str] =
    &["fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "max_connections=1500"];
/// For benches: a commit is on the disk when it is told, and statements are counted.
pub const DURABLE: &[&str] = &["fsync=on", "synchronous_commit=on", "shared_preload_libraries=pg_stat_statements", "max_connections=500"];

const READY: &str = "database system is ready to accept connections";
const IMAGE: Image = Image { name: "postgres:17-alpine", port: 5432, environment: &["POSTGRES_HOST_AUTH_METHOD=trust"] };

/// Starts a server with an empty cluster and these settings from this machine's programs. `None` where there are none.
///
/// # Errors
/// With what a program said.
pub fn from_programs(settings: &[&'static str]) -> Result<Option<Throwaway>> {
    let Some(folder) = folder() else { return Ok(None) };
    // It refuses to run as root.
    let owner = if is_root() { Some(user("postgres").or_else(|| user("nobody")).context("a user `postgres` is needed")?) } else { None };
    let program = |name: &str, directory: &Path| {
        let mut command = Command::new(folder.join(name));
        command.current_dir(directory).env("LC_ALL", "C");
        if let Some((user, group)) = owner {
            command.uid(user).gid(group);
        }
        command
    };
    let locale = if cfg!(target_os = "macos") { "--locale=en_US.UTF-8" } else { "--locale=C.UTF-8" };
    let plan = Plan { name: "postgres", owner, ready: &[READY], signal: "QUIT", url };
    let prepare = |directory: &Path, port: u16| {
        let mut create = program("initdb", directory);
        quiet(create.args(["--pgdata=data", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", locale]))?;
        let mut serve = program("postgres", directory);
        serve
            .args(["-D", "data", "-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
            .args(arguments(settings));
        Ok(serve)
    };
    throwaway::start(&plan, prepare).map(Some)
}

/// Starts a server from its image.
///
/// # Errors
/// Where docker can't.
pub fn from_image(settings: &[&'static str]) -> Result<Throwaway> {
    // It starts once more after it has made its cluster.
    let plan = Plan { name: "postgres", owner: None, ready: &["init process complete", READY], signal: "TERM", url };
    image::start(&IMAGE, &plan, &arguments(settings))
}

/// Where Debian, Fedora and Homebrew put it.
pub fn folder() -> Option<PathBuf> {
    let mut places = versions("/usr/lib/postgresql", "", "bin");
    places.extend(versions("/usr", "pgsql-", "bin"));
    for brew in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        places.extend(versions(brew, "postgresql", "bin"));
    }
    folder_with(&["postgres", "initdb"], places)
}

fn arguments(settings: &[&'static str]) -> Vec<&'static str> {
    settings.iter().flat_map(|setting| ["-c", *setting]).collect()
}

fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}
