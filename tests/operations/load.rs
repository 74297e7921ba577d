//! `a2a load` against a server of someone else's: what it sends, what it counts, what it reports, and when it fails.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::harness::{AT_ONCE, StandIn, load, load::load_command, said};

#[tokio::test]
async fn a_task_that_failed_is_a_failure() {
    let server = StandIn::open(100, Duration::ZERO, "failed").await;
    let (output, report) = load(&server.url, &[&AT_ONCE[..], &["--requests", "10"]].concat()).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!((&report["failed_requests"], &report["errors_by_type"]["task failed"]), (&10.into(), &10.into()), "{report}");
    assert!(said(&output.stdout).contains("ERRORS BY TYPE:\n  task failed: 10\n"), "{output:?}");
    assert!(said(&output.stderr).ends_with("a2a: none of 10 requests succeeded\n"), "{output:?}");
}

#[tokio::test]
async fn each_bound_decides_the_exit_code() {
    let server = StandIn::open(100, Duration::from_millis(20), "completed").await;
    for (bound, holds) in [
        (["--max-average-ms", "10000"], true),
        (["--max-average-ms", "5"], false),
        (["--max-p99-ms", "10000"], true),
        (["--max-p99-ms", "5"], false),
        (["--min-success-percent", "100"], true),
    ] {
        let (output, report) = load(&server.url, &[&AT_ONCE[..], &["--requests", "20"], &bound].concat()).await;
        assert_eq!(output.status.code(), Some(if holds { 0 } else { 1 }), "{bound:?}: {output:?}");
        assert_eq!(report["bounds"][0]["met"], holds, "the report is there all the same: {report}");
        assert_eq!(said(&output.stderr).contains(&format!("a2a: {} {}: MISSED", bound[0], bound[1])), !holds, "{output:?}");
    }
}

#[tokio::test]
async fn credentials_are_not_taken_where_a_card_leads_to() {
    let other = StandIn::open(1, Duration::ZERO, "completed").await;
    let server = StandIn::showing(json!({"url": other.url})).await;
    let (output, _) = load(&server.url, &[&AT_ONCE[..], &["--requests", "1", "--token", "hush"]].concat()).await;
    assert_eq!((output.status.code(), other.asked(), server.asked()), (Some(1), 0, 0), "{output:?}");
    assert!(said(&output.stderr).contains(&other.url) && !said(&output.stderr).contains("hush"), "{output:?}");
    let (output, _) = load(&server.url, &[&AT_ONCE[..], &["--requests", "1"]].concat()).await;
    assert_eq!((output.status.code(), other.asked()), (Some(0), 1), "without credentials it is followed: {output:?}");
}

#[tokio::test]
async fn requests_at_a_rate_wait_for_nobody_and_count_from_when_they_were_due() {
    // Ten a second is what it answers, and five times as many come: the last of them has two seconds to wait.
    let server = StandIn::open(1, Duration::from_millis(100), "completed").await;
    let arguments = ["--rate", "50", "--duration", "0.5", "--text", "hello"];
    let (output, report) = load(&server.url, &arguments).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!((&report["total_requests"], server.asked()), (&25.into(), 25));
    let (p50, max) = (report["latency_ms"]["p50"].as_f64().unwrap(), report["latency_ms"]["max"].as_f64().unwrap());
    assert!(p50 >= 700.0 && max >= 1900.0, "{report}");
    assert!(report["config"]["concurrent_users"].is_null() && report["config"]["rate"] == 50.0, "{report}");
}

#[tokio::test]
async fn the_highest_rate_is_found() {
    // 200 a second.
    let server = StandIn::open(4, Duration::from_millis(20), "completed").await;
    let arguments = ["--saturate", "--rate", "60", "--duration", "0.4", "--max-p99-ms", "150", "--text", "hello"];
    let (output, report) = load(&server.url, &arguments).await;
    assert!(output.status.success(), "{output:?}");
    let highest = report["saturation"]["highest_rate"].as_f64().unwrap();
    assert!((60.0..=280.0).contains(&highest), "{report}");
    assert!(report["latency_ms"]["p99"].as_f64().unwrap() <= 150.0, "{report}");
    let tries = report["saturation"]["tries"].as_array().unwrap();
    assert!(tries.iter().any(|tried| tried["borne"] == false && tried["rate"].as_f64().unwrap() > highest), "{report}");
    assert!(said(&output.stdout).contains("SATURATION:\n  60.0/s: borne"), "{output:?}");
}

#[tokio::test]
async fn users_start_one_after_the_other_and_think_after_each_answer() {
    let server = StandIn::open(100, Duration::ZERO, "completed").await;
    let whole = async |arguments: &[&str]| {
        let (output, report) = load(&server.url, &[&["--users", "3", "--text", "x"], arguments].concat()).await;
        assert!(output.status.success(), "{output:?}");
        (report["test_duration"].as_f64().unwrap(), report["total_requests"].as_u64().unwrap())
    };
    // The last user starts after 0.6 s, and thinks once.
    let (seconds, requests) = whole(&["--requests", "6", "--ramp-up", "0.9", "--think-time", "0.2"]).await;
    assert!((0.8..2.8).contains(&seconds) && requests == 6, "{seconds} s, {requests}");
    // Each user asks until its time is over.
    let (seconds, requests) = whole(&["--duration", "0.5", "--ramp-up", "0", "--think-time", "0.2"]).await;
    assert!((0.4..2.4).contains(&seconds) && (6..=9).contains(&requests), "{seconds} s, {requests}");
    // Whichever is over first.
    assert_eq!(whole(&["--duration", "60", "--requests", "3", "--ramp-up", "0"]).await.1, 3);
}

#[tokio::test]
async fn an_answer_is_waited_for_as_long_as_is_said() {
    let server = StandIn::open(100, Duration::from_secs(20), "completed").await;
    let (output, report) = load(&server.url, &[&AT_ONCE[..], &["--requests", "2", "--text", "x", "--timeout", "0.3"]].concat()).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report["errors_by_type"]["timeout"], 2, "{report}");
    assert!((0.3..10.0).contains(&report["max_response_time"].as_f64().unwrap()), "{report}");
}

#[tokio::test]
async fn the_same_seed_asks_the_same_things() {
    let server = StandIn::open(100, Duration::ZERO, "completed").await;
    let mixed = ["--requests", "60", "--scenarios", "document_search=1,synthesis_task=1"];
    let mut counts = Vec::new();
    for seed in ["7", "7", "8", "9", "10"] {
        let (_, report) = load(&server.url, &[&AT_ONCE[..], &mixed, &["--seed", seed]].concat()).await;
        assert!(report["scenario_results"].get("analysis_task").is_none(), "{report}");
        counts.push(report["scenario_results"]["document_search"]["total_requests"].as_u64().unwrap());
    }
    assert_eq!(counts[0], counts[1]);
    assert!(counts.iter().any(|count| *count != counts[0]), "another seed asks other things: {counts:?}");
}

#[tokio::test]
async fn reports_are_written_in_every_form() {
    let server = StandIn::open(9, Duration::ZERO, "completed").await;
    let directory = tempfile::tempdir().unwrap();
    let arguments = [&AT_ONCE[..], &["--requests", "5", "--report", "report.md", "--report", "report.svg"]].concat();
    let mut command = load_command(&server.url, &arguments, directory.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&read("report.json")).unwrap()["total_requests"], 5);
    assert!(read("report.md").starts_with("# Load test of stand-in\n") && read("report.md").contains("(report.svg)"));
    assert!(read("report.svg").starts_with("<svg "));
    let (output, _) = load(&server.url, &[&AT_ONCE[..], &["--requests", "1", "--report", "no/such/folder.md"]].concat()).await;
    assert!(!output.status.success() && said(&output.stderr).contains("`no/such/folder.md`"), "{output:?}");
}

#[tokio::test]
async fn an_interrupted_load_says_what_there_is() {
    let server = StandIn::open(9, Duration::ZERO, "completed").await;
    let directory = tempfile::tempdir().unwrap();
    for pace in [&["--rate", "100"][..], &["--users", "2", "--think-time", "0.05", "--ramp-up", "0"]] {
        let before = server.asked();
        let child = load_command(&server.url, &[pace, &["--duration", "60"]].concat(), directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while server.asked() < before + 10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let told = Instant::now();
        let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
        assert!(told.elapsed() < Duration::from_secs(5), "{pace:?}");
        assert_eq!(output.status.code(), Some(1), "{pace:?}");
        let text = said(&output.stdout);
        assert!(text.contains("Interrupted: what was under way is not counted.") && !text.contains("Total Requests: 0\n"), "{pace:?}: {text}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let (output, _) = load("http://127.0.0.1:9/base", &["--requests", "1"]).await;
    assert_eq!(output.status.code(), Some(1));
    let line = said(&output.stderr);
    assert!(line.contains("http://127.0.0.1:9/base/.well-known/agent-card.json does not answer") && line.lines().count() == 1, "{line}");
    let (output, report) = load("http://127.0.0.1:9/", &[&AT_ONCE[..], &["--requests", "3", "--protocol", "1.0", "--text", "x"]].concat()).await;
    assert_eq!((output.status.code(), &report["failed_requests"]), (Some(1), &3.into()), "{output:?}");
}
