//! Prometheus' rules, the dashboards and the runbook: what they name is there, and the rules fire when they should.

use std::{collections::BTreeSet, path::Path, process::Command};

use regex::Regex;
use serde_json::Value;
use tests::files::{read, root};

use crate::stack::Stack;

/// The rules, each as it stands in the file.
fn rules() -> Vec<Value> {
    let rules: Value = serde_yaml_ng::from_str(&read("infra/prometheus/rules.yaml")).unwrap();
    rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// Every metric that the code counts, with the names that its histograms have in queries.
fn metrics() -> BTreeSet<String> {
    let histogram = |name: &&str| ["_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}"));
    telemetry::metric::ALL.iter().flat_map(|(name, ..)| histogram(name).into_iter().chain([(*name).to_owned()])).collect()
}

#[track_caller]
fn names_known_metrics(text: &str) {
    let known = metrics();
    let mut found = 0;
    for name in Regex::new(r"\ba2a_\w+").unwrap().find_iter(text) {
        assert!(known.contains(name.as_str()), "there is no metric {}", name.as_str());
        found += 1;
    }
    assert!(found > 0, "`{text}` asks for no metric");
}

/// Prometheus' own checker; `None` where it is missing, which fails in CI.
fn promtool(arguments: &[&str]) {
    let Some(folder) = std::env::var_os("A2A_TEST_PROMETHEUS_BIN").filter(|folder| !folder.is_empty()) else {
        assert!(std::env::var_os("CI").is_none(), "A2A_TEST_PROMETHEUS_BIN is not set, so this can't run (start it with `cargo xtask test`)");
        println!("NOT RUN: A2A_TEST_PROMETHEUS_BIN is not set (start it with `cargo xtask test`)");
        return;
    };
    let output = Command::new(Path::new(&folder).join("promtool")).args(arguments).current_dir(root().join("infra/prometheus")).output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn promtool_finds_nothing_wrong() {
    promtool(&["check", "rules", "--lint-fatal", "rules.yaml"]);
    promtool(&["check", "config", "prometheus.yaml"]);
}

#[test]
fn each_rule_fires_and_each_level_by_itself() {
    promtool(&["test", "rules", "rules.test.yaml"]);
    // By each of them: a rule without a case would pass.
    let cases = read("infra/prometheus/rules.test.yaml");
    for rule in rules() {
        let name = rule["alert"].as_str().unwrap();
        let of_rule = |line: &&str| line.contains(&format!("alertname: {name},"));
        let (fired, quiet): (Vec<&str>, Vec<&str>) = cases.lines().filter(of_rule).partition(|line| line.contains("exp_alerts"));
        assert!(!fired.is_empty() && !quiet.is_empty(), "{name} is not tried");
    }
}

#[test]
fn rules_have_the_thresholds_of_the_alarms_in_cloudwatch() {
    for (family, thresholds) in
        [("ResponseTime", [1.0, 5.0, 10.0]), ("Errors", [5.0, 10.0, 25.0]), ("Memory", [80.0, 90.0, 95.0]), ("AgentAvailability", [90.0, 80.0, 70.0])]
    {
        for (level, threshold) in ["Warning", "Error", "Critical"].into_iter().zip(thresholds) {
            let name = format!("{family}{level}");
            let rules = rules();
            let rule = rules.iter().find(|rule| rule["alert"] == name.as_str()).unwrap_or_else(|| panic!("no rule {name}"));
            let held = rule["expr"].as_str().unwrap().rsplit(' ').next().unwrap().parse::<f64>().unwrap();
            assert_eq!(held, threshold, "{name}");
            assert_eq!(rule["labels"]["severity"], level.to_lowercase(), "{name}");
        }
    }
}

#[test]
fn every_query_asks_for_metrics_that_there_are() {
    for rule in rules().iter().filter(|rule| rule["alert"] != "Down") {
        names_known_metrics(rule["expr"].as_str().unwrap());
    }
    let dashboard: Value = serde_json::from_str(&read("infra/grafana/dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() >= 10);
    for target in panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap()) {
        names_known_metrics(target["expr"].as_str().unwrap());
    }
}

#[test]
fn cloudwatch_looks_at_metrics_that_there_are() {
    let Some(stack) = Stack::with(&[]) else { return };
    let known: Vec<&str> = telemetry::metric::ALL.iter().map(|(name, ..)| *name).collect();
    let mut ours = 0;
    let mut check = |namespace: &str, metric: &str| {
        if !namespace.starts_with("AWS/") {
            assert!(known.contains(&metric), "{namespace} has no metric {metric}");
            ours += 1;
        }
    };
    for (id, alarm) in stack.of_type("AWS::CloudWatch::Alarm") {
        let single = alarm["MetricName"].as_str().map(|_| alarm);
        let of_expression = alarm["Metrics"].as_array().into_iter().flatten().filter_map(|query| query.pointer("/MetricStat/Metric"));
        for metric in single.into_iter().chain(of_expression) {
            let namespace = metric["Namespace"].as_str().or(metric.pointer("/Namespace/Fn::Sub").and_then(Value::as_str));
            check(namespace.unwrap_or_else(|| panic!("{id}: {metric}")), metric["MetricName"].as_str().unwrap());
        }
    }
    let body = &stack.resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"];
    let body: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    for widget in body["widgets"].as_array().unwrap() {
        let mut namespace_before = (String::new(), String::new());
        for line in widget["properties"]["metrics"].as_array().unwrap() {
            let part = |at: usize, before: &str| line[at].as_str().filter(|part| *part != ".").map_or(before.to_owned(), str::to_owned);
            if line[0] != "..." {
                namespace_before = (part(0, &namespace_before.0), part(1, &namespace_before.1));
            }
            check(&namespace_before.0, &namespace_before.1);
        }
    }
    assert!(ours > 10, "only {ours} of our own metrics are looked at");
}

#[test]
fn every_alarm_has_its_section_in_the_runbook() {
    let runbook = read("infra/RUNBOOK.md");
    let anchors: BTreeSet<String> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).map(|title| title.replace(' ', "-")).collect();
    let mut named = BTreeSet::new();
    let mut check = |alarm: &str, text: &str| {
        let (_, anchor) = text.split_once("infra/RUNBOOK.md#").unwrap_or_else(|| panic!("{alarm} has no section"));
        let anchor = anchor.trim_end_matches(')');
        assert!(anchors.contains(anchor), "{alarm}: the runbook has no section {anchor}");
        let section = runbook.split("\n## ").find(|section| section.lines().next().unwrap().replace(' ', "-") == anchor).unwrap();
        assert!(section.contains(&format!("`{alarm}`")), "the section {anchor} doesn't name {alarm}");
        named.insert(anchor.to_owned());
    };
    for rule in rules() {
        check(rule["alert"].as_str().unwrap(), rule["annotations"]["runbook"].as_str().unwrap());
    }
    if let Some(stack) = Stack::with(&[]) {
        for (id, alarm) in stack.of_type("AWS::CloudWatch::Alarm") {
            check(id, alarm["AlarmDescription"].as_str().unwrap());
        }
        assert_eq!(named, anchors, "sections that no alarm names");
    }
}
