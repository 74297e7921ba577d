//! What a request may have at most, how it may come, and what every answer says to browsers.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{Answered, Server, answered, message, state};

const V1: (&str, &str) = ("A2A-Version", "1.0");
const SECURITY: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "0"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("content-security-policy", ""),
    ("referrer-policy", "no-referrer"),
];

/// What to expect of a request: its method, path, headers and body.
type Case<'a> = (u16, Method, String, Vec<(&'a str, &'a str)>, String);

/// The field that a JSON-RPC error names.
fn field(response: &Value) -> &str {
    let details = response["error"]["data"].as_array().into_iter().flatten();
    details.filter_map(|detail| detail["fieldViolations"][0]["field"].as_str()).next().unwrap_or_default()
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

#[tokio::test]
async fn json_nests_32_levels_and_no_more() {
    let server = Server::conformance();
    // The request, its params, the message, the parts and the part are five levels; in HTTP+JSON the body is the params.
    let with = |id: &str, levels| json!({"message": {"messageId": id, "role": "ROLE_USER", "parts": [{"data": nested(levels)}]}});
    let response = server.v1("SendMessage", with("tck-at", 27)).await;
    assert_eq!(state(&response["result"]), "TASK_STATE_COMPLETED", "{response}");
    let response = server.v1("SendMessage", with("tck-above", 28)).await;
    assert_eq!((&response["error"]["code"], &response["id"]), (&json!(-32602), &json!(1)), "{response}");
    assert!(field(&response).starts_with("message.parts[0].data[0][0]"), "{response}");
    assert!(response["error"]["message"].as_str().is_some_and(|text| text.contains("32 levels")), "{response}");
    assert_eq!(server.rest("/message:send", &with("tck-rest", 28)).await.status, 200);
    let refused = server.rest("/message:send", &with("tck-rest-above", 29)).await;
    assert_eq!((refused.status, refused.text.contains("message.parts[0].data[0]")), (400, true), "{}", refused.text);
}

#[tokio::test]
async fn a_string_has_a_mebibyte_and_no_more_but_for_a_files_bytes() {
    let server = Server::conformance();
    let text = |bytes| "x".repeat(bytes);
    let at = server.v1("SendMessage", message("tck-at", &text(1024 * 1024))).await;
    assert_eq!(state(&at["result"]), "TASK_STATE_COMPLETED", "{}", at["error"]);
    let above = server.v1("SendMessage", message("tck-above", &text(1024 * 1024 + 1))).await;
    assert_eq!((&above["error"]["code"], field(&above)), (&json!(-32602), "message.parts[0].text"), "{}", above["error"]);
    assert!(above["error"]["message"].as_str().is_some_and(|text| text.contains("1048576 bytes")), "{above}");
    let refused = server.rest("/message:send", &message("tck-rest", &text(1024 * 1024 + 1))).await;
    assert_eq!((refused.status, refused.text.contains("message.parts[0].text")), (400, true), "{}", refused.text);
    let file =
        json!({"message": {"messageId": "tck-file", "role": "ROLE_USER", "parts": [{"raw": text(2 * 1024 * 1024), "mediaType": "text/plain"}]}});
    let response = server.v1("SendMessage", file).await;
    assert_eq!(state(&response["result"]), "TASK_STATE_COMPLETED", "{}", response["error"]);
}

#[tokio::test]
async fn a_message_has_a_thousand_parts_and_no_more() {
    let server = Server::conformance();
    let of = |id: &str, parts| json!({"message": {"messageId": id, "role": "ROLE_USER", "parts": vec![json!({"text": "x"}); parts]}});
    let at = server.v1("SendMessage", of("tck-at", 1_000)).await;
    assert_eq!(state(&at["result"]), "TASK_STATE_COMPLETED", "{}", at["error"]);
    let above = server.v1("SendMessage", of("tck-above", 1_001)).await;
    assert_eq!((&above["error"]["code"], field(&above)), (&json!(-32602), "message.parts"), "{above}");
    assert!(above["error"]["message"].as_str().is_some_and(|text| text.contains("1001") && text.contains("1000")), "{above}");
    let old = json!({"message": {"role": "user", "parts": vec![json!({"type": "text", "text": "x"}); 1_001]}});
    assert_eq!(server.old("tasks/send", old).await["error"]["data"]["fieldViolations"][0]["field"], "message.parts");
}

#[tokio::test]
async fn a_request_has_64_headers_of_10_kib_and_no_more() {
    let server = Server::conformance();
    let get = async |headers: &[(String, String)]| {
        let mut head = String::from("GET /tasks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        raw(&server, format!("{head}\r\n").as_bytes()).await
    };
    let many = |count: usize| (0..count).map(|number| (format!("X-{number}"), "1".to_owned())).collect::<Vec<_>>();
    assert!(get(&many(62)).await.starts_with("HTTP/1.1 200"));
    for headers in [many(63), many(200), vec![("X-Long".to_owned(), "y".repeat(10 * 1024))]] {
        let answer = get(&headers).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.to_ascii_lowercase().contains("x-content-type-options: nosniff"), "{head}");
        assert!(serde_json::from_str::<Value>(body).unwrap()["error"]["message"].as_str().unwrap().contains("10240"), "{body}");
    }
    // "Host: x" and "Connection: close" are 9 and 19 bytes with their ends, "X-Long: " and its end 10.
    let long = |bytes: usize| vec![("X-Long".to_owned(), "y".repeat(bytes - 9 - 19 - 10))];
    assert!(get(&long(10 * 1024)).await.starts_with("HTTP/1.1 200"));
    assert!(get(&long(10 * 1024 + 1)).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn what_is_no_http_is_refused_in_json() {
    let server = Server::conformance();
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "y".repeat(70_000));
    for (request, code) in [("GET / HTTP/1.1\r\nno header\r\n\r\n", 400), ("\u{1}\r\n\r\n", 400), ("GET / HTTP/7\r\n\r\n", 400), (&long, 414)] {
        let answer = raw(&server, request.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {code} ")), "{answer}");
        SECURITY.iter().for_each(|(name, value)| assert!(head.to_ascii_lowercase().contains(&format!("{name}: {value}").to_lowercase()), "{head}"));
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["error"]["code"], &body["jsonrpc"]), (&code.into(), &"2.0".into()), "{body}");
    }
}

/// Sends bytes as they are and reads to the end of the connection.
async fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut connection = TcpStream::connect(server.base.strip_prefix("http://").unwrap()).await.unwrap();
    connection.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), connection.read_to_end(&mut answer)).await.expect("an end within 30 s").unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_client_that_falls_silent_within_its_body_is_hung_up_on() {
    let server = Server::conformance();
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"jsonrpc\"";
    let (answer, other) = tokio::join!(raw(&server, head.as_bytes()), server.v1("ListTasks", json!({})));
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("did not come in time"), "{answer}");
    assert!(other["result"].is_object(), "others are answered meanwhile: {other}");
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let server = Server::conformance_with(&[("A2A_CORS_ORIGINS", "https://app.example")]);
    let (json_type, key) = (("Content-Type", "application/json"), ("X-API-Key", "wrong"));
    let call = |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let stream = call("SendStreamingMessage", message("tck-stream-1", "x"));
    let many = "x".repeat(9 * 1024);
    let cases: Vec<Case<'_>> = vec![
        (200, Method::GET, "/health".into(), vec![], String::new()),
        (200, Method::GET, "/.well-known/agent-card.json".into(), vec![], String::new()),
        (200, Method::POST, "/".into(), vec![V1, json_type], call("ListTasks", json!({}))),
        (200, Method::POST, "/".into(), vec![V1, json_type], stream),
        (204, Method::POST, "/".into(), vec![V1, json_type], r#"{"jsonrpc":"2.0","method":"ListTasks"}"#.into()),
        (204, Method::OPTIONS, "/".into(), vec![], String::new()),
        (401, Method::GET, "/tasks".into(), vec![key], String::new()),
        (401, Method::GET, "/admin/keys".into(), vec![], String::new()),
        (404, Method::GET, "/tasks/none".into(), vec![V1], String::new()),
        (404, Method::GET, "/there/is/no/such/route/at/all/here".into(), vec![], String::new()),
        (405, Method::DELETE, "/health".into(), vec![], String::new()),
        (400, Method::GET, format!("/tasks?pageToken={many}"), vec![], String::new()),
        (413, Method::POST, "/message:send".into(), vec![V1, json_type], "x".repeat(11 * 1024 * 1024)),
        (415, Method::POST, "/".into(), vec![V1, ("Content-Type", "text/plain")], "x".into()),
        (431, Method::GET, "/tasks".into(), vec![("X-A", &many), ("X-B", &many)], String::new()),
    ];
    for (status, method, path, headers, body) in cases {
        let what = format!("{status} {method} {}", &path[..path.len().min(40)]);
        let answer: Answered = answered(server.send(method, &path, &headers, body).await).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        for (name, value) in SECURITY {
            let held = answer.header(name);
            assert!(!held.is_empty() && (value.is_empty() || held == value), "{what}: {name} is `{held}`");
        }
    }
}

#[tokio::test]
async fn pages_of_exactly_the_allowed_origins_may_ask_and_read() {
    let server = Server::conformance_with(&[("A2A_CORS_ORIGINS", "https://app.example,https://other.example:8443")]);
    let preflight = async |origin: &str| {
        let headers = [("Origin", origin), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization")];
        answered(server.send(Method::OPTIONS, "/", &headers, "").await).await
    };
    for origin in ["https://app.example", "https://other.example:8443"] {
        let answer = preflight(origin).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, origin));
        assert!(answer.header("access-control-allow-methods").contains("POST"), "{answer:?}");
        assert!(answer.header("access-control-allow-headers").contains("authorization"), "{answer:?}");
        assert_eq!(server.get("/agents", &[("Origin", origin)]).await.header("access-control-allow-origin"), origin);
        assert_eq!(server.get("/tasks/none", &[V1, ("Origin", origin)]).await.header("access-control-allow-origin"), origin, "errors too");
    }
    for origin in ["https://app.example.evil", "http://app.example", "https://app.example:443", "null", "https://APP.example", "*"] {
        let answer = preflight(origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        assert_eq!(answer.header("access-control-allow-methods"), "", "{origin}");
        let read = server.get("/agents", &[("Origin", origin)]).await;
        assert_eq!((read.header("access-control-allow-origin"), read.header("vary").contains("Origin")), ("", true), "{origin}");
    }
}

#[tokio::test]
async fn this_machine_may_do_without_https_and_no_header_stands_for_it() {
    let server = Server::conformance_with(&[("A2A_REQUIRE_HTTPS", "1"), ("A2A_CARD", "hybrid")]);
    assert_eq!(server.get("/tasks", &[V1]).await.status, 200);
    // The gateway writes over what a client says of its own scheme.
    let card = server.get("/.well-known/agent-card.json", &[V1, ("X-Forwarded-Proto", "https")]).await;
    assert!(!card.text.contains("https://127.0.0.1"), "{}", card.text);
}
