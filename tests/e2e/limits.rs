//! How often who may ask, over HTTP.
//!
//! Where several processes answer and no Redis counts for all of them, each counts for itself.

use std::time::Instant;

use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answered, Backend, Server, answered, how_functions_run, message};

const V1: (&str, &str) = ("A2A-Version", "1.0");
const JSON: (&str, &str) = ("Content-Type", "application/json");
const ADMIN: (&str, &str) = ("X-API-Key", "the-admins-own-key");
const SECRET: (&str, &str) = ("A2A_SECRET_KEY", "a-secret-key-of-at-least-32-bytes!");

fn limited(per_minute: &str, burst: &str, more: &[(&str, &str)]) -> Server {
    let limits = [("A2A_RATE_LIMIT_PER_MINUTE", per_minute), ("A2A_RATE_LIMIT_BURST", burst)];
    let fixed = [("A2A_AGENTS", "conformance"), ("A2A_ADMIN_API_KEY", ADMIN.1), SECRET];
    Server::with(&[&limits[..], &fixed, more].concat())
}

/// Whether all who answer count together.
fn counts_together() -> bool {
    how_functions_run().is_empty() || Backend::chosen() == Backend::PostgresRedis
}

fn rpc(id: &Value, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

async fn ask(server: &Server, headers: &[(&str, &str)]) -> Answered {
    server.post("/", &[headers, &[V1]].concat(), rpc(&json!("q-1"), "GetTask", &json!({"id": "missing"}))).await
}

/// How many of so many requests pass, with so many at once.
async fn passed(server: &Server, headers: &[(&str, &str)], requests: usize, at_once: usize) -> usize {
    let asked = stream::iter(0..requests).map(|_| ask(server, headers)).buffer_unordered(at_once);
    let statuses: Vec<u16> = asked.map(|answer| answer.status).collect().await;
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    statuses.into_iter().filter(|status| *status == 200).count()
}

fn bearer(server: &Server, subject: &str) -> String {
    let output = server.command(&["token", "--sub", subject, "--role", "authenticated", "--ttl", "600"]);
    assert!(output.status.success(), "{output:?}");
    format!("Bearer {}", String::from_utf8(output.stdout).unwrap().trim())
}

async fn key(server: &Server, body: Value) -> String {
    let made = answered(server.send(Method::POST, "/admin/keys", &[ADMIN, JSON], body.to_string()).await).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["key"].as_str().unwrap().to_owned()
}

async fn starts_of_the_front_door(server: &Server) -> usize {
    let metrics = server.metrics().await;
    let line = metrics.lines().find(|line| line.starts_with("a2a_cold_starts_total{") && line.contains("front-door"));
    line.map_or(1, |line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as usize)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_requests_exactly_burst_and_rate_many_pass() {
    let server = limited("100", "200", &[]);
    let began = Instant::now();
    let passed = passed(&server, &[], 1_000, 50).await;
    let since = began.elapsed().as_secs() as usize * 100 / 60 + 2;
    let processes = if counts_together() { 1 } else { starts_of_the_front_door(&server).await };
    assert!((200..=(200 + since) * processes).contains(&passed), "{passed} passed in {:?}, {processes} processes", began.elapsed());
    if processes == 1 {
        assert!(server.metrics().await.lines().any(|line| line.starts_with("a2a_limited_requests_total{") && line.contains("address")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_with_a_limit_of_its_own_is_held_to_no_other() {
    let server = limited("5", "5", &[("A2A_RATE_LIMIT_METHODS", "GetTask=1,SendMessage=1")]);
    let own = key(&server, json!({"name": "load", "rateLimitPerMinute": 1000})).await;
    let users = (0..20).map(|user| {
        let (server, own) = (&server, own.as_str());
        async move {
            for number in 0..50 {
                let body = rpc(&json!(format!("load_{user}_{number}")), "SendMessage", &message(&format!("tck-{user}-{number}"), "x"));
                let sent = server.post("/", &[V1, ("X-API-Key", own)], body).await;
                assert_eq!(sent.status, 200, "{sent:?}");
                assert_eq!(sent.header("ratelimit-policy"), "\"key\";q=1000;w=60;burst=2000");
            }
        }
    });
    futures::future::join_all(users).await;
    // The same from the same address is as limited as ever.
    let other = key(&server, json!({"name": "other", "rateLimitPerMinute": 3})).await;
    if counts_together() {
        assert_eq!(passed(&server, &[("X-API-Key", other.as_str())], 40, 1).await, 6);
    }
}

#[tokio::test]
async fn clients_are_told_what_is_left_and_when_to_come_again() {
    let server = limited("6", "3", &[("A2A_CORS_ORIGINS", "https://app.example")]);
    for left in [2, 1, 0] {
        let answer = ask(&server, &[("Origin", "https://app.example")]).await;
        assert_eq!((answer.status, answer.header("ratelimit-policy")), (200, "\"address\";q=6;w=60;burst=3"));
        let expected = format!("\"address\";r={left};t=");
        assert!(answer.header("ratelimit").starts_with(&expected), "{answer:?}");
        let exposed = answer.header("access-control-expose-headers");
        assert!(["ratelimit", "ratelimit-policy", "retry-after"].iter().all(|name| exposed.split(", ").any(|other| other == *name)), "{exposed}");
    }
    for id in [json!(7_000_000_000_007_u64), json!("q-1")] {
        let refused = server.post("/", &[V1], rpc(&id, "GetTask", &json!({"id": "t"}))).await;
        let (after, error) = (refused.header("retry-after").to_owned(), &refused.json()["error"]);
        assert_eq!((refused.status, &error["code"], &refused.json()["id"]), (429, &json!(-32014), &id), "{refused:?}");
        assert!((1..=10).contains(&after.parse::<u32>().unwrap()), "{after}");
        assert_eq!(refused.header("ratelimit"), format!("\"address\";r=0;t={after}"));
    }
    let old =
        server.post("/", &[], rpc(&json!(1), "tasks/send", &json!({"message": {"role": "user", "parts": [{"type": "text", "text": "x"}]}}))).await;
    assert_eq!((old.status, &old.json()["error"]["code"]), (429, &json!(-32014)), "{old:?}");
}

#[tokio::test]
async fn refusals_have_the_form_of_the_binding() {
    let server = limited("1", "1", &[]);
    let first = server.get("/tasks/missing", &[V1]).await;
    assert_eq!((first.status, first.header("ratelimit").starts_with("\"address\";r=0;")), (404, true), "{first:?}");
    let refused = server.get("/tasks/missing", &[V1]).await;
    assert_eq!((refused.status, &refused.json()["error"]["status"]), (429, &json!("RESOURCE_EXHAUSTED")), "{refused:?}");
    let old = server.get("/v1/tasks/missing", &[("A2A-Version", "0.3")]).await;
    assert_eq!((old.status, &old.json()["type"]), (429, &json!("RateLimitedError")), "{old:?}");
    for _ in 0..20 {
        let health = server.get("/health", &[]).await;
        assert_eq!((health.status, health.header("ratelimit")), (200, ""), "whoever watches is never refused");
    }
}

#[tokio::test]
async fn each_client_has_a_quota_and_headers_make_no_other_client() {
    let server = limited("1", "4", &[]);
    let (ann, bob) = (bearer(&server, "ann"), bearer(&server, "bob"));
    for who in [[("Authorization", ann.as_str())], [("Authorization", bob.as_str())]] {
        assert_eq!(passed(&server, &who, 12, 1).await, 4);
    }
    let forwarded: Vec<String> = (0..12).map(|number| format!("203.0.113.{number}")).collect();
    let mut anonymous = 0;
    for address in &forwarded {
        anonymous += passed(&server, &[("X-Forwarded-For", address), ("X-Real-IP", address), ("Forwarded", &format!("for={address}"))], 1, 1).await;
    }
    assert_eq!(anonymous, 4);
    // Wrong credentials make no other client either.
    let wrong = ask(&server, &[("X-API-Key", "wrong")]).await;
    assert_eq!(wrong.status, 429, "{wrong:?}");
    // Another address is another client.
    let elsewhere = reqwest::Client::builder().no_proxy().local_address("127.0.0.2".parse::<std::net::IpAddr>().unwrap()).build().unwrap();
    let answer = elsewhere.get(server.url("/tasks")).header(V1.0, V1.1).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_method_may_have_a_limit_that_is_lower() {
    let server = limited("1000", "1000", &[("A2A_RATE_LIMIT_METHODS", "ListTasks=1")]);
    let list = async || server.post("/", &[V1], rpc(&json!("l"), "ListTasks", &json!({}))).await;
    let statuses = [list().await.status, list().await.status];
    let refused = list().await;
    assert_eq!((statuses, refused.status, &refused.json()["id"]), ([200, 200], 429, &json!("l")), "{refused:?}");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(ask(&server, &[]).await.status, 200, "other methods aren't limited with it");
}

#[tokio::test]
async fn the_members_of_a_batch_are_counted_each() {
    let server = limited("1", "10", &[]);
    let batch = |members: usize| {
        let member = |number| json!({"jsonrpc": "2.0", "id": number, "method": "GetTask", "params": {"id": "missing"}});
        Value::Array((0..members).map(member).collect()).to_string()
    };
    let passes = server.post("/", &[V1], batch(8)).await;
    assert_eq!((passes.status, passes.json().as_array().unwrap().len()), (200, 8), "{passes:?}");
    let refused = server.post("/", &[V1], batch(8)).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (429, &json!(-32014)), "{refused:?}");
}

#[tokio::test]
async fn nobody_is_limited_where_no_limit_is_set() {
    let server = Server::with(&[("A2A_AGENTS", "conformance")]);
    assert_eq!(passed(&server, &[], 500, 20).await, 500);
    assert_eq!(ask(&server, &[]).await.header("ratelimit"), "");
}
