//! A receiver of webhooks that keeps every body, by the path that it came to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
};
use serde_json::Value;

type Bodies = Arc<Mutex<HashMap<String, Vec<Value>>>>;

/// Accepts webhooks until it is dropped.
pub struct Inbox {
    base: String,
    bodies: Bodies,
    serving: tokio::task::JoinHandle<()>,
}

impl Inbox {
    pub async fn open() -> Inbox {
        let bodies = Bodies::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(bodies.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Inbox { base, bodies, serving }
    }

    /// Where a message's webhooks go.
    pub fn url(&self, message_id: &str) -> String {
        format!("{}/{message_id}", self.base)
    }

    /// What came for a message, in order.
    pub fn bodies(&self, message_id: &str) -> Vec<Value> {
        self.bodies.lock().unwrap().get(&format!("/{message_id}")).cloned().unwrap_or_default()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn receive(State(bodies): State<Bodies>, uri: Uri, body: Bytes) -> StatusCode {
    let body = serde_json::from_slice(&body).expect("JSON in each webhook");
    bodies.lock().unwrap().entry(uri.path().to_owned()).or_default().push(body);
    StatusCode::OK
}
