//! The directions in which crates depend on each other.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// Our crates from the bottom up, each with what it may stand on. Functions and the gateway follow by rule.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("protocol", &[]),
    ("telemetry", &[]),
    ("engine", &["protocol"]),
    ("store", &["protocol", "engine"]),
    ("events", &["protocol", "engine"]),
    // Rows of the database are the queue where there is no other.
    ("queue", &["protocol", "engine", "store"]),
    ("webhook", &["protocol", "engine"]),
    ("agents", &["protocol", "engine"]),
    ("guard", &["protocol", "engine"]),
    // One way to Redis carries signals and quotas.
    ("limits", &["guard", "events"]),
    ("edge", &["protocol", "engine", "guard", "telemetry"]),
    ("setup", &["protocol", "engine", "store", "events", "queue", "webhook", "agents", "guard", "limits", "edge", "telemetry"]),
    // Speaks to servers of others, too: it knows of ours what they can know.
    ("load", &[]),
];

/// What `protocol` must not link: everything that waits, reads, sends or tells the time.
const IMPURE: [&str; 10] = ["tokio", "futures", "async-trait", "reqwest", "hyper", "axum", "sqlx", "tracing", "metrics", "lambda_http"];

/// Normal dependencies of each of our crates, all of them, by name.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO")).args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let normal = |package: &Value| package["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null()).map(name).collect();
    metadata["packages"].as_array().unwrap().iter().map(|package| (name(package), normal(package))).collect()
}

#[test]
fn crates_depend_downwards_only() {
    let all = dependencies();
    let table = BTreeMap::from(MAY_USE);
    for (package, used) in &all {
        let ours = used.iter().filter(|name| all.contains_key(*name));
        for name in ours {
            let allowed = match package.as_str() {
                function if function.ends_with("-function") => ["edge", "setup"].contains(&name.as_str()),
                "gateway" => name.ends_with("-function") || table.contains_key(name.as_str()),
                "tests" | "xtask" => true,
                other => table.get(other).unwrap_or_else(|| panic!("`{other}` has no place in the table of layers")).contains(&name.as_str()),
            };
            assert!(allowed, "`{package}` must not depend on `{name}`");
        }
    }
}

#[test]
fn protocol_links_nothing_that_does_io() {
    let used = &dependencies()["protocol"];
    let impure: Vec<_> = used.iter().filter(|name| IMPURE.contains(&name.as_str())).collect();
    assert!(impure.is_empty(), "{impure:?}");
}

#[test]
fn only_setup_knows_every_backend() {
    let backends = ["store", "events", "queue", "webhook", "limits"];
    for (package, used) in dependencies() {
        let known = backends.iter().filter(|backend| used.iter().any(|name| name == *backend)).count();
        assert!(known < backends.len() || package == "setup", "`{package}` knows all backends");
    }
}
