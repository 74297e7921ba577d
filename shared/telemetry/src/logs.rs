//! Where log lines go, and in which form.

mod files;
mod gathered;
mod json_line;
mod redact;

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use self::{
    files::RotatedFiles,
    gathered::{Gathered, Gathering},
    json_line::JsonLine,
};
use tracing::Subscriber;
use tracing_subscriber::{Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt};

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object.
    Json,
    /// For people.
    Text,
}

/// What is logged, how and where to.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// `None`: text on a terminal, else JSON.
    pub format: Option<LogFormat>,
    /// A directory for files; `None` for standard output.
    pub directory: Option<PathBuf>,
    /// A file is followed by another one where it would have more bytes, and each day.
    pub max_file_bytes: u64,
    /// Directives such as `info,sqlx=warn`.
    pub filter: String,
    /// Whether a line may wait for its reader. Where it may not, lines are dropped while the reader is too slow, and
    /// a thread of its own writes them, so that no request ever waits for its log line.
    pub blocking: bool,
    /// Where CloudWatch counts what is logged of metrics: see [`crate::install_embedded`].
    pub metrics_namespace: String,
}

/// Keeps the log going; when it is dropped, what is still in its buffer is written.
#[must_use = "the log ends when this is dropped"]
pub struct LogGuard {
    _gathering: Option<Gathering>,
}

/// Why there can't be a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The directory can't be written to.
    #[error("no log can be written in `{directory}`: {cause}")]
    Directory {
        /// As set.
        directory: PathBuf,
        /// Of the operating system.
        cause: io::Error,
    },
    /// The directives can't be read.
    #[error("`{filter}` is no log filter: {cause}")]
    Filter {
        /// As set.
        filter: String,
        /// What is wrong with it.
        cause: tracing_subscriber::filter::ParseError,
    },
    /// The operating system gives no thread.
    #[error("no thread can be had for the log: {0}")]
    Thread(#[source] io::Error),
    /// There is one already.
    #[error("this process has a log already")]
    AlreadyStarted,
}

/// From now on this process logs. Once for each process.
pub fn start(settings: &LogSettings) -> Result<LogGuard, LogError> {
    begin(settings, tracing_subscriber::registry())
}

/// The same, and a layer hears of each line that is logged.
pub fn start_with(settings: &LogSettings, layer: impl Layer<Registry> + Send + Sync) -> Result<LogGuard, LogError> {
    begin(settings, tracing_subscriber::registry().with(layer))
}

fn begin<S>(settings: &LogSettings, heard: S) -> Result<LogGuard, LogError>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let filter = settings.filter.parse::<Targets>().map_err(|cause| LogError::Filter { filter: settings.filter.clone(), cause })?;
    let terminal = settings.directory.is_none() && io::stdout().is_terminal();
    let format = settings.format.unwrap_or(if terminal { LogFormat::Text } else { LogFormat::Json });
    let (writer, gathering) = match &settings.directory {
        // A thread that writes for others would be frozen with its function.
        Some(directory) if settings.blocking => {
            let files = files(directory, settings.max_file_bytes)?;
            (Writer::Files(Arc::new(Mutex::new(files))), None)
        }
        Some(directory) => split(gathered::start(files(directory, settings.max_file_bytes)?).map_err(LogError::Thread)?),
        None if settings.blocking => (Writer::Blocking, None),
        None => split(gathered::start(io::stdout()).map_err(LogError::Thread)?),
    };
    let registry = heard.with(filter);
    let started = match format {
        LogFormat::Json => registry.with(fmt::layer().event_format(JsonLine).with_writer(writer)).try_init(),
        LogFormat::Text => registry.with(fmt::layer().with_ansi(terminal).with_writer(writer)).try_init(),
    };
    started.map_err(|_| LogError::AlreadyStarted)?;
    Ok(LogGuard { _gathering: gathering })
}

fn files(directory: &Path, max_bytes: u64) -> Result<RotatedFiles, LogError> {
    RotatedFiles::open(directory, max_bytes).map_err(|cause| LogError::Directory { directory: directory.into(), cause })
}

fn split((gathered, gathering): (Gathered, Gathering)) -> (Writer, Option<Gathering>) {
    (Writer::Gathered(gathered), Some(gathering))
}

/// What takes a line.
#[derive(Clone)]
enum Writer {
    Blocking,
    Files(Arc<Mutex<RotatedFiles>>),
    Gathered(Gathered),
}

impl fmt::MakeWriter<'_> for Writer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl io::Write for Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let redacted = redact::redacted(&text);
        match self {
            Writer::Blocking => io::stdout().write_all(redacted.as_bytes()),
            Writer::Files(files) => files.lock().unwrap_or_else(PoisonError::into_inner).write_all(redacted.as_bytes()),
            Writer::Gathered(gathered) => gathered.write_all(redacted.as_bytes()),
        }?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Writer::Blocking => io::stdout().flush(),
            Writer::Files(files) => files.lock().unwrap_or_else(PoisonError::into_inner).flush(),
            Writer::Gathered(gathered) => gathered.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_can_not_be_read_is_named() {
        let settings = LogSettings {
            format: None,
            directory: None,
            max_file_bytes: 1 << 20,
            filter: "info,sqlx=loud".into(),
            blocking: false,
            metrics_namespace: "a2a".into(),
        };
        assert!(start(&settings).err().is_some_and(|error| error.to_string().contains("`info,sqlx=loud`")));
    }

    #[test]
    fn lines_go_to_a_file_as_json() {
        let directory = tempfile::tempdir().unwrap();
        let settings = LogSettings {
            format: Some(LogFormat::Json),
            directory: Some(directory.path().into()),
            max_file_bytes: 1 << 20,
            filter: "info".into(),
            blocking: false,
            metrics_namespace: "a2a".into(),
        };
        let guard = start(&settings).unwrap();
        tracing::info!(method = "GetTask", status = 200, late = false, share = 0.5, cause = %"a \"quoted\" one", "request");
        tracing::debug!("unheard");
        tracing::warn!(url = "postgres://ann:hunter2@db/a2a", "unreachable");
        drop(guard);

        let file = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(file).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("postgres://ann:***@db/a2a") && !text.contains("hunter2"), "{text}");
        let mut line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert!(line["timestamp"].take().as_str().unwrap().ends_with('Z'), "{text}");
        let expected = serde_json::json!({
            "timestamp": null, "level": "INFO", "message": "request", "method": "GetTask", "status": 200, "late": false, "share": 0.5,
            "cause": "a \"quoted\" one", "target": "telemetry::logs::tests",
        });
        assert_eq!(line, expected);
        assert!(matches!(start(&settings), Err(LogError::AlreadyStarted)));
    }
}
