//! Parts that fail show in health: as degraded where everything is served all the same, as not ready where nothing is.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep};

use crate::harness::{Backend, Ending, Gateway, Message, Oracle, OwnPostgres, OwnRedis, Stop, Way};

const KEY: &str = "a-system-key-of-32-characters-00";
/// A report is a second old at most, and a part that doesn't answer is waited for twice that long.
const SEEN_WITHIN: Duration = Duration::from_secs(15);

async fn ask(gateway: &Gateway, path: &str) -> (u16, Value) {
    let asked = tests::http().build().unwrap().get(format!("{}{path}", gateway.base)).header("X-API-Key", KEY);
    let answered = tokio::time::timeout(Duration::from_secs(10), asked.send()).await.expect("an answer in time").unwrap();
    (answered.status().as_u16(), answered.json().await.unwrap())
}

/// The details once they are as expected.
async fn details(gateway: &Gateway, expected: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let (status, details) = ask(gateway, "/health/details").await;
        assert_eq!(status, 200, "{details}");
        if expected(&details) {
            return details;
        }
        assert!(start.elapsed() < SEEN_WITHIN, "health doesn't come to say so: {details:#}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn redis_that_is_gone_degrades_and_nothing_else() {
    let mut redis = OwnRedis::start().await;
    let mut backend = Backend::postgres_and_redis(&redis.url()).await;
    backend.set("A2A_SYSTEM_API_KEY", KEY);
    let gateway = backend.gateway().await;
    let well = details(&gateway, |details| details["status"] == "healthy").await;
    for part in ["resources", "database", "redis", "queue", "agents", "task_processing", "network"] {
        let check = &well["checks"][part];
        assert!(["healthy", "warning"].contains(&check["status"].as_str().unwrap()), "{part}: {check}");
        assert!(check["message"].is_string() && check["duration_ms"].is_number() && check["thresholds"].is_object(), "{part}: {check}");
    }
    redis.stop().await;
    let ill = details(&gateway, |details| details["status"] == "degraded").await;
    assert_eq!((&ill["checks"]["redis"]["status"], &ill["checks"]["database"]["status"]), (&"unavailable".into(), &"healthy".into()));
    let (status, live) = ask(&gateway, "/health").await;
    assert_eq!((status, &live["status"]), (200, &"degraded".into()));
    assert_eq!(ask(&gateway, "/health/ready").await.0, 200);
    let oracle = Oracle::new().await;
    assert_eq!(oracle.send(&gateway.base, &Message::new("served", Way::Blocking, 2, 0)).await, Ending::Done);
    redis.start_again().await;
    details(&gateway, |details| details["status"] == "healthy").await;
}

#[tokio::test]
async fn without_its_database_a_gateway_lives_and_is_not_ready() {
    let mut server = OwnPostgres::start().await;
    let url = server.url(server.port(), &server.database().await);
    let backend = Backend::new(&[("A2A_DATABASE_URL", &url), ("A2A_SYSTEM_API_KEY", KEY)]);
    let gateway = backend.gateway().await;
    assert_eq!(ask(&gateway, "/health/ready").await.0, 200);
    server.stop(Stop::Fast).await;
    let ill = details(&gateway, |details| details["status"] == "unhealthy").await;
    assert_eq!(ill["checks"]["database"]["status"], "unavailable");
    assert_eq!(ask(&gateway, "/health/ready").await, (503, json!({"status": "unavailable"})));
    let (status, live) = ask(&gateway, "/health").await;
    assert_eq!((status, &live["status"], &live["agents_registered"]), (200, &"unhealthy".into(), &1.into()));
    server.start_again().await;
    details(&gateway, |details| details["status"] == "healthy").await;
    assert_eq!(ask(&gateway, "/health/ready").await.0, 200);
}

#[tokio::test]
async fn tasks_that_nobody_runs_are_told_of() {
    let mut backend = Backend::postgres().await;
    backend.set("A2A_SYSTEM_API_KEY", KEY);
    let gateway = backend.gateway().await;
    let oracle = Oracle::new().await;
    oracle.insist(&gateway.base, &Message::new("long", Way::Queued, 1, 0)).await;
    assert_eq!(details(&gateway, |_| true).await["checks"]["task_processing"]["values"]["stuck"], 0.0);
    // As runners leave tasks that were killed together with whoever would take them over: twelve copies of one, whose leases ran out long ago.
    let mut connection = PgConnection::connect(backend.setting("A2A_DATABASE_URL")).await.unwrap();
    let columns: String = sqlx::query_scalar(
        "SELECT string_agg(column_name, ',') FROM information_schema.columns WHERE table_name = 'tasks' AND column_name NOT IN \
         ('number', 'id', 'state', 'lease_runner', 'lease_until', 'turn_message')",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    let sql = format!(
        "INSERT INTO tasks ({columns}, id, state, lease_runner, lease_until) SELECT {columns}, 'stuck-' || n, 2, 'lost', 1 \
         FROM (SELECT * FROM tasks LIMIT 1) t, generate_series(1, 12) n"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    let ill = details(&gateway, |details| details["checks"]["task_processing"]["status"] == "error").await;
    let tasks = &ill["checks"]["task_processing"];
    assert_eq!((&ill["status"], &tasks["values"]["stuck"]), (&"degraded".into(), &12.0.into()), "{tasks}");
    assert!(tasks["message"].as_str().unwrap().contains("12 stuck"), "{tasks}");
}

#[tokio::test]
async fn a_queue_that_fills_is_told_of() {
    let mut backend = Backend::postgres().await;
    backend.set("A2A_SYSTEM_API_KEY", KEY);
    let gateway = backend.gateway().await;
    let message = |number: u32| {
        json!({"message": {"messageId": format!("slow-{number}"), "role": "ROLE_USER", "parts": [{"text": "900 steps of 100 ms"}]},
        "configuration": {"returnImmediately": true}})
    };
    let oracle = Oracle::new().await;
    let sends = (0..150).map(|number| oracle.client.call(&gateway.base, "SendMessage", message(number)));
    for (ending, _) in futures::future::join_all(sends).await {
        assert_eq!(ending, Ending::Done);
    }
    // Until then it may be told of as it was while it filled.
    let full = details(&gateway, |details| details["checks"]["queue"]["values"]["run-task"] == 150.0).await;
    assert_ne!(full["checks"]["queue"]["status"], "healthy", "{full}");
    assert!(full["checks"]["queue"]["message"].as_str().unwrap().contains("run-task: 150 wait or run"), "{full}");
}
