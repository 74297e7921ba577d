//! A process that is sent nothing odd compiles no rules. Alone in its program, as what is compiled is the process's.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use guard::threats::{Context, compiled_tables, inspect};

#[test]
fn ordinary_requests_compile_no_rules_and_an_odd_one_only_its_own() {
    let fields = [
        // What API Gateway, CloudFront and common clients send, and what ids look like.
        "/tasks/0190c7a2-6f0e-7c3e-9a54-3a1f0b6d2c11:cancel",
        "/acme/.well-known/agent-card.json",
        "application/json",
        "application/json; charset=utf-8",
        "application/a2a+json",
        "text/event-stream",
        "application/json, text/event-stream",
        "*/*",
        "gzip, deflate, br, zstd",
        "en-US,en;q=0.9",
        "keep-alive",
        "1.0",
        "abc.execute-api.us-east-1.amazonaws.com",
        "127.0.0.1:8080",
        "192.0.2.1, 198.51.100.7",
        "https",
        "443",
        "2.0 0123456789abcdef0123456789abcdef.cloudfront.net (CloudFront)",
        "Kq9pAbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-AbCdEfGhIjKlMn==",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
        "python-httpx/0.28.1",
        "curl/8.5.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
        "Java-http-client/17.0.11",
        "axios/1.7.2",
        "/",
        "/health/ready",
        "a2a-sdk/1.0 (python 3.12; linux) httpx/0.28",
        "node",
        "Go-http-client/2.0",
        "SendMessage",
        "message/send",
        "0190c7a2-6f0e-7c3e-9a54-3a1f0b6d2c11",
        "https://a2a.example/ext/one",
        "https://hooks.example.com/a2a/callback",
    ];
    for field in fields {
        assert_eq!(inspect(field, Context::Name), None, "{field}");
        assert_eq!(compiled_tables(), 0, "{field}");
    }
    for text in [
        "What do the documents say about durable agents?",
        "Please analyze revenue by region; the numbers are: 12, 14, 9.",
        "Summarize the attached report, and don't leave out the appendix (it has the tables).",
        "hello",
        "3 papers about retrieval",
        "Summarize Q3 2024",
        "Compare A/B",
        "50% of sales",
        "日本語で要約してください。",
    ] {
        assert_eq!(inspect(text, Context::Text), None, "{text}");
        assert_eq!(compiled_tables(), 0, "{text}");
    }
    assert!(inspect("../../etc/passwd", Context::Name).is_some());
    let compiled = compiled_tables();
    assert!((1..=4).contains(&compiled), "{compiled}");
}
