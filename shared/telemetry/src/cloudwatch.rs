//! Collects metrics in a function, and writes them as lines of its log that CloudWatch takes for metrics (the embedded metric format).

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use metrics_cloudwatch_embedded::{Builder, Collector};

use crate::{availability, held, metric, resources};

/// To look at memory and processors takes as long as a tenth of a quick event.
const RESOURCES_EVERY: Duration = Duration::from_secs(1);

/// The metrics of this process since they were last written.
#[derive(Clone, Copy)]
pub struct EmbeddedMetrics {
    collector: &'static Collector,
}

impl EmbeddedMetrics {
    /// Writes a line for each set of labels of which there is news. To be called before Lambda takes an event for done, because it may never start this
    /// process again.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, mut log: impl Write) -> io::Result<()> {
        show_resources();
        let mut lines = Vec::new();
        loop {
            let is_more = held::hand_on();
            self.collector.flush(&mut lines)?;
            if !is_more {
                break;
            }
        }
        log.write_all(&totalled(lines))?;
        log.flush()
    }
}

/// From now on this process collects metrics for CloudWatch, in this namespace. Once for each process; `None` where it does so already, or for Prometheus.
pub fn install_embedded(namespace: &str) -> Option<EmbeddedMetrics> {
    let collector = Builder::new().cloudwatch_namespace(namespace.to_owned()).init().ok()?;
    metric::describe();
    availability::shown_by_cloudwatch();
    let metrics = EmbeddedMetrics { collector };
    held::hold_for(metrics);
    Some(metrics)
}

fn show_resources() {
    static LAST: Mutex<Option<Instant>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.is_none_or(|last| last.elapsed() >= RESOURCES_EVERY) {
        *last = Some(Instant::now());
        resources::show();
    }
}

/// The same lines, that CloudWatch adds up over all labels too, and by the one that alarms look at: an alarm can't search for labels. The time that
/// messages take isn't in the sum, since it is their agents'.
fn totalled(lines: Vec<u8>) -> Vec<u8> {
    const BEFORE: &str = r#""Dimensions":["#;
    let Ok(text) = String::from_utf8(lines) else { return Vec::new() };
    let mut totalled = String::with_capacity(text.len() + text.len() / 8);
    for line in text.split_inclusive('\n') {
        let whole = line.split_once(BEFORE).and_then(|(before, rest)| {
            let (labels, after) = rest.split_once("]]")?;
            if after.contains(metric::REQUEST_DURATION) && after.contains(r#""method":"SendMessage""#) {
                return None;
            }
            let alone = [r#""status""#, r#""state""#].into_iter().find(|label| labels.contains(label));
            let alone = alone.map_or_else(String::new, |label| format!("[{label}],"));
            (labels != "[").then(|| format!("{before}{BEFORE}{labels}],{alone}[]]{after}"))
        });
        totalled.push_str(whole.as_deref().unwrap_or(line));
    }
    totalled.into_bytes()
}
