//! Reads the lines of metrics that functions log, and counts what they say here, so that one page tells of all processes.

use metrics::{Label, SharedString, counter, histogram};
use serde_json::{Map, Value};

use crate::{
    availability,
    metric::{self, Kind},
};

/// What whoever runs the process counts itself. So are gauges: what stands in the store is looked up when the page is read.
const NOT_OF_ALL: [&str; 2] = [metric::COLD_STARTS, metric::AGENT_AVAILABILITY];

/// Whether the line was one of metrics: then it is counted, and needn't be shown.
pub fn count_embedded(line: &[u8]) -> bool {
    if !line.starts_with(br#"{"_aws""#) {
        return false;
    }
    let Ok(Value::Object(line)) = serde_json::from_slice(line) else { return false };
    for described in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
        let labels = labels(&line, &described["Dimensions"]);
        for name in described["Metrics"].as_array().into_iter().flatten().filter_map(|metric| metric["Name"].as_str()) {
            let known = metric::ALL.iter().find(|(known, ..)| *known == name && !NOT_OF_ALL.contains(known));
            if let (Some((name, kind, ..)), Some(value)) = (known, line.get(name)) {
                record(name, *kind, &labels, value);
            }
        }
    }
    true
}

/// The first set of dimensions has all of them.
fn labels(line: &Map<String, Value>, dimensions: &Value) -> Vec<Label> {
    let names = dimensions[0].as_array().into_iter().flatten().filter_map(Value::as_str);
    let label = |name: &str| Some(Label::new(SharedString::from_owned(name.to_owned()), line.get(name)?.as_str()?.to_owned()));
    names.filter_map(label).collect()
}

fn record(name: &'static str, kind: Kind, labels: &[Label], value: &Value) {
    let labels = labels.to_vec();
    match kind {
        Kind::Counter => {
            let count = value.as_u64().unwrap_or(0);
            if name == metric::TASKS {
                availability::count(count, labels.iter().any(|label| (label.key(), label.value()) == ("state", "failed")));
            }
            counter!(name, labels).increment(count);
        }
        Kind::Gauge => {}
        Kind::Histogram => {
            let histogram = histogram!(name, labels);
            for (value, count) in sizes(value) {
                histogram.record_many(value, count);
            }
        }
    }
}

/// A number, a list of them, or a list of values with one of how often each was there.
fn sizes(value: &Value) -> Vec<(f64, usize)> {
    let list = |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect::<Vec<_>>();
    match value {
        Value::Number(number) => number.as_f64().map(|value| (value, 1)).into_iter().collect(),
        Value::Array(_) => list(value).into_iter().map(|value| (value, 1)).collect(),
        _ => list(&value["Values"]).into_iter().zip(list(&value["Counts"]).into_iter().map(|count| count as usize)).collect(),
    }
}
