//! The log, and the traces that requests are part of.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Inbox, Server, message};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The lines of the log that are JSON, whichever process wrote them, once one is as expected.
async fn line(server: &Server, expected: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let log = server.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line.get(line.find('{')?..)?).ok());
        if let Some(line) = lines.into_iter().find(&expected) {
            return line;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "no such line in {log}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_request_is_one_line_with_its_trace() {
    let server = Server::conformance();
    let headers = [("traceparent", PARENT), ("A2A-Version", "1.0"), ("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793")];
    let answered = server.post("/message:send", &headers, message("tck-complete-task-1", "hello").to_string()).await;
    let told = answered.header("traceparent");
    assert!(told.starts_with(&format!("00-{TRACE}-")) && told.ends_with("-01") && told != PARENT, "{told}");
    let id = answered.header("x-amzn-requestid").to_owned();
    let line = line(&server, |line| line["request_id"] == id.as_str() && line["target"] == "a2a::request").await;
    assert_eq!((&line["trace_id"], &line["xray_trace_id"]), (&TRACE.into(), &"1-5759e988-bd862e3fe1be46a994272793".into()));
    assert_eq!((&line["method"], &line["status"], &line["outcome"]), (&"SendMessage".into(), &200.into(), &"OK".into()));
    assert!(line["duration_us"].is_u64() && line["caller"].is_string() && line["timestamp"].is_string(), "{line}");
    assert_eq!(server.log().lines().filter(|line| line.contains(&id) && line.contains("a2a::request")).count(), 1);
    assert_eq!(server.get("/health", &[]).await.header("traceparent"), "", "who begins no trace is told of none");
}

#[tokio::test]
async fn a_trace_goes_on_in_queued_work_and_in_webhooks() {
    let server = Server::conformance();
    let mut inbox = Inbox::open().await;
    let mut params = message("tck-complete-task-1", "hello");
    params["configuration"] = json!({"taskPushNotificationConfig": {"url": inbox.url}, "returnImmediately": true});
    server.post("/message:send", &[("traceparent", PARENT), ("A2A-Version", "1.0")], params.to_string()).await;
    let posted = inbox.next().await;
    assert!(posted.header("traceparent").starts_with(&format!("00-{TRACE}-")), "{}", posted.header("traceparent"));
    line(&server, |line| line["target"] == "a2a::work" && line["trace_id"] == TRACE).await;
}

#[tokio::test]
async fn a_log_directory_takes_files_without_secrets() {
    let server = Server::with(&[("A2A_LOG_DIR", "logs"), ("A2A_LOG_FORMAT", "json"), ("A2A_SYSTEM_API_KEY", "a-system-key-of-32-characters-00")]);
    let secret = format!("a2a_{}", "Ab12".repeat(8));
    server.get("/health/details", &[("Authorization", &format!("Bearer {secret}"))]).await;
    server.get("/health/details", &[("X-API-Key", "a-system-key-of-32-characters-00")]).await;
    let start = Instant::now();
    let text = loop {
        let files = std::fs::read_dir(server.directory().join("logs")).into_iter().flatten().map(|file| file.unwrap().path());
        let text: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
        if text.matches("a2a::request").count() >= 2 {
            break text;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "two requests are not logged: {text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{text}");
    assert!(!text.contains(&secret) && !text.contains("a-system-key-of-32"), "{text}");
}

#[cfg(feature = "otlp")]
#[tokio::test]
async fn a_collector_is_told_of_each_request_but_those_of_traces_that_nobody_records() {
    let mut collector = Inbox::open().await;
    let functions = crate::harness::server::how_functions_run();
    let in_process = functions.is_empty();
    let place = std::sync::Arc::new(crate::harness::Place::new());
    let server = Server::launched(place, crate::harness::server::owned(&[("A2A_OTLP_URL", &collector.url)]), functions);
    let left_out = PARENT.replace(TRACE, &"7".repeat(32)).replace("b7-01", "b7-00");
    for headers in [&[("traceparent", &*left_out)][..], &[("traceparent", PARENT)], &[], &[]] {
        server.post("/rpc/GetTask", headers, r#"{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"none"}}"#).await;
    }
    if in_process {
        // What isn't sent yet is sent before the end.
        server.terminate();
    }
    let mut spans = Vec::new();
    while spans.len() < if in_process { 3 } else { 6 } {
        let told = collector.next().await.body;
        spans.extend(told["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone());
    }
    let named = |name: &str| spans.iter().filter(|span| span["name"] == name).collect::<Vec<_>>();
    let (requests, passages) = (named("GetTask"), named("POST /rpc/GetTask"));
    assert_eq!((requests.len(), passages.len()), (3, if in_process { 0 } else { 3 }), "{spans:?}");
    for (id, digits, different) in [("traceId", 32, 3), ("spanId", 16, spans.len())] {
        let ids: std::collections::BTreeSet<_> = spans.iter().map(|span| span[id].as_str().unwrap()).collect();
        assert!(ids.len() == different && ids.iter().all(|id| id.len() == digits && *id != "7".repeat(32)), "{spans:?}");
    }
    for request in requests {
        let above = passages.iter().find(|passage| passage["spanId"] == request["parentSpanId"]);
        let outermost = above.copied().unwrap_or(request);
        assert_eq!((above.is_none(), &outermost["traceId"]), (in_process, &request["traceId"]), "{spans:?}");
        let client = if request["traceId"] == TRACE { "00f067aa0ba902b7" } else { "" };
        assert_eq!(outermost["parentSpanId"], client, "{spans:?}");
        assert!(request["status"]["code"] == 0 && outermost["status"]["code"] == 0, "{spans:?}");
    }
    assert!(spans.iter().any(|span| span["traceId"] == TRACE), "{spans:?}");
    let time = |span: &Value, name: &str| span[name].as_str().unwrap().parse::<u128>().unwrap();
    assert!(spans.iter().all(|span| time(span, "startTimeUnixNano") < time(span, "endTimeUnixNano")), "{spans:?}");
}
