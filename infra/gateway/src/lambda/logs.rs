//! What functions print: metrics are counted with the gateway's own, other lines printed with the function's name before them.

use std::io::Write;

use metrics::counter;
use telemetry::metric;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Counts and prints what comes until its end.
pub(super) fn forward(function: &str, environment: u64, output: Option<impl AsyncRead + Unpin + Send + 'static>) {
    let Some(output) = output else { return };
    let logged = counter!(metric::LOGGED, "function" => function.to_owned());
    let prefix = format!("[{function} {environment}]");
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            logged.increment(line.len() as u64 + 1);
            if telemetry::count_embedded(&line) {
                continue;
            }
            #[cfg(feature = "otlp")]
            crate::otlp::hear(&line);
            // Whole lines, so that those of several functions don't mix. Where nobody reads any more, nothing is to be said.
            let _ = writeln!(std::io::stderr().lock(), "{prefix} {}", String::from_utf8_lossy(&line));
        }
    });
}
