//! Where tasks, documents and queued work are kept, and for how long.

use std::{path::PathBuf, time::Duration};

use super::vars::{SettingError, Vars, wrong};

/// Where things are kept, and for how long.
#[derive(Debug, Clone)]
pub struct StorageSettings {
    /// `A2A_DATABASE_URL`: `sqlite://PATH`, relative to the working directory or absolute. Default `sqlite://.a2a/a2a.db`.
    pub database: DatabaseUrl,
    /// `A2A_TASK_RETENTION_DAYS`: finished tasks are deleted after so many days, 1 to 36500. Default 30.
    pub task_retention: Duration,
}

/// A database that this version can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, made if there is none.
    Sqlite(PathBuf),
}

const DAY: u64 = 24 * 3600;

pub(super) fn read(vars: &Vars) -> Result<StorageSettings, SettingError> {
    let database = match vars.get("A2A_DATABASE_URL") {
        None => DatabaseUrl::Sqlite(".a2a/a2a.db".into()),
        Some(url) => database(url)?,
    };
    vars.not_supported("A2A_REDIS_URL", "events are told within the process, so leave it unset")?;
    vars.not_supported("A2A_QUEUE_URL", "background work is queued in the database, so leave it unset")?;
    // Sizes of pools that this version doesn't have. They are limits, so having none keeps to them.
    vars.number("A2A_DB_MAX_CONNECTIONS", 1..=10_000, 20)?;
    vars.number("A2A_REDIS_MAX_CONNECTIONS", 1..=10_000, 50)?;
    let days = vars.number("A2A_TASK_RETENTION_DAYS", 1..=36_500, 30)?;
    Ok(StorageSettings { database, task_retention: Duration::from_secs(days * DAY) })
}

fn database(url: &str) -> Result<DatabaseUrl, SettingError> {
    match url.split_once("://") {
        Some(("sqlite", path)) if !path.is_empty() && !path.contains(['?', '\0']) => Ok(DatabaseUrl::Sqlite(path.into())),
        // Never the whole value: what isn't understood may hold a password.
        Some((scheme, _)) if scheme != "sqlite" => {
            Err(wrong("A2A_DATABASE_URL", format!("`{scheme}://***`"), "`sqlite://PATH` (the only database in this version)"))
        }
        Some(_) => Err(wrong("A2A_DATABASE_URL", format!("`{url}`"), "`sqlite://PATH` with the path of a file")),
        None => Err(wrong("A2A_DATABASE_URL", "no URL", "`sqlite://PATH`")),
    }
}
