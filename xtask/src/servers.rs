//! The servers that tests need: those that variables name, else throwaway ones from this machine's programs, from Debian's packages, or from
//! images.

mod aws;
mod image;
mod postgres;
mod redis;
mod throwaway;

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

pub use self::throwaway::Throwaway;
use crate::programs::apt;

/// Where Postgres is.
pub const POSTGRES: &str = "A2A_TEST_POSTGRES_URL";
/// Where Redis is.
pub const REDIS: &str = "A2A_TEST_REDIS_URL";
/// Where DynamoDB and SQS are; several URLs, separated by spaces, share the load.
pub const AWS: &str = "A2A_TEST_AWS_URL";

/// Programs of servers for tests that stop or dump theirs: the variable with their folder, what to install, the names of such tests, where the folder is.
type Programs = (&'static str, &'static str, &'static [&'static str], fn() -> Option<PathBuf>);

const PROGRAMS: [Programs; 2] = [
    ("A2A_TEST_POSTGRES_BIN", "postgresql", &["postgres_restarted", "postgres_dumped"], postgres::folder),
    ("A2A_TEST_REDIS_BIN", "redis-server", &["redis_stopped"], redis::folder),
];

/// A kind of server: its variable, what the names of tests that need it have in them, and how to start one.
type Kind = (&'static str, &'static [&'static str], fn() -> Result<Vec<Throwaway>>);

const KINDS: [Kind; 3] = [
    (POSTGRES, &["postgres"], || {
        let fast = || postgres::from_programs(postgres::FAST);
        found_or_installed("postgresql", fast, || postgres::from_image(postgres::FAST)).map(|server| vec![server])
    }),
    (REDIS, &["redis"], || redis().map(|server| vec![server])),
    (AWS, &["dynamo", "sqs"], aws::start),
];

/// Servers to test against. Those that were started here end with this value, and with this process at the latest.
#[derive(Default)]
pub struct Servers {
    /// Where they are, for the tests.
    pub variables: Vec<(&'static str, String)>,
    /// What there is none of.
    pub missing: Vec<Missing>,
    running: Vec<(&'static str, Vec<Throwaway>)>,
}

/// A server that there is none of.
pub struct Missing {
    /// Its variable, and what to install.
    pub why: String,
    /// Tests that need it have one of these in their names.
    pub tests: &'static [&'static str],
}

impl Servers {
    /// Finds or starts one of each kind.
    pub fn start() -> Servers {
        let mut servers = Servers::default();
        for (variable, tests, start) in KINDS {
            match env::var(variable) {
                Ok(url) if !url.is_empty() => servers.variables.push((variable, url)),
                _ => match start() {
                    Ok(started) => {
                        let urls: Vec<_> = started.iter().map(|server| server.url.as_str()).collect();
                        servers.variables.push((variable, urls.join(" ")));
                        servers.running.push((variable, started));
                    }
                    Err(error) => servers.missing.push(Missing { why: format!("tests that need {variable}: {error:#}"), tests }),
                },
            }
        }
        for (variable, package, tests, folder) in PROGRAMS {
            let named = env::var(variable).ok().filter(|folder| !folder.is_empty());
            match named.or_else(|| Some(folder()?.to_string_lossy().into_owned())) {
                Some(folder) => servers.variables.push((variable, folder)),
                None => servers.missing.push(Missing { why: format!("tests that stop or dump a server: install {package}"), tests }),
            }
        }
        servers
    }

    /// Whether there is one of a kind.
    pub fn has(&self, variable: &str) -> bool {
        self.variables.iter().any(|(name, _)| *name == variable)
    }

    /// Whether there is one of a kind that was there before, and stays.
    pub fn borrowed(&self, variable: &str) -> bool {
        self.has(variable) && !self.running.iter().any(|(name, _)| *name == variable)
    }
}

/// A Postgres for benches: what it says is stored survives a power cut, and it counts statements.
///
/// # Errors
/// Say what to install.
pub fn durable_postgres() -> Result<Throwaway> {
    found_or_installed("postgresql", || postgres::from_programs(postgres::DURABLE), || postgres::from_image(postgres::DURABLE))
}

/// A Redis that keeps nothing.
///
/// # Errors
/// Say what to install.
pub fn redis() -> Result<Throwaway> {
    found_or_installed("redis-server", redis::from_programs, redis::from_image)
}

fn found_or_installed(package: &str, programs: fn() -> Result<Option<Throwaway>>, image: fn() -> Result<Throwaway>) -> Result<Throwaway> {
    if let Some(server) = programs()? {
        return Ok(server);
    }
    if apt(package).is_ok()
        && let Some(server) = programs()?
    {
        return Ok(server);
    }
    image().with_context(|| format!("install {package} or docker"))
}
