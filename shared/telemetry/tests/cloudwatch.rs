//! Metrics as CloudWatch reads them: in a process of its own, because a process has one collector.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use telemetry::{install_embedded, metric};

#[test]
fn metrics_are_written_once_as_lines_that_cloudwatch_reads() {
    let embedded = install_embedded("a2a/blue").unwrap();
    metrics::counter!(metric::REQUESTS, "method" => "GetTask", "status" => "200", "agent" => "echo").increment(2);
    metrics::histogram!(metric::REQUEST_DURATION, "method" => "GetTask").record(0.25);

    let mut log = Vec::new();
    metrics::histogram!(metric::REQUEST_DURATION, "method" => "SendMessage").record(25.0);
    embedded.write(&mut log).unwrap();
    let lines: Vec<Value> = String::from_utf8(log).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| lines.iter().find(|line| !line[name].is_null()).unwrap();
    let requests = of(metric::REQUESTS);
    assert_eq!((&requests[metric::REQUESTS], &requests["method"]), (&2.into(), &"GetTask".into()));
    let described = &requests["_aws"]["CloudWatchMetrics"][0];
    assert_eq!((&described["Namespace"], &described["Metrics"][0]["Unit"]), (&"a2a/blue".into(), &"Count".into()));
    // In total and by what alarms look at, beside all labels.
    assert_eq!(described["Dimensions"], serde_json::json!([["method", "status", "agent"], ["status"], []]));
    // A message takes as long as its agent, which an alarm on all answers mustn't see.
    let of_messages = lines.iter().find(|line| line["method"] == "SendMessage").unwrap();
    assert_eq!(of_messages["_aws"]["CloudWatchMetrics"][0]["Dimensions"], serde_json::json!([["method"]]));
    assert_eq!(of(metric::REQUEST_DURATION)[metric::REQUEST_DURATION], serde_json::json!([0.25]));

    let mut log = Vec::new();
    embedded.write(&mut log).unwrap();
    // Gauges stand as they are; nothing was counted since.
    let lines = String::from_utf8(log).unwrap();
    assert!(lines.contains(metric::MEMORY), "{lines}");
    assert!(!lines.contains(metric::REQUESTS) && !lines.contains(metric::REQUEST_DURATION), "{lines}");
}
