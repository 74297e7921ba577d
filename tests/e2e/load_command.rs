//! `a2a load` against this server: every version, streams, credentials. What it does whatever it loads is tried with the operators' other tools.

use std::time::Duration;

use serde_json::json;

use crate::harness::{AT_ONCE, Backend, Server, StandIn, load, said};

#[tokio::test]
async fn every_request_of_the_standard_load_is_completed() {
    let server = Server::start();
    // What stands in for AWS takes its time.
    let requests = if Backend::chosen() == Backend::DynamoDbSqs { "100" } else { "1000" };
    let (output, report) = load(&server.base, &[&AT_ONCE[..], &["--requests", requests, "--min-success-percent", "100"]].concat()).await;
    let text = said(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    for line in [&format!("Total Requests: {requests}"), &format!("Successful Requests: {requests}"), "Failed Requests: 0", "Concurrent Users: 20"] {
        assert!(text.lines().any(|other| other == line), "`{line}` is missing in\n{text}");
    }
    assert_eq!(report["target"]["protocol_version"], "1.0", "{report}");
    assert_eq!(report["task_states"].get("failed"), None, "{report}");
    for (scenario, share) in [("document_search", 0.4), ("analysis_task", 0.3), ("synthesis_task", 0.2), ("health_check", 0.1)] {
        let asked = report["scenario_results"][scenario]["total_requests"].as_f64().unwrap() / requests.parse::<f64>().unwrap();
        assert!((asked - share).abs() < 0.15, "{scenario}: {asked}");
        assert!(text.contains(&format!("  {scenario}:\n    Requests: ")), "{text}");
    }
    // A progress bar is for terminals.
    assert_eq!(said(&output.stderr), "");
}

#[tokio::test]
async fn an_agent_of_each_version_is_spoken_to_as_its_card_says() {
    let of_0_3 = Server::with(&[("A2A_CARD", "v0.3")]);
    for (arguments, version) in
        [(&[][..], "0.3"), (&["--stream"], "0.3"), (&["--protocol", "1.0"], "1.0"), (&["--protocol", "0.1", "--stream"], "0.1")]
    {
        let (output, report) = load(&of_0_3.base, &[&AT_ONCE[..], &["--requests", "20", "--min-success-percent", "100"], arguments].concat()).await;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert_eq!(report["target"]["protocol_version"], version);
        assert_eq!(report["first_event_ms"].is_null(), !arguments.contains(&"--stream"), "{arguments:?}: {report}");
    }
    let of_0_1 = StandIn::open(100, Duration::ZERO, "completed").await;
    let (output, report) = load(&of_0_1.url, &[&AT_ONCE[..], &["--requests", "20"]].concat()).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!((&report["target"]["protocol_version"], &report["target"]["name"]), (&"0.1".into(), &"stand-in".into()));
    assert_eq!((of_0_1.asked(), &report["successful_requests"]), (20, &20.into()));
    assert!(report["scenario_results"].get("health_check").is_none(), "{report}");
    assert!(said(&output.stderr).contains("/health is not there: health_check is left out"), "{output:?}");
}

#[tokio::test]
async fn an_agent_without_json_rpc_is_spoken_to_by_http_json() {
    let server = Server::with(&[]);
    let of_1_0 =
        json!({"supportedInterfaces": [{"url": server.base, "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0", "tenant": "research"}]});
    let of_0_3 = json!({"url": server.base, "protocolVersion": "0.3.0", "preferredTransport": "HTTP+JSON"});
    for (card, version) in [(of_1_0, "1.0"), (of_0_3, "0.3")] {
        let shown = StandIn::showing(card).await;
        for form in [&[][..], &["--stream"]] {
            let arguments = ["--requests", "20", "--scenarios", "document_search", "--min-success-percent", "100"];
            let (output, report) = load(&shown.url, &[&AT_ONCE[..], &arguments, form].concat()).await;
            assert!(output.status.success(), "{version} {form:?}: {output:?}");
            assert_eq!((&report["target"]["binding"], &report["target"]["protocol_version"]), (&"HTTP+JSON".into(), &version.into()));
            assert_eq!((shown.asked(), &report["task_states"]["completed"]), (0, &20.into()), "{report}");
        }
    }
}

#[tokio::test]
async fn too_few_successes_are_a_missed_bound() {
    let server = Server::with(&[("A2A_AUTH", "required")]);
    let arguments = ["--requests", "60", "--users", "2", "--min-success-percent", "50"];
    let (output, report) = load(&server.base, &[&AT_ONCE[..], &arguments].concat()).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    // Whoever shows no credentials may ask for the health alone.
    assert_eq!(report["scenario_results"]["health_check"]["success_rate"], 1.0, "{report}");
    assert!(report["errors_by_type"].as_object().unwrap().keys().all(|error| error.starts_with("HTTP 401")), "{report}");
    assert!(said(&output.stderr).contains("--min-success-percent 50: MISSED"), "{output:?}");
}

#[tokio::test]
async fn credentials_are_sent() {
    let (secret, admin) = ("0123456789abcdef0123456789abcdef", "an-admin-key-of-thirty-two-letters");
    let server = Server::with(&[("A2A_AUTH", "required"), ("A2A_SECRET_KEY", secret), ("A2A_ADMIN_API_KEY", admin)]);
    let token = said(&server.command(&["token", "--sub", "load", "--ttl", "600"]).stdout);
    for credentials in [["--token", token.trim()], ["--api-key", admin]] {
        let (output, _) = load(&server.base, &[&AT_ONCE[..], &["--requests", "20", "--min-success-percent", "100"], &credentials].concat()).await;
        assert!(output.status.success(), "{output:?}");
        assert!(!format!("{output:?}").contains(credentials[1]), "credentials are not shown: {output:?}");
    }
}

#[tokio::test]
async fn a_stream_is_timed_to_its_first_event_and_to_its_end() {
    // The agent answers after a second.
    let server = Server::conformance();
    let (output, report) = load(&server.base, &["--stream", "--text", "x", "--users", "2", "--requests", "2", "--ramp-up", "0"]).await;
    assert!(output.status.success(), "{output:?}");
    let [first, whole] = ["first_event_ms", "latency_ms"].map(|timed| report[timed]["average"].as_f64().unwrap());
    assert!(whole >= 1000.0 && first <= whole - 500.0, "{report}");
    assert_eq!(report["task_states"]["input-required"], 2);
    assert!(said(&output.stdout).contains("TIME TO FIRST EVENT (ms):"), "{output:?}");
}
