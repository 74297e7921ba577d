//! What operators choose, read from the environment.

/// Every setting, checked.
#[derive(Debug, Clone)]
pub struct Settings {}

impl Settings {
    /// From this process's environment.
    pub fn from_env() -> anyhow::Result<Self> {
        Self::from_vars(std::env::vars())
    }

    /// From these variables; others are not looked at.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> anyhow::Result<Self> {
        let _ = vars.into_iter();
        Ok(Settings {})
    }
}
