//! A receiver of webhooks that keeps every body, by the path that it came to.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
};
use serde_json::Value;

#[derive(Default)]
struct Received {
    accepted: HashMap<String, Vec<Value>>,
    refused: HashMap<String, Vec<Value>>,
    refuse: HashSet<String>,
}

/// Accepts webhooks until it is dropped.
pub struct Inbox {
    base: String,
    received: Arc<Mutex<Received>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Inbox {
    pub async fn open() -> Inbox {
        let received = Arc::<Mutex<Received>>::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(received.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Inbox { base, received, serving }
    }

    /// Where a message's webhooks go.
    pub fn url(&self, message_id: &str) -> String {
        format!("{}/{message_id}", self.base)
    }

    /// What came for a message, in order.
    pub fn bodies(&self, message_id: &str) -> Vec<Value> {
        self.received.lock().unwrap().accepted.get(&path(message_id)).cloned().unwrap_or_default()
    }

    /// From now on, or no longer, answers 503 to what comes for a message.
    pub fn refuse(&self, message_id: &str, refuse: bool) {
        let mut received = self.received.lock().unwrap();
        if refuse {
            received.refuse.insert(path(message_id))
        } else {
            received.refuse.remove(&path(message_id))
        };
    }

    /// What came for a message and was refused, in order.
    pub fn refused(&self, message_id: &str) -> Vec<Value> {
        self.received.lock().unwrap().refused.get(&path(message_id)).cloned().unwrap_or_default()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn path(message_id: &str) -> String {
    format!("/{message_id}")
}

async fn receive(State(received): State<Arc<Mutex<Received>>>, uri: Uri, body: Bytes) -> StatusCode {
    let body = serde_json::from_slice(&body).expect("JSON in each webhook");
    let mut received = received.lock().unwrap();
    let refuse = received.refuse.contains(uri.path());
    let bodies = if refuse { &mut received.refused } else { &mut received.accepted };
    bodies.entry(uri.path().to_owned()).or_default().push(body);
    if refuse { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}
