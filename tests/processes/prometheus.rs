//! Debian's Prometheus reads the page of a gateway whose functions are processes, and an alert of the shipped rules fires and resolves.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::harness::{Server, message, server::as_processes};

/// A Prometheus of the test's own; ends with it.
struct Prometheus {
    child: Child,
    base: String,
    _directory: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// Reads a page each half second, and looks at the shipped rules as often, whose pauses are as short; `None` where the program is missing, which
    /// fails in CI.
    async fn start(target: &str) -> Option<Prometheus> {
        let Some(folder) = std::env::var_os("A2A_TEST_PROMETHEUS_BIN").filter(|folder| !folder.is_empty()) else {
            assert!(std::env::var_os("CI").is_none(), "A2A_TEST_PROMETHEUS_BIN is not set, so this can't run (start it with `cargo xtask test`)");
            println!("NOT RUN: A2A_TEST_PROMETHEUS_BIN is not set (start it with `cargo xtask test`)");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/prometheus");
        let rules = std::fs::read_to_string(shipped.join("rules.yaml")).unwrap();
        let rules = ["for: 1m", "for: 2m", "for: 5m"].iter().fold(rules, |rules, pause| rules.replace(pause, "for: 500ms")).replace("[5m]", "[5s]");
        std::fs::write(directory.path().join("rules.yaml"), rules).unwrap();
        let config = std::fs::read_to_string(shipped.join("prometheus.yaml")).unwrap();
        let config = config.replace("15s", "500ms").replace("gateway:9090", target.trim_start_matches("http://").trim_end_matches("/metrics"));
        std::fs::write(directory.path().join("prometheus.yaml"), config).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(Path::new(&folder).join("prometheus"));
        command.arg("--config.file=prometheus.yaml").arg("--storage.tsdb.path=data").arg(format!("--web.listen-address={address}"));
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let child = command.current_dir(directory.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Some(Prometheus { child, base: format!("http://{address}"), _directory: directory })
    }

    async fn ask(&self, path: &str) -> Option<Value> {
        let client = tests::http().build().unwrap();
        client.get(format!("{}{path}", self.base)).send().await.ok()?.json().await.ok()
    }

    /// Asks until the answer is as expected.
    async fn until(&self, what: &str, path: &str, expected: impl Fn(&Value) -> bool) {
        let start = Instant::now();
        loop {
            let answer = self.ask(path).await;
            if answer.as_ref().is_some_and(&expected) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(40), "never: {what}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

fn fires(alerts: &Value, name: &str) -> bool {
    let alerts = alerts["data"]["alerts"].as_array();
    alerts.is_some_and(|alerts| alerts.iter().any(|alert| alert["labels"]["alertname"] == name && alert["state"] == "firing"))
}

#[tokio::test]
async fn prometheus_reads_the_page_and_an_alert_fires_and_resolves() {
    let place = std::sync::Arc::new(crate::harness::Place::new());
    let bootstraps = crate::harness::server::binary().parent().unwrap().to_owned();
    let settings = crate::harness::server::owned(&[("A2A_AGENTS", "steps")]);
    let server = Server::launched(place, settings, as_processes(&bootstraps));
    let Some(prometheus) = Prometheus::start(&server.metrics_url()).await else { return };
    server.ok("SendMessage", message("first", "1 step")).await;
    // What a function counted in its own process.
    let query = "/api/v1/query?query=sum(a2a_tasks_total%7Bagent%3D%22steps%22%2Cstate%3D%22completed%22%7D)";
    prometheus.until("the task is counted", query, |answer| answer["data"]["result"][0]["value"][1] == "1").await;
    prometheus.until("nothing fires", "/api/v1/alerts", |alerts| alerts["status"] == "success" && !fires(alerts, "AgentAvailabilityWarning")).await;

    for number in 0..3 {
        server.ok("SendMessage", message(&format!("bad-{number}"), "1 step and fail")).await;
    }
    for level in ["Warning", "Error", "Critical"] {
        let name = format!("AgentAvailability{level}");
        prometheus.until(&name, "/api/v1/alerts", |alerts| fires(alerts, &name)).await;
    }
    for number in 0..30 {
        server.ok("SendMessage", message(&format!("good-{number}"), "1 step")).await;
    }
    prometheus.until("it resolves", "/api/v1/alerts", |alerts| alerts["status"] == "success" && !fires(alerts, "AgentAvailabilityWarning")).await;
}
