//! The page that Prometheus reads: every metric by its name and labels, counted as often as things happened.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::harness::{Inbox, Server, message};

/// A line of the page: its name, its labels, its value.
#[derive(Debug, Clone)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// What a scrape of the page read: samples, and the type and description of each metric.
struct Page {
    samples: Vec<Sample>,
    types: BTreeMap<String, String>,
    described: Vec<String>,
}

impl Page {
    /// Reads Prometheus' text format; what isn't of it fails the test.
    fn parse(text: &str) -> Page {
        let (mut samples, mut types, mut described) = (Vec::new(), BTreeMap::new(), Vec::new());
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} is typed twice");
            } else if let Some(rest) = line.strip_prefix("# HELP ") {
                described.push(rest.split_once(' ').unwrap().0.to_owned());
            } else {
                let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("`{line}` is no sample"));
                let (name, labels) = name.strip_suffix('}').map_or((name, ""), |labelled| labelled.split_once('{').unwrap());
                let label = |pair: &str| {
                    let (label, value) = pair.split_once('=').unwrap();
                    (label.to_owned(), value.trim_matches('"').to_owned())
                };
                let labels = labels.split(',').filter(|pair| !pair.is_empty()).map(label).collect();
                samples.push(Sample { name: name.to_owned(), labels, value: value.parse().unwrap() });
            }
        }
        Page { samples, types, described }
    }

    /// The sum of what has this name and these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted =
            |sample: &&Sample| sample.name == name && labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|v| v == value));
        self.samples.iter().filter(wanted).map(|sample| sample.value).sum()
    }

    fn labels_of(&self, name: &str) -> Vec<&str> {
        let sample = self.samples.iter().find(|sample| sample.name == name).unwrap_or_else(|| panic!("{name} has no sample"));
        sample.labels.keys().map(String::as_str).collect()
    }
}

/// The page once it shows what a test waits for: what functions of their own processes count comes a moment later.
async fn page_with(server: &Server, shown: impl Fn(&Page) -> bool) -> Page {
    let start = Instant::now();
    loop {
        let text = server.metrics().await;
        let page = Page::parse(&text);
        if shown(&page) {
            return page;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "the page doesn't come to show it: {text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const NAMES: [(&str, &str); 15] = [
    ("a2a_requests_total", "counter"),
    ("a2a_request_duration_seconds", "histogram"),
    ("a2a_tasks_total", "counter"),
    ("a2a_active_tasks", "gauge"),
    ("a2a_agent_availability", "gauge"),
    ("a2a_system_health", "gauge"),
    ("a2a_memory_usage_bytes", "gauge"),
    ("a2a_cpu_usage_percent", "gauge"),
    ("a2a_errors_total", "counter"),
    ("a2a_task_duration_seconds", "histogram"),
    ("a2a_stream_clients", "gauge"),
    ("a2a_queue_depth", "gauge"),
    ("a2a_push_deliveries_total", "counter"),
    ("a2a_cold_starts_total", "counter"),
    ("a2a_store_duration_seconds", "histogram"),
];

#[tokio::test]
async fn every_metric_is_on_the_page_with_its_type_and_description() {
    let page = Page::parse(&Server::with(&[]).metrics().await);
    for (name, kind) in NAMES {
        assert_eq!(page.types.get(name).map(String::as_str), Some(kind), "{name}");
        assert!(page.described.iter().any(|described| described == name), "{name} isn't described");
    }
    for name in ["a2a_active_tasks", "a2a_agent_availability", "a2a_system_health", "a2a_memory_usage_bytes", "a2a_cpu_usage_percent"] {
        assert!(page.labels_of(name).is_empty(), "{name}");
    }
    assert_eq!((page.sum("a2a_agent_availability", &[]), page.sum("a2a_system_health", &[])), (1.0, 1.0));
    assert!(page.sum("a2a_memory_usage_bytes", &[]) > 1_000_000.0);
}

#[tokio::test]
async fn the_page_counts_what_was_sent() {
    let server = Server::conformance();
    for number in 0..3 {
        server.ok("SendMessage", message(&format!("tck-complete-task-{number}"), "hello")).await;
    }
    server.ok("SendMessage", message("tck-input-required-1", "hello")).await;
    server.v1_stream("SendStreamingMessage", message("tck-stream-001", "hello")).await.all().await;
    for _ in 0..2 {
        server.v1("GetTask", json!({"id": "no-such-task"})).await;
    }
    let page =
        page_with(&server, |page| page.sum("a2a_tasks_total", &[]) >= 5.0 && page.sum("a2a_requests_total", &[("method", "GetTask")]) >= 2.0).await;
    let requests = |method, status| page.sum("a2a_requests_total", &[("method", method), ("status", status)]);
    assert_eq!((requests("SendMessage", "200"), requests("SendStreamingMessage", "200"), requests("GetTask", "404")), (4.0, 1.0, 2.0));
    assert_eq!(page.labels_of("a2a_requests_total"), ["agent", "method", "status"]);
    assert_eq!(page.sum("a2a_request_duration_seconds_count", &[("method", "SendMessage")]), 4.0);
    assert_eq!(page.sum("a2a_request_duration_seconds_bucket", &[("method", "SendMessage"), ("le", "+Inf")]), 4.0);
    assert_eq!(page.sum("a2a_errors_total", &[("method", "GetTask"), ("reason", "TASK_NOT_FOUND")]), 2.0);
    let tasks = |state| page.sum("a2a_tasks_total", &[("agent", "conformance"), ("state", state)]);
    assert_eq!((tasks("completed"), tasks("input-required")), (4.0, 1.0));
    assert_eq!(page.labels_of("a2a_tasks_total"), ["agent", "state"]);
    assert_eq!(page.sum("a2a_task_duration_seconds_count", &[("agent", "conformance")]), 5.0);
    assert!(page.sum("a2a_store_duration_seconds_count", &[("operation", "commit")]) >= 5.0);
    // What is looked up is a second old at most.
    page_with(&server, |page| page.sum("a2a_active_tasks", &[]) == 0.0 && page.sum("a2a_stream_clients", &[]) == 0.0).await;
    // Shorter than a second at least here: the buckets tell milliseconds apart.
    let buckets = page.samples.iter().filter(|s| s.name == "a2a_request_duration_seconds_bucket" && s.labels["method"] == "SendMessage");
    assert!(buckets.filter(|sample| sample.labels["le"].parse::<f64>().unwrap() <= 0.01).count() >= 4);
}

#[tokio::test]
async fn a_failed_task_makes_agents_less_available() {
    let server = Server::with(&[("A2A_AGENTS", "steps")]);
    server.ok("SendMessage", message("good", "1 step")).await;
    server.ok("SendMessage", message("bad", "1 step and fail")).await;
    let page = page_with(&server, |page| page.sum("a2a_tasks_total", &[]) >= 2.0).await;
    assert_eq!(page.sum("a2a_tasks_total", &[("state", "failed")]), 1.0);
    assert_eq!(page.sum("a2a_agent_availability", &[]), 0.5);
}

#[tokio::test]
async fn webhooks_and_queued_work_are_counted() {
    let server = Server::conformance();
    let inbox = Inbox::open().await;
    let mut params = message("tck-complete-task-1", "hello");
    params["configuration"] = json!({"taskPushNotificationConfig": {"url": inbox.url, "id": "counted"}, "returnImmediately": true});
    server.ok("SendMessage", params).await;
    let page = page_with(&server, |page| page.sum("a2a_push_deliveries_total", &[("outcome", "delivered")]) >= 1.0).await;
    assert_eq!(page.sum("a2a_push_deliveries_total", &[("outcome", "failed")]), 0.0);
    let page = page_with(&server, |page| page.sum("a2a_work_total", &[("queue", "run-task"), ("outcome", "done")]) >= 1.0).await;
    assert_eq!(page.sum("a2a_tasks_total", &[("state", "completed")]), 1.0);
}

#[tokio::test]
async fn labels_are_bounded_whatever_clients_send() {
    // Its wrong credentials come from one address.
    let server = Server::with(&[("A2A_AGENTS", "conformance"), ("A2A_BLOCK_AFTER_FAILURES", "off")]);
    let mut lines = Vec::new();
    for round in 0..2 {
        for number in 0..20 {
            let name = format!("x{round}-{number}");
            server.v1(&name, json!({})).await;
            server.v1("GetTask", json!({"id": name, "tenant": name})).await;
            server.get(&format!("/{name}/tasks/{name}?{name}=1"), &[("A2A-Version", &name), ("X-API-Key", &name)]).await;
        }
        let asked = f64::from(round + 1) * 20.0;
        let page = page_with(&server, |page| page.sum("a2a_requests_total", &[("method", "GetTask")]) >= asked).await;
        let mut series: Vec<_> = page.samples.iter().filter(|s| s.name.ends_with("_total")).map(|s| format!("{}{:?}", s.name, s.labels)).collect();
        series.sort();
        lines.push(series);
    }
    assert!(lines.iter().flatten().all(|line| !line.contains("x0-") && !line.contains("x1-")), "{lines:?}");
    let more: Vec<_> = lines[1].iter().filter(|line| line.contains("a2a_requests_total") && !lines[0].contains(line)).collect();
    assert!(more.is_empty(), "{more:?}");
}
