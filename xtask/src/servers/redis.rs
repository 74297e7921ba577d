//! Redis, or Valkey, that keeps nothing on disk.

use std::{path::PathBuf, process::Command};

use anyhow::Result;

use super::{
    image::{self, Image},
    throwaway::{self, Plan, Throwaway},
};
use crate::programs::folder_with;

const PLAN: Plan = Plan { name: "redis", owner: None, ready: &["eady to accept connections"], signal: "TERM", url };
const IMAGE: Image = Image { name: "valkey/valkey:8-alpine", port: 6379, environment: &[] };

/// Redis, or what goes on from it.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// Where one of them is.
pub fn folder() -> Option<PathBuf> {
    PROGRAMS.into_iter().find_map(folder_of)
}

fn folder_of(program: &str) -> Option<PathBuf> {
    folder_with(&[program], ["/opt/homebrew/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin"].map(PathBuf::from).to_vec())
}

/// Starts an empty server from this machine's programs. `None` where there are none.
///
/// # Errors
/// With what the program said.
pub fn from_programs() -> Result<Option<Throwaway>> {
    let Some(program) = PROGRAMS.into_iter().find_map(|name| Some(folder_of(name)?.join(name))) else { return Ok(None) };
    let prepare = |_: &std::path::Path, port: u16| {
        let mut serve = Command::new(&program);
        serve.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
        Ok(serve)
    };
    throwaway::start(&PLAN, prepare).map(Some)
}

/// Starts a server from an image.
///
/// # Errors
/// Where docker can't.
pub fn from_image() -> Result<Throwaway> {
    image::start(&IMAGE, &PLAN, &["valkey-server", "--save", "", "--appendonly", "no"])
}

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}
