//! The audit log: what is recorded, who may read it, and what never stands in it nor in any log.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answered, Inbox, Server, answered, message};

const V1: (&str, &str) = ("A2A-Version", "1.0");
const SECRET: &str = "the-secret-key-of-access-tokens-48151623";
const ADMIN: (&str, &str) = ("X-API-Key", "the-admins-own-key-2342");
const SYSTEM: (&str, &str) = ("X-API-Key", "the-systems-own-key-4815");

fn server() -> Server {
    Server::conformance_with(&[("A2A_SECRET_KEY", SECRET), ("A2A_ADMIN_API_KEY", ADMIN.1), ("A2A_SYSTEM_API_KEY", SYSTEM.1)])
}

fn output(server: &Server, arguments: &[&str]) -> String {
    let output = server.command(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn token(server: &Server, subject: &str) -> String {
    format!("Bearer {}", output(server, &["token", "--sub", subject, "--role", "authenticated", "--ttl", "600"]))
}

async fn admin(server: &Server, method: Method, path: &str, body: Value) -> Answered {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    answered(server.send(method, path, &[ADMIN, ("Content-Type", "application/json")], body).await).await
}

/// The records that a query finds.
async fn records(server: &Server, query: &str) -> Vec<Value> {
    let answer = admin(server, Method::GET, &format!("/admin/audit?pageSize=200&{query}"), Value::Null).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["records"].as_array().unwrap().clone()
}

/// Waits for a record: rows are written a moment after the answer.
async fn record(server: &Server, query: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let found = records(server, query).await;
        if let Some(record) = found.iter().find(|record| is_it(record)) {
            return record.clone();
        }
        assert!(start.elapsed() < Duration::from_secs(20), "no such record with {query}: {found:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn credentials_denials_keys_reads_and_attacks_are_recorded() {
    let server = server();
    let refused = server.get("/tasks", &[V1, ("X-API-Key", "a2a_garbage")]).await;
    assert_eq!(refused.status, 401);
    let failure = record(&server, "type=authentication", |record| record["outcome"] == "refused").await;
    assert_eq!((&failure["subject"], &failure["address"]), (&json!("anonymous"), &json!("127.0.0.1")), "{failure}");
    assert_eq!((&failure["requestId"], &failure["method"]), (&json!(refused.header("x-amzn-requestid")), &json!("HTTP+JSON")), "{failure}");
    assert_eq!((&failure["level"], &failure["count"]), (&json!("low"), &json!(1)), "{failure}");
    assert!(failure["time"].as_str().is_some_and(|time| time.len() == "2026-01-31T12:00:00.000Z".len() && time.ends_with('Z')), "{failure}");

    let ada = token(&server, "ada");
    let ada = [V1, ("Authorization", ada.as_str())];
    let owner = {
        for _ in 0..3 {
            assert_eq!(server.get("/tasks", &ada).await.status, 200);
        }
        let success = record(&server, "type=authentication", |record| record["outcome"] == "allowed" && record["method"] == "HTTP+JSON").await;
        success["subject"].as_str().unwrap().to_owned()
    };
    assert!(owner.contains("ada"), "{owner}");
    assert_eq!(server.get("/admin/keys", &ada).await.status, 403);
    let denial = record(&server, &format!("type=denial&subject={owner}"), |_| true).await;
    assert_eq!((&denial["method"], &denial["outcome"], &denial["level"]), (&json!("Admin"), &json!("refused"), &json!("medium")), "{denial}");
    assert_eq!(server.get("/extendedAgentCard", &[V1]).await.status, 401);
    record(&server, "type=authentication", |record| record["method"] == "GetExtendedAgentCard" && record["detail"] == "no credentials").await;

    let made = admin(&server, Method::POST, "/admin/keys", json!({"name": "k"})).await.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(admin(&server, Method::POST, &format!("/admin/keys/{id}:rotate"), Value::Null).await.status, 200);
    assert_eq!(admin(&server, Method::DELETE, &format!("/admin/keys/{id}"), Value::Null).await.status, 204);
    for kind in ["key-created", "key-rotated", "key-revoked"] {
        let change = record(&server, &format!("type={kind}"), |record| record["object"] == id).await;
        assert_eq!((&change["outcome"], &change["detail"]), (&json!("done"), &json!("over HTTP")), "{change}");
        assert_ne!(change["subject"], "anonymous", "{change}");
    }
    output(&server, &["key", "create", "--name", "of-the-cli"]);
    let change = record(&server, "type=key-created&subject=cli", |_| true).await;
    assert_eq!((&change["address"], &change["method"]), (&Value::Null, &json!("a2a key")), "{change}");
    output(&server, &["key", "revoke", "of-the-cli"]);
    record(&server, "type=key-revoked&subject=cli", |record| record["object"] == change["object"]).await;

    assert_eq!(admin(&server, Method::GET, "/admin/keys", Value::Null).await.status, 200);
    record(&server, "type=admin-read", |record| record["detail"] == "keys").await;
    let mut params = message("tck-1", "x");
    params["message"]["metadata"] = json!({"q": "' union select 1,secret from users--"});
    server.ok("SendMessage", params).await;
    let threat = record(&server, "type=threat", |_| true).await;
    assert_eq!((&threat["detail"], &threat["outcome"], &threat["method"]), (&json!("SQL injection"), &json!("allowed"), &json!("SendMessage")));
    let line = "a2a::audit";
    assert!(server.log().lines().any(|logged| logged.contains(line) && logged.contains("key-created") && logged.contains(id)), "{}", server.log());
}

#[tokio::test]
async fn the_log_is_filtered_by_time_type_and_subject_and_read_page_by_page() {
    let server = server();
    for number in 0..3 {
        let made = admin(&server, Method::POST, "/admin/keys", json!({"name": format!("k{number}")})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    let created = loop {
        let created = records(&server, "type=key-created").await;
        if created.len() == 3 {
            break created;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let times: Vec<&str> = created.iter().map(|record| record["time"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|later, earlier| later >= earlier), "the latest first: {times:?}");
    let (mut paged, mut next) = (Vec::new(), String::new());
    for page in 0..3 {
        let answer = admin(&server, Method::GET, &format!("/admin/audit?type=key-created&pageSize=1{next}"), Value::Null).await.json();
        paged.extend(answer["records"].as_array().unwrap().clone());
        match answer["nextPageToken"].as_str() {
            Some(token) => next = format!("&pageToken={token}"),
            None => assert_eq!(page, 2, "{answer}"),
        }
    }
    assert_eq!(paged, created);
    let within = |from: &str, to: &str| format!("type=key-created&from={from}&to={to}");
    assert!(records(&server, &within(times[2], times[0])).await.iter().all(|record| record["time"] != times[0]), "the end isn't part of it");
    assert!(records(&server, &within(times[2], "2999-01-01T00:00:00Z")).await.len() == 3);
    assert!(records(&server, "to=2000-01-01T00:00:00Z").await.is_empty());
    let subject = created[0]["subject"].as_str().unwrap();
    assert_eq!(records(&server, &format!("type=key-created&subject={subject}")).await.len(), 3);
    assert!(records(&server, "subject=nobody").await.is_empty());

    for (query, field) in [
        ("type=murder", "type"),
        ("from=yesterday", "from"),
        ("to=1", "to"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("pageSize=0", "pageSize"),
        ("pageSize=201", "pageSize"),
        ("pageSize=x", "pageSize"),
        ("pageToken=AAAA", "pageToken"),
        ("pageToken=!", "pageToken"),
        ("kind=threat", "kind"),
        ("type=threat&type=limit", "type"),
    ] {
        let refused = admin(&server, Method::GET, &format!("/admin/audit?{query}"), Value::Null).await;
        assert_eq!(refused.status, 400, "{query}: {}", refused.text);
        assert!(refused.json()["error"]["message"].as_str().unwrap().contains(&format!("{field}: ")), "{query}: {}", refused.text);
    }
    for (query, field) in [("hours=0", "hours"), ("hours=721", "hours"), ("hours=-1", "hours"), ("days=1", "days")] {
        let refused = admin(&server, Method::GET, &format!("/admin/threats?{query}"), Value::Null).await;
        assert_eq!((refused.status, refused.text.contains(&format!("{field}: "))), (400, true), "{query}: {}", refused.text);
    }
}

#[tokio::test]
async fn threats_are_summed_up_by_type_level_and_address() {
    let server = server();
    for attack in ["' union select 1,secret from users--", "<script>alert(1)</script>"] {
        let mut params = message(&format!("tck-{}", attack.len()), "x");
        params["message"]["metadata"] = json!({"q": attack});
        server.ok("SendMessage", params).await;
    }
    assert_eq!(server.get("/tasks", &[V1, ("X-API-Key", "wrong")]).await.status, 401);
    let start = Instant::now();
    let summary = loop {
        let answer = admin(&server, Method::GET, "/admin/threats?hours=1", Value::Null).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let summary = answer.json();
        if summary["total"] == 3 {
            break summary;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{summary}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(summary["byType"], json!({"SQL injection": 1, "cross-site scripting": 1, "authentication": 1}));
    assert_eq!(summary["byOutcome"], json!({"allowed": 2, "refused": 1}));
    assert_eq!(summary["byLevel"].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>(), 3, "{summary}");
    assert_eq!(summary["byAddress"], json!([{"address": "127.0.0.1", "count": 3}]));
}

#[tokio::test]
async fn a_flood_of_failures_is_few_rows_with_counts() {
    // Addresses that guess would be blocked, and this one reads the log too.
    let settings = [("A2A_SECRET_KEY", SECRET), ("A2A_ADMIN_API_KEY", ADMIN.1), ("A2A_BLOCK_AFTER_FAILURES", "off")];
    let server = Server::conformance_with(&settings);
    let fail = async || server.get("/tasks", &[V1, ("X-API-Key", "wrong")]).await.status;
    for _ in 0..10 {
        futures::future::join_all((0..20).map(|_| fail())).await;
    }
    let start = Instant::now();
    loop {
        let rows = records(&server, "type=authentication&subject=anonymous").await;
        assert!(rows.len() < 50, "{} rows", rows.len());
        if rows.iter().any(|row| row["count"].as_u64().unwrap() > 1) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{rows:?}");
        tokio::time::sleep(Duration::from_millis(300)).await;
        // What a function holds back it writes with its next event.
        fail().await;
    }
}

#[tokio::test]
async fn what_was_recorded_is_written_before_a_server_ends() {
    let mut server = server();
    assert_eq!(server.get("/tasks", &[V1, ("X-API-Key", "wrong")]).await.status, 401);
    server.get("/extendedAgentCard", &[V1]).await;
    server.terminate();
    assert!(server.ended(Duration::from_secs(20)).await.success());
    server.restart();
    let rows = records(&server, "type=authentication&subject=anonymous").await;
    assert_eq!(rows.len(), 2, "{rows:?}");
}

#[tokio::test]
async fn no_log_and_no_row_holds_a_credential_and_no_log_a_message() {
    let server = server();
    let mut inbox = Inbox::open().await;
    let words = "a sentence for the agent alone 108";
    let (hook_token, hook_credentials) = ("the-token-of-a-webhook-16", "the-credentials-of-a-webhook-23");
    let ada = token(&server, "ada");
    let key = output(&server, &["key", "create", "--name", "ops", "--role", "admin"]);
    let made = admin(&server, Method::POST, "/admin/keys", json!({"name": "another"})).await.json();
    let over_http = made["key"].as_str().unwrap().to_owned();
    let rotated = admin(&server, Method::POST, &format!("/admin/keys/{}:rotate", made["id"].as_str().unwrap()), Value::Null).await.json();
    let rotated = rotated["key"].as_str().unwrap().to_owned();

    let mut params = message("tck-artifact-text-1", words);
    params["configuration"] = json!({"taskPushNotificationConfig": {"id": "hook", "url": inbox.url, "token": hook_token,
        "authentication": {"scheme": "Bearer", "credentials": hook_credentials}}});
    let sent = server.rpc(&[V1, ("Authorization", &ada)], "SendMessage", params).await;
    assert!(sent["result"]["task"]["id"].is_string(), "{sent}");
    assert_eq!(inbox.next().await.header("authorization"), format!("Bearer {hook_credentials}"));
    // Attacks, refusals and mistakes of each kind, with words and credentials about them.
    let mut attack = message("tck-attack", words);
    attack["message"]["metadata"] = json!({"q": format!("' or 1=1-- {words}")});
    server.rpc(&[V1, ("Authorization", &ada)], "SendMessage", attack).await;
    server.rpc(&[V1, ("Authorization", &ada)], "SendMessage", json!({"message": {"messageId": words, "role": "ROLE_USER", "parts": []}})).await;
    server.post("/", &[V1], format!("{{\"{words}\": ")).await;
    let wrong = "a2a_GuessedGuessedGuessedGuessed1234";
    for headers in [[V1, ("X-API-Key", wrong)], [V1, ("Authorization", "Bearer guessed.guessed.108")], [V1, SYSTEM], [V1, ADMIN]] {
        server.get("/tasks", &headers).await;
    }
    assert_eq!(server.get("/admin/audit", &[V1, ("X-API-Key", &key)]).await.status, 200);
    assert_eq!(server.get("/tasks", &[V1, ("X-API-Key", &rotated)]).await.status, 200);
    assert_eq!(server.get("/health/details", &[SYSTEM]).await.status, 200);
    record(&server, "type=threat", |_| true).await;

    let token = ada.strip_prefix("Bearer ").unwrap();
    let signature = token.rsplit('.').next().unwrap();
    let credentials =
        [&key, &over_http, &rotated, token, signature, SECRET, ADMIN.1, SYSTEM.1, hook_token, hook_credentials, wrong, "guessed.guessed"];
    let everything = server.everything().await;
    let holds = |text: &str| everything.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(words), "the task's own rows hold its message, so this looks where there is something");
    for credential in credentials {
        assert!(!holds(credential), "`{credential}` is kept or logged");
    }
    let rows = admin(&server, Method::GET, "/admin/audit?pageSize=200", Value::Null).await.text;
    assert!(rows.contains("key-created") && server.log().contains("a2a::audit"));
    for (place, text) in [("the audit log", rows), ("a log", server.log())] {
        assert!(!text.contains(words), "{place} holds a message: {}", text.lines().find(|line| line.contains(words)).unwrap());
    }
}
