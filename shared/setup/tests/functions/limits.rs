//! Bodies that are too large, too deep or no text.

use serde_json::json;

use crate::*;

#[tokio::test]
async fn a_body_over_the_limit_is_refused_as_json() {
    let server = Server::new().await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": message("m-1", &"x".repeat(11 * 1024 * 1024))});
    let answer = server.post("/", &[], body).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (413, &json!(-32013)));
}

#[tokio::test]
async fn deep_nesting_is_a_parse_error() {
    let server = Server::new().await;
    let body = "[".repeat(100_000);
    let answer = server.send(Serves::EveryMethod, "POST", "/", &[("Content-Type", "application/json")], &body).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (200, &json!(-32700)), "{}", answer.text);
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_a_parse_error() {
    let server = Server::new().await;
    let request = http::Request::builder().method("POST").uri("/").header("content-type", "application/json");
    let request = request.body(lambda_http::Body::Binary(vec![b'{', 0xff, b'}'])).unwrap();
    let response = edge::serve(server.app.clone(), request, Serves::EveryMethod).await;
    let body: serde_json::Value = serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(body["error"]["code"], -32700);
}

#[tokio::test]
async fn what_the_gateway_refuses_has_the_form_of_the_binding() {
    let server = Server::new().await;
    for (path, status) in [("/", "error"), ("/v1/tasks", "type")] {
        let (parts, ()) = http::Request::builder().method("POST").uri(path).body(()).unwrap().into_parts();
        let response = edge::refuse(&server.app, &parts, protocol::A2aError::Timeout { limit_seconds: 29 }).await;
        assert_eq!(response.status(), 504);
        let body: serde_json::Value = serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
        assert!(body.get(status).is_some(), "{body}");
    }
}
