//! What is logged, how and where to.

use telemetry::logs::{LogFormat, LogSettings};

use super::{
    serving::Surroundings,
    vars::{SettingError, Vars},
};

/// `A2A_LOG_FORMAT`: `json` or `text`; default text on a terminal, else JSON.
/// `A2A_LOG_DIR`: a directory for files that change daily, of which 30 are kept; default standard output.
/// `RUST_LOG`: what is logged, as `tracing` filters are written; default `info`.
pub(super) fn read(vars: &Vars, surroundings: Surroundings) -> Result<LogSettings, SettingError> {
    Ok(LogSettings {
        format: vars.word("A2A_LOG_FORMAT", &[("json", Some(LogFormat::Json)), ("text", Some(LogFormat::Text))], None)?,
        directory: vars.get("A2A_LOG_DIR").map(Into::into),
        filter: vars.get("RUST_LOG").unwrap_or("info").to_owned(),
        // Lambda freezes a function after its response, and a thread that writes with it.
        blocking: surroundings == Surroundings::Lambda,
    })
}
