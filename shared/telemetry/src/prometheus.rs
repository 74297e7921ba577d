//! Collects metrics in this process and shows them to Prometheus.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::metric::{self, Kind};

/// The metrics of this process, ready to be read.
#[derive(Clone)]
pub struct MetricsPage {
    handle: PrometheusHandle,
}

/// Why metrics can't be collected.
#[derive(Debug, thiserror::Error)]
#[error("metrics can't be collected: {0}")]
pub struct InstallError(#[from] BuildError);

impl MetricsPage {
    /// The content type of [`Self::text`].
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Every metric as it stands, in Prometheus' text format.
    pub fn text(&self) -> String {
        self.handle.render()
    }

    /// Empties the buffers of the histograms. To be called every few seconds, whether anyone reads the page or not.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// From now on this process collects metrics. Once for each process; whoever calls shows the page.
pub fn install_prometheus() -> Result<MetricsPage, InstallError> {
    let mut builder = PrometheusBuilder::new();
    for (name, kind, _, _) in metric::ALL {
        if kind == Kind::Histogram {
            builder = builder.set_buckets_for_metric(Matcher::Full(name.into()), &metric::SECONDS)?;
        }
    }
    let handle = builder.install_recorder()?;
    for (name, kind, unit, description) in metric::ALL {
        match kind {
            Kind::Counter => metrics::describe_counter!(name, unit, description),
            Kind::Gauge => metrics::describe_gauge!(name, unit, description),
            Kind::Histogram => metrics::describe_histogram!(name, unit, description),
        }
    }
    Ok(MetricsPage { handle })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_what_was_counted_with_its_description() {
        let page = install_prometheus().unwrap();
        metrics::counter!(metric::REQUESTS, "method" => "GetTask", "status" => "200", "agent" => "echo").increment(2);
        metrics::histogram!(metric::REQUEST_DURATION, "method" => "GetTask").record(0.003);
        page.upkeep();

        let text = page.text();
        assert!(text.contains(r#"a2a_requests_total{method="GetTask",status="200",agent="echo"} 2"#), "{text}");
        assert!(text.contains(r#"a2a_request_duration_seconds_bucket{method="GetTask",le="0.005"} 1"#), "{text}");
        assert!(text.contains("# HELP a2a_requests_total Requests by method, status and agent"), "{text}");
    }
}
