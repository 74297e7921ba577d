//! Collects metrics in a function, and writes them as lines of its log that CloudWatch takes for metrics (the embedded metric format).

use std::io::{self, Write};

use metrics_cloudwatch_embedded::{Builder, Collector};

use crate::metric::{self, Kind};

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
        let mut lines = Vec::new();
        self.collector.flush(&mut lines)?;
        log.write_all(&lines)?;
        log.flush()
    }
}

/// From now on this process collects metrics for CloudWatch, in a namespace of its own. Once for each process; `None` where it does so already, or for Prometheus.
pub fn install_embedded() -> Option<EmbeddedMetrics> {
    let collector = Builder::new().cloudwatch_namespace("a2a").init().ok()?;
    for (name, kind, unit, description) in metric::ALL {
        match kind {
            Kind::Counter => metrics::describe_counter!(name, unit, description),
            Kind::Gauge => metrics::describe_gauge!(name, unit, description),
            Kind::Histogram => metrics::describe_histogram!(name, unit, description),
        }
    }
    Some(EmbeddedMetrics { collector })
}
