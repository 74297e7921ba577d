//! A proxy before SQS that hands out every message twice, the second time while the first is being worked on, and in no order.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// What stands before the receipts of second copies, of which SQS knows nothing.
const SECOND: &str = "second-";
/// A message and its copy come within this.
const WITHIN_MS: u128 = 300;
const LOOK: Duration = Duration::from_millis(10);

/// Carries requests until it is dropped.
pub struct RepeatingQueue {
    pub url: String,
    way: Arc<Way>,
    serving: tokio::task::JoinHandle<()>,
}

struct Way {
    endpoint: String,
    http: reqwest::Client,
    /// Messages that SQS handed out, twice each, and when they are to come.
    held: Mutex<Vec<Held>>,
    repeated: AtomicU64,
}

struct Held {
    queue: Value,
    due: Instant,
    message: Value,
}

impl RepeatingQueue {
    pub async fn before(endpoint: &str) -> RepeatingQueue {
        let http = tests::http().build().unwrap();
        let way = Arc::new(Way { endpoint: endpoint.to_owned(), http, held: Mutex::default(), repeated: AtomicU64::new(0) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(carry).with_state(way.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        RepeatingQueue { url, way, serving }
    }

    /// How many messages were handed out a second time.
    pub fn repeated(&self) -> u64 {
        self.way.repeated.load(Ordering::SeqCst)
    }
}

impl Drop for RepeatingQueue {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn carry(State(way): State<Arc<Way>>, headers: HeaderMap, body: Bytes) -> (StatusCode, Bytes) {
    let operation = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
    let input: Value = serde_json::from_slice(&body).unwrap();
    if operation == "ReceiveMessage" {
        return receive(&way, &headers, input).await;
    }
    if input["ReceiptHandle"].as_str().is_some_and(|receipt| receipt.starts_with(SECOND)) {
        return (StatusCode::OK, "{}".into());
    }
    forward(&way, &headers, body).await
}

/// What is due of the messages that are held, in no order. New ones of SQS are held first.
async fn receive(way: &Way, headers: &HeaderMap, mut input: Value) -> (StatusCode, Bytes) {
    let most = input["MaxNumberOfMessages"].as_u64().unwrap() as usize;
    let until = Instant::now() + Duration::from_secs(input["WaitTimeSeconds"].as_u64().unwrap());
    (input["MaxNumberOfMessages"], input["WaitTimeSeconds"]) = (json!(10), json!(0));
    loop {
        let (status, answer) = forward(way, headers, input.to_string().into()).await;
        if status != StatusCode::OK {
            return (status, answer);
        }
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let due = way.due(&input["QueueUrl"], answer["Messages"].as_array().into_iter().flatten(), most);
        if !due.is_empty() || Instant::now() >= until {
            return (StatusCode::OK, json!({"Messages": due}).to_string().into());
        }
        sleep(LOOK).await;
    }
}

impl Way {
    fn due<'m>(&self, queue: &Value, messages: impl Iterator<Item = &'m Value>, most: usize) -> Vec<Value> {
        let mut held = self.held.lock().unwrap();
        for message in messages {
            let mut second = message.clone();
            second["ReceiptHandle"] = json!(format!("{SECOND}{}", message["ReceiptHandle"].as_str().unwrap()));
            for message in [message.clone(), second] {
                let due = Instant::now() + Duration::from_millis((uuid::Uuid::new_v4().as_u128() % WITHIN_MS) as u64);
                held.push(Held { queue: queue.clone(), due, message });
            }
        }
        held.sort_by_key(|held| held.due);
        let (mut taken, now) = (0, Instant::now());
        let due = held.extract_if(.., |held| {
            let take = held.queue == *queue && held.due <= now && taken < most;
            taken += usize::from(take);
            take
        });
        let due: Vec<_> = due.map(|held| held.message).collect();
        let seconds = due.iter().filter(|message| message["ReceiptHandle"].as_str().unwrap().starts_with(SECOND)).count();
        self.repeated.fetch_add(seconds as u64, Ordering::SeqCst);
        due
    }
}

async fn forward(way: &Way, headers: &HeaderMap, body: Bytes) -> (StatusCode, Bytes) {
    let mut headers = headers.clone();
    for name in ["host", "content-length"] {
        headers.remove(name);
    }
    match way.http.post(&way.endpoint).headers(headers).body(body).send().await {
        Ok(response) => (response.status(), response.bytes().await.unwrap_or_default()),
        Err(_) => (StatusCode::BAD_GATEWAY, Bytes::new()),
    }
}
