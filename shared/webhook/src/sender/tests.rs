//! Names whose answers a test gives, and receivers that take their time.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Instant,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

/// A resolver that gives these answers one after the other, the last one again and again, and counts how often it was asked.
fn scripted(answers: &[&str]) -> (Lookup, Arc<Mutex<u32>>) {
    let left: Mutex<VecDeque<SocketAddr>> = Mutex::new(answers.iter().map(|answer| format!("{answer}:0").parse().unwrap()).collect());
    let asked = Arc::new(Mutex::new(0));
    let count = asked.clone();
    let lookup: Lookup = Arc::new(move |_| {
        *count.lock().unwrap() += 1;
        let mut left = left.lock().unwrap();
        let answer = if left.len() > 1 { left.pop_front().unwrap() } else { left[0] };
        Box::pin(async move { Ok(vec![answer]) })
    });
    (lookup, asked)
}

fn sender(allow_loopback: bool, lookup: Lookup) -> ReqwestWebhookSender {
    ReqwestWebhookSender { lookup, attempt: Duration::from_millis(500), ..ReqwestWebhookSender::new(allow_loopback) }
}

fn request(port: u16) -> WebhookRequest {
    WebhookRequest { url: format!("http://hook.example.com:{port}/"), headers: vec![], body: "{}".into() }
}

async fn read_request(stream: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "the sender hung up");
    }
}

/// Answers each request with 204 and ends the connection; says how many there were.
async fn receiver() -> (u16, Arc<Mutex<u32>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(0));
    let count = seen.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            *count.lock().unwrap() += 1;
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
        }
    });
    (port, seen)
}

#[tokio::test]
async fn a_name_that_resolves_to_this_machine_is_refused_when_it_is_connected_to() {
    let sender = ReqwestWebhookSender::new(false);
    let error = sender.client().await.unwrap().get("http://localhost:1/").send().await.unwrap_err();
    assert_eq!(outcome(error, ATTEMPT), WebhookError::Refused { reason: "`localhost` resolves to a loopback address".into() });
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_connected_to() {
    let (port, seen) = receiver().await;
    // Nobody listens at the second address: a second lookup would be seen.
    let (lookup, asked) = scripted(&["127.0.0.1", "127.0.0.77"]);
    assert_eq!(sender(true, lookup).post(request(port)).await, Ok(()));
    assert_eq!((*asked.lock().unwrap(), *seen.lock().unwrap()), (1, 1));
}

#[tokio::test]
async fn a_name_that_changes_to_an_address_inside_is_refused_at_the_next_connection() {
    let (port, seen) = receiver().await;
    let (lookup, asked) = scripted(&["127.0.0.1", "169.254.169.254"]);
    let changing = sender(true, lookup);
    assert_eq!(changing.post(request(port)).await, Ok(()));
    let refused = WebhookError::Refused { reason: "`hook.example.com` resolves to a metadata service".into() };
    assert_eq!(changing.post(request(port)).await, Err(refused));
    assert_eq!((*asked.lock().unwrap(), *seen.lock().unwrap()), (2, 1));
}

#[tokio::test]
async fn a_name_that_was_public_when_it_was_configured_never_leads_to_this_machine() {
    let (port, seen) = receiver().await;
    for inside in ["127.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "[fd00:ec2::254]", "169.254.170.2"] {
        let (lookup, _) = scripted(&[inside]);
        let rebinding = sender(false, lookup);
        assert_eq!(rebinding.check(&request(port).url), Ok(()));
        let outcome = rebinding.post(request(port)).await;
        assert!(matches!(outcome, Err(WebhookError::Refused { .. })), "{inside}: {outcome:?}");
    }
    assert_eq!(*seen.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_receiver_that_never_answers_costs_one_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (lookup, _) = scripted(&["127.0.0.1"]);
    let began = Instant::now();
    let outcome = sender(true, lookup).post(request(listener.local_addr().unwrap().port())).await;
    assert_eq!(outcome, Err(WebhookError::Failed { reason: "no answer within 0.5 s".into() }));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_reply_that_drips_is_left_after_its_status() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dripping = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let (lookup, _) = scripted(&["127.0.0.1"]);
    assert_eq!(sender(true, lookup).post(request(port)).await, Ok(()));
    timeout(Duration::from_secs(5), dripping).await.expect("the connection is closed").unwrap();
}

#[tokio::test]
async fn a_head_without_end_is_no_delivery() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let flood = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        let line = format!("x-filler: {}\r\n", "y".repeat(4096));
        while stream.write_all(line.as_bytes()).await.is_ok() {}
    });
    let (lookup, _) = scripted(&["127.0.0.1"]);
    assert!(matches!(sender(true, lookup).post(request(port)).await, Err(WebhookError::Failed { .. })));
    timeout(Duration::from_secs(5), flood).await.expect("the connection is closed").unwrap();
}
