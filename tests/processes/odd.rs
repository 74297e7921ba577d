//! Functions that end, hang, panic, talk nonsense or go on after their response: the error that API Gateway makes of it, and a good answer next.

use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    harness::{Answered, Server},
    start::with_processes,
    until,
};

/// Each function of the tests' own is the same program, by names that tell it who it is.
const TEMPLATE: &str = "
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      GatewayResponses:
        INTEGRATION_FAILURE: { StatusCode: 502, ResponseTemplates: { application/json: '{\"code\":502,\"message\":$context.error.messageString}' } }
        DEFAULT_5XX: { ResponseTemplates: { application/json: '{\"message\":$context.error.messageString}' } }
  Odd: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/odd, Timeout: 3, Events: { R: { Type: Api, Properties: { Method: POST, Path: /odd } } } } }
  Slow: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/slow, Timeout: 20, Events: { R: { Type: Api, Properties: { Method: POST, Path: /slow, TimeoutInMillis: 2000 } } } } }
  One: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/one, Timeout: 20, ReservedConcurrentExecutions: 1, Events: { R: { Type: Api, Properties: { Method: POST, Path: /one } } } } }
  Stream: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/odd-stream, Timeout: 20, Events: {
    R: { Type: Api, Properties: { Method: POST, Path: /stream, ResponseTransferMode: RESPONSE_STREAM, TimeoutInMillis: 5000 } } } } }
  CannotStart: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/cannot-start, Events: { R: { Type: Api, Properties: { Method: POST, Path: /cannot-start } } } } }
  ExitsAtStart: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/exits-at-start, Events: { R: { Type: Api, Properties: { Method: POST, Path: /exits-at-start } } } } }
  Clock: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/clock, Events: { Tick: { Type: Schedule, Properties: { Schedule: rate(1 minute) } } } } }
  Worker: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/worker, Events: {
    Work: { Type: SQS, Properties: { Queue: !GetAtt RunTaskQueue.Arn, BatchSize: 1, FunctionResponseTypes: [ReportBatchItemFailures] } } } } }
  FrontDoor: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/front-door, Timeout: 900, Events: {
    R: { Type: Api, Properties: { Method: POST, Path: /, ResponseTransferMode: RESPONSE_STREAM, TimeoutInMillis: 900000 } } } } }
";

const ODD: [&str; 8] = ["odd", "slow", "one", "odd-stream", "cannot-start", "exits-at-start", "clock", "worker"];

/// A server with these functions, each of which asks for its program in its own folder.
pub fn server() -> (Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_odd-function"));
    let put = |name: &str, program: &Path| {
        fs::create_dir(folder.path().join(name)).unwrap();
        symlink(program, folder.path().join(name).join("bootstrap")).unwrap();
    };
    ODD.iter().for_each(|name| put(name, program));
    put("front-door", &program.with_file_name("front-door"));
    let template = folder.path().join("template.yaml");
    fs::write(&template, TEMPLATE).unwrap();
    let server = with_processes(&[("A2A_AGENTS", "conformance")], Some(folder.path()), &["--template".as_ref(), template.as_os_str()]);
    (server, folder)
}

/// What the function said of itself.
fn good(answered: &Answered) -> Value {
    assert_eq!(answered.status, 200, "{answered:?}");
    answered.json()
}

fn refused(answered: &Answered) -> (u16, String) {
    (answered.status, answered.json()["message"].as_str().unwrap().to_owned())
}

/// Whether the process of that id stands still, as the kernel says.
fn is_frozen(pid: &Value) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
}

#[tokio::test]
async fn whatever_goes_wrong_in_a_function_is_a_502_and_the_next_request_is_answered() {
    let (server, _folder) = server();
    for (verb, why) in [
        ("exit", "the function's process ended"),
        ("panic", "the function's process ended"),
        ("garbage", "the function's response is malformed"),
        ("fail", "the function failed"),
        ("large", "the function's response is larger than 6 MiB"),
        ("ask-for-more", "the function asked for more work before it answered"),
        ("hang", "the function was killed at its timeout"),
    ] {
        assert_eq!(refused(&server.post("/odd", &[], verb).await), (502, why.to_owned()), "{verb}");
        assert_eq!(good(&server.post("/odd", &[], "answer").await)["path"], "/odd", "after {verb}");
    }
    assert_eq!(good(&server.post("/odd", &[], "answer-another").await)["path"], "/odd", "what answers somebody else is refused");
}

#[tokio::test]
async fn a_function_that_can_not_start_is_a_502_each_time() {
    let (server, _folder) = server();
    for path in ["/cannot-start", "/exits-at-start", "/cannot-start", "/exits-at-start"] {
        assert_eq!(refused(&server.post(path, &[], "answer").await), (502, "the function can't start".to_owned()), "{path}");
    }
    assert!(!server.metrics().await.contains(r#"a2a_cold_starts_total{function="cannot-start"}"#), "what didn't start is no cold start");
}

#[tokio::test]
async fn a_function_that_takes_longer_than_its_route_is_a_504_and_runs_on() {
    let (server, folder) = server();
    let go = folder.path().join("go");
    let (status, why) = refused(&server.post("/slow", &[], format!("wait-for {}", go.display())).await);
    assert_eq!((status, why.as_str()), (504, "the function did not answer in time"));
    let other = good(&server.post("/slow", &[], "answer").await);
    assert_eq!(other["count"], 1, "the first environment is still busy: {other}");
    fs::write(&go, "").unwrap();
    until("both environments stand still", || server.log().matches("cold start").count() >= 2 && is_frozen(&other["pid"])).await;
    assert_eq!(good(&server.post("/slow", &[], "answer").await)["path"], "/slow");
}

#[tokio::test]
async fn above_its_concurrency_a_function_is_throttled_which_is_a_500() {
    let (server, folder) = server();
    let go = folder.path().join("go");
    let first = async { server.post("/one", &[], format!("wait-for {}", go.display())).await };
    let second = async {
        until("the first has begun", || folder.path().join("go.begun").exists()).await;
        let throttled = refused(&server.post("/one", &[], "answer").await);
        fs::write(&go, "").unwrap();
        throttled
    };
    let (first, throttled) = tokio::join!(first, second);
    assert_eq!(throttled, (500, "too many invocations of the function run already".to_owned()));
    assert_eq!(good(&first)["count"], 1);
    assert_eq!(good(&server.post("/one", &[], "answer").await)["count"], 2);
}

#[tokio::test]
async fn an_environment_is_used_again_and_another_is_started_only_where_none_is_free() {
    let (server, folder) = server();
    let first = good(&server.post("/odd", &[], "answer").await);
    for count in 2..30 {
        let next = good(&server.post("/odd", &[], "answer").await);
        assert_eq!((&next["pid"], &next["count"]), (&first["pid"], &count.into()));
    }
    let waiting = (0..3).map(|number| server.post("/odd", &[], format!("wait-for {}/{number}", folder.path().display())));
    let go = async {
        until("three run side by side", || (0..3).all(|number| folder.path().join(format!("{number}.begun")).exists())).await;
        (0..3).for_each(|number| fs::write(folder.path().join(number.to_string()), "").unwrap());
    };
    let (answers, ()) = tokio::join!(futures::future::join_all(waiting), go);
    answers.iter().for_each(|answered| drop(good(answered)));
    assert!(server.metrics().await.contains("a2a_cold_starts_total{function=\"odd\"} 3\n"), "{}", server.metrics().await);
}

#[tokio::test]
async fn what_a_function_leaves_running_stands_still_until_the_next_invocation() {
    let (server, folder) = server();
    let file = folder.path().join("counted");
    let counted = || fs::read_to_string(&file).ok().and_then(|text| text.parse::<u64>().ok());
    let said = good(&server.post("/odd", &[], format!("go-on-in {}", file.display())).await);
    until("the process is frozen", || is_frozen(&said["pid"])).await;
    let then = counted();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(counted(), then, "it ran on after its response");
    for _ in 0..1000 {
        good(&server.post("/odd", &[], "answer").await);
        if counted() > then {
            return;
        }
    }
    panic!("it did not go on with a later invocation");
}

#[tokio::test]
async fn a_streamed_response_has_its_head_from_the_prelude_and_is_heard_piece_by_piece() {
    let (server, folder) = server();
    let go = folder.path().join("go");
    let mut response = server.send(Method::POST, "/stream", &[], format!("wait-for {}", go.display())).await;
    assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &"text/plain".parse().unwrap()));
    assert_eq!(response.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(response.chunk().await.unwrap().unwrap(), "one ", "before the function has written more");
    fs::write(&go, "").unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "two");
    assert_eq!(response.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_and_the_next_request_is_answered() {
    let (server, _folder) = server();
    // The last one goes on until its route's time is up.
    for (verb, expected) in [("exit", "one "), ("answer", "one two"), ("hang", "one "), ("answer", "one two")] {
        let answered = server.post("/stream", &[], verb).await;
        assert_eq!((answered.status, answered.text.as_str()), (200, expected), "{verb}");
    }
    assert_eq!(refused(&server.post("/stream", &[], "garbage").await), (502, "the function's response is malformed".to_owned()));
}

#[tokio::test]
async fn what_a_function_prints_is_logged_with_its_name() {
    let (server, _folder) = server();
    good(&server.post("/odd", &[], "answer").await);
    until("its words", || server.log().lines().any(|line| line == "[odd 1] asked to answer")).await;
}

#[tokio::test]
async fn the_clock_calls_a_function_with_an_event_of_eventbridge() {
    let (server, _folder) = server();
    let events = server.directory().join("clock.events");
    until("an event", || fs::read_to_string(&events).is_ok_and(|text| text.ends_with('\n'))).await;
    let event: Value = serde_json::from_str(fs::read_to_string(&events).unwrap().lines().next().unwrap()).unwrap();
    assert_eq!((&event["detail-type"], &event["source"]), (&"Scheduled Event".into(), &"aws.events".into()));
}

#[tokio::test]
async fn a_message_that_a_function_names_as_failed_comes_again_and_the_others_do_not() {
    let (server, _folder) = server();
    let mut params = crate::harness::message("anything", "x");
    params["configuration"] = serde_json::json!({"returnImmediately": true});
    let id = server.ok("SendMessage", params).await["task"]["id"].clone();
    let file = server.directory().join("worker.events");
    let events = || -> Vec<Value> {
        let text = fs::read_to_string(&file).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    until("the message comes twice", || events().len() == 2).await;
    for (number, event) in events().iter().enumerate() {
        let message = &event["Records"][0];
        assert_eq!(message["eventSource"], "aws:sqs");
        assert_eq!(message["attributes"]["ApproximateReceiveCount"], (number + 1).to_string());
        assert!(message["body"].as_str().unwrap().contains(id.as_str().unwrap()), "{message}");
    }
    let mut metrics = String::new();
    for _ in 0..100 {
        metrics = server.metrics().await;
        if metrics.contains("a2a_queue_depth{queue=\"run-task\"} 0") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("what was handled is still queued: {metrics}");
}
