//! Many values of one metric within one invocation: in a process of its own, because a process has one collector.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use serde_json::Value;
use telemetry::{install_embedded, metric};

#[test]
fn of_hundreds_of_values_in_one_invocation_none_is_lost() {
    let embedded = install_embedded("a2a").unwrap();
    let histograms = [("commit", 250), ("read", 100), ("list", 1), ("ping", 0)];
    for (operation, count) in histograms {
        let histogram = telemetry::histogram(metric::STORE_DURATION, "operation", operation);
        (0..count).for_each(|value| histogram.record(f64::from(value)));
    }
    let mut log = Vec::new();
    embedded.write(&mut log).unwrap();
    let mut told: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in String::from_utf8(log).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if let Some(values) = line[metric::STORE_DURATION].as_array() {
            assert!(values.len() <= 100, "CloudWatch takes no more of a metric in one line");
            told.entry(line["operation"].as_str().unwrap().to_owned()).or_default().extend(values.iter().map(|value| value.as_f64().unwrap()));
        }
    }
    for (operation, count) in histograms {
        let expected: Vec<f64> = (0..count).map(f64::from).collect();
        assert_eq!(told.remove(operation).unwrap_or_default(), expected, "{operation}");
    }
    let mut log = Vec::new();
    embedded.write(&mut log).unwrap();
    assert!(!String::from_utf8(log).unwrap().contains(metric::STORE_DURATION), "each is told once");
}
