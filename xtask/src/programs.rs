//! Programs on this machine: where they are, who may run them, and how Debian's are installed.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::step::quiet;

/// The first folder that holds all of these programs: of `PATH`, then of the others.
pub fn folder_with(programs: &[&str], others: Vec<PathBuf>) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain(others).find(|folder| programs.iter().all(|program| folder.join(program).is_file()))
}

/// The subfolders of a folder whose names begin so, with something below them; the highest version first.
pub fn versions(folder: &str, beginning: &str, below: &str) -> Vec<PathBuf> {
    let entries = Path::new(folder).read_dir().into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(beginning)?.trim_matches(|c: char| !c.is_ascii_digit()).split('.').next()?.parse::<u32>().unwrap_or(0);
            Some((version, entry.path().join(below)))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    id(&["-u"]) == Some(0)
}

/// The user and group of a name.
pub fn user(name: &str) -> Option<(u32, u32)> {
    Some((id(&["-u", name])?, id(&["-g", name])?))
}

fn id(arguments: &[&str]) -> Option<u32> {
    quiet(Command::new("id").args(arguments)).ok()?.trim().parse().ok()
}

/// Installs a Debian package, where this may be done.
///
/// # Errors
/// Says what to install where it may not, or where it fails.
pub fn apt(package: &str) -> Result<()> {
    ensure!(is_root() && folder_with(&["apt-get"], Vec::new()).is_some(), "install {package}");
    let install = || {
        quiet(
            Command::new("apt-get")
                .args(["install", "--yes", "--quiet", "--no-install-recommends", package])
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    if install().is_err() {
        quiet(Command::new("apt-get").args(["update", "--quiet"]))?;
        install().with_context(|| format!("install {package}"))?;
    }
    Ok(())
}
