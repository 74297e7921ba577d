//! What operators choose, read from the environment: a file for each concern, each variable documented where it is read.

mod logging;
pub(crate) mod security;
mod serving;
mod storage;
mod vars;

use std::ffi::OsString;

pub use security::{ProviderSettings, SecretValue, SecuritySettings};
pub use serving::{ServingSettings, Surroundings};
pub use storage::{CorpusFile, DatabaseUrl, QueueUrls, SecretUrl, StorageSettings};
pub use telemetry::logs::{LogFormat, LogSettings};
pub use vars::SettingError;

use vars::Vars;

/// Every setting, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where things are kept, and for how long.
    pub storage: StorageSettings,
    /// Who gets in, and where we go.
    pub security: SecuritySettings,
    /// What is served, and how it looks from outside.
    pub serving: ServingSettings,
    /// What is logged.
    pub logging: LogSettings,
    /// When to die, in a build for fault tests: the variable `A2A_FAULT`.
    #[cfg(feature = "fault-points")]
    pub fault: Option<crate::fault_points::Fault>,
}

impl Settings {
    /// From this process's environment.
    ///
    /// # Errors
    /// The first variable that is wrong, with what it holds and what it takes, in one line.
    pub fn from_env() -> Result<Self, SettingError> {
        Self::read(&Vars::new(std::env::vars_os())?)
    }

    /// From these variables; others are not looked at. An empty value is the same as none.
    ///
    /// # Errors
    /// As [`Self::from_env`].
    pub fn from_vars<K: Into<OsString>, V: Into<OsString>>(vars: impl IntoIterator<Item = (K, V)>) -> Result<Self, SettingError> {
        Self::read(&Vars::new(vars)?)
    }

    fn read(vars: &Vars) -> Result<Self, SettingError> {
        let serving = serving::read(vars)?;
        Ok(Settings {
            storage: storage::read(vars, serving.surroundings)?,
            security: security::read(vars)?,
            logging: logging::read(vars, serving.surroundings)?,
            #[cfg(feature = "fault-points")]
            fault: vars.read("A2A_FAULT", "`kill:POINT#N@FILE`", |fault| fault.parse().ok())?,
            serving,
        })
    }
}

/// `AWS_LAMBDA_RUNTIME_API`, which Lambda sets: where a function gets its events. For itself, because what is wrong with the others is said there.
pub(crate) fn runtime_api() -> Option<String> {
    std::env::var("AWS_LAMBDA_RUNTIME_API").ok()
}

#[cfg(test)]
mod tests;
