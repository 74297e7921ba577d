//! What a receiver sees, and what its answers mean.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{net::SocketAddr, time::Duration};

use engine::ports::{WebhookError, WebhookRequest, WebhookSender};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use webhook::ReqwestWebhookSender;

/// Accepts one connection, reads one request with a body that ends in `}`, answers, and gives back what it read.
async fn receiver(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let received = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "the sender hung up");
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(read).unwrap()
    });
    (address, received)
}

fn request(url: String) -> WebhookRequest {
    let headers = vec![("X-A2A-Notification-Token".into(), "secret".into()), ("Authorization".into(), "Bearer abc".into())];
    WebhookRequest { url, headers, body: r#"{"task":{"id":"1"}}"#.into() }
}

async fn post_to(answer: &'static str) -> (Result<(), WebhookError>, String) {
    let (address, received) = receiver(answer).await;
    let outcome = ReqwestWebhookSender::new(true).post(request(format!("http://{address}/hook?x=1"))).await;
    (outcome, received.await.unwrap())
}

#[tokio::test]
async fn a_delivery_is_a_json_post_with_the_headers_of_the_config() {
    let (outcome, received) = post_to("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    assert_eq!(outcome, Ok(()));
    let received_lower = received.to_lowercase();
    assert!(received.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{received}");
    for header in ["content-type: application/json", "x-a2a-notification-token: secret", "authorization: bearer abc", "user-agent: a2a-lambda/"] {
        assert!(received_lower.contains(header), "{header} in {received}");
    }
    assert!(received.ends_with(r#"{"task":{"id":"1"}}"#), "{received}");
}

#[tokio::test]
async fn any_2xx_is_a_delivery() {
    assert_eq!(post_to("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await.0, Ok(()));
    assert_eq!(post_to("HTTP/1.1 204 No Content\r\n\r\n").await.0, Ok(()));
}

#[tokio::test]
async fn an_error_status_is_worth_another_try() {
    let (outcome, _) = post_to("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(outcome, Err(WebhookError::Failed { reason: "it answered 503 Service Unavailable".into() }));
}

#[tokio::test]
async fn redirects_are_not_followed_not_even_to_where_a_webhook_could_be() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = elsewhere.local_addr().unwrap();
        let answer = format!("HTTP/1.1 {status}\r\nlocation: http://{location}/\r\nrefresh: 0; url=http://{location}/\r\ncontent-length: 0\r\n\r\n");
        let (outcome, _) = post_to(answer.leak()).await;
        assert_eq!(outcome, Err(WebhookError::Failed { reason: format!("it answered {status}") }));
    }
    let visit = tokio::time::timeout(Duration::from_millis(100), elsewhere.accept()).await;
    assert!(visit.is_err(), "a redirect was followed");
}

#[tokio::test]
async fn an_endless_reply_is_dropped_after_its_status() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let flood = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"}") {
            stream.read_buf(&mut read).await.unwrap();
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let block = vec![b'x'; 64 * 1024];
        // Ends when the other side closes.
        while stream.write_all(&block).await.is_ok() {}
    });
    let posted = ReqwestWebhookSender::new(true).post(request(format!("http://{address}/endless"))).await;
    assert_eq!(posted, Ok(()));
    tokio::time::timeout(Duration::from_secs(5), flood).await.expect("the connection is closed").unwrap();
}

#[tokio::test]
async fn nobody_listening_is_worth_another_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = ReqwestWebhookSender::new(true).post(request(format!("http://{address}/"))).await;
    assert!(matches!(outcome, Err(WebhookError::Failed { .. })), "{outcome:?}");
}

#[tokio::test]
async fn loopback_by_name_needs_the_setting_too() {
    let (address, received) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let url = format!("http://localhost:{}/", address.port());
    assert!(matches!(ReqwestWebhookSender::new(false).post(request(url.clone())).await, Err(WebhookError::Refused { .. })));
    assert_eq!(ReqwestWebhookSender::new(true).post(request(url)).await, Ok(()));
    received.await.unwrap();
}

#[tokio::test]
async fn a_header_that_would_split_the_request_is_refused() {
    let request =
        WebhookRequest { headers: vec![("X-A2A-Notification-Token".into(), "a\r\nhost: b".into())], ..request("https://example.com/".into()) };
    let outcome = ReqwestWebhookSender::new(false).post(request).await;
    assert_eq!(outcome, Err(WebhookError::Refused { reason: "the header `X-A2A-Notification-Token` can't be sent".into() }));
}
