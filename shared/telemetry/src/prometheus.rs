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

    /// Every metric as it stands, in Prometheus' text format; those that nothing was counted of yet with their names alone.
    pub fn text(&self) -> String {
        let mut text = self.handle.render();
        for (name, kind, _, description) in metric::ALL {
            let kind = format!("# TYPE {name} {}\n", kind.as_str());
            if !text.contains(&kind) {
                text.push_str(&format!("# HELP {name} {description}\n{kind}\n"));
            }
        }
        text
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
        if *kind == Kind::Histogram {
            builder = builder.set_buckets_for_metric(Matcher::Full((*name).into()), &metric::SECONDS)?;
        }
    }
    let handle = builder.install_recorder()?;
    metric::describe();
    Ok(MetricsPage { handle })
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test, because a process has one collector.
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
        for (name, kind, ..) in metric::ALL {
            assert_eq!(text.matches(&format!("# TYPE {name} {}\n", kind.as_str())).count(), 1, "{name}: {text}");
        }

        // What functions log is counted with it.
        let lines = [
            r#"{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"a2a","Dimensions":[["method","status","agent"],["status"],[]],"Metrics":[{"Name":"a2a_requests_total","Unit":"Count"}]}]},"agent":"echo","method":"GetTask","status":"200","a2a_requests_total":3}"#,
            r#"{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"a2a","Dimensions":[["method"],[]],"Metrics":[{"Name":"a2a_request_duration_seconds"}]}]},"method":"GetTask","a2a_request_duration_seconds":[0.004,0.2]}"#,
            r#"{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"a2a","Dimensions":[["method"]],"Metrics":[{"Name":"a2a_request_duration_seconds"}]}]},"method":"GetTask","a2a_request_duration_seconds":{"Values":[0.3],"Counts":[5]}}"#,
            r#"{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"a2a","Dimensions":[["queue"]],"Metrics":[{"Name":"a2a_queue_depth"}]}]},"queue":"run-task","a2a_queue_depth":7.0}"#,
            r#"{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"a2a","Dimensions":[[]],"Metrics":[{"Name":"a2a_memory_usage_bytes"},{"Name":"somebody_elses"}]}]},"a2a_memory_usage_bytes":7.0,"somebody_elses":1}"#,
        ];
        assert!(lines.iter().all(|line| crate::count_embedded(line.as_bytes())));
        assert!(!crate::count_embedded(br#"{"message":"a line of the log"}"#) && !crate::count_embedded(br#"{"_aws": broken"#));
        page.upkeep();
        let text = page.text();
        for shown in [
            r#"a2a_requests_total{method="GetTask",status="200",agent="echo"} 5"#,
            r#"a2a_request_duration_seconds_bucket{method="GetTask",le="0.005"} 2"#,
            r#"a2a_request_duration_seconds_count{method="GetTask"} 8"#,
        ] {
            assert!(text.lines().any(|line| line == shown), "{shown} is missing in {text}");
        }
        assert!(!text.contains("somebody_elses") && !text.contains("a2a_memory_usage_bytes 7") && !text.contains("a2a_queue_depth{"), "{text}");
    }
}
