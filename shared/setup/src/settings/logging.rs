//! What is logged, how and where to.

use telemetry::logs::{LogFormat, LogSettings};

use super::{
    serving::Surroundings,
    vars::{SettingError, Vars},
};

/// `A2A_LOG_FORMAT`: `json` or `text`; default text on a terminal, else JSON.
/// `A2A_LOG_DIR`: a directory for files, a new one each day, of which 30 are kept for 30 days; default standard output.
/// `A2A_LOG_MAX_MB`: a file is followed by another one before it has more mebibytes, 1 to 10240; default 100.
/// `A2A_METRICS_NAMESPACE`: where CloudWatch counts what a function logs of its metrics; default `a2a`.
/// `RUST_LOG`: what is logged, as `tracing` filters are written; default `info`.
pub(super) fn read(vars: &Vars, surroundings: Surroundings) -> Result<LogSettings, SettingError> {
    Ok(LogSettings {
        metrics_namespace: vars
            .read("A2A_METRICS_NAMESPACE", "1 to 255 letters, digits and `.-_/#:`, such as `a2a/production`", |name| {
                let usable = name.len() <= 255 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_/#:".contains(&byte));
                usable.then(|| name.to_owned())
            })?
            .unwrap_or_else(|| "a2a".to_owned()),
        format: vars.word("A2A_LOG_FORMAT", &[("json", Some(LogFormat::Json)), ("text", Some(LogFormat::Text))], None)?,
        directory: vars.get("A2A_LOG_DIR").map(Into::into),
        max_file_bytes: vars.number("A2A_LOG_MAX_MB", 1..=10_240, 100)? << 20,
        filter: vars.get("RUST_LOG").unwrap_or("info").to_owned(),
        // Lambda freezes a function after its response, and a thread that writes with it.
        blocking: surroundings == Surroundings::Lambda,
    })
}
