//! A receiver of webhooks on this machine.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::Value;
use tokio::sync::mpsc;

/// One webhook call.
#[derive(Debug)]
pub struct Delivery {
    pub headers: HeaderMap,
    pub body: Value,
}

impl Delivery {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Accepts webhooks until it is dropped.
pub struct Inbox {
    pub url: String,
    deliveries: mpsc::UnboundedReceiver<Delivery>,
    serving: tokio::task::JoinHandle<()>,
}

struct Desk {
    deliveries: mpsc::UnboundedSender<Delivery>,
    refusals: std::sync::atomic::AtomicUsize,
}

impl Inbox {
    /// Accepts everything.
    pub async fn open() -> Inbox {
        Inbox::refusing_first(0).await
    }

    /// Answers 503 to so many calls before it accepts.
    pub async fn refusing_first(refusals: usize) -> Inbox {
        let (sender, deliveries) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk { deliveries: sender, refusals: refusals.into() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(desk);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Inbox { url, deliveries, serving }
    }

    /// The next call.
    pub async fn next(&mut self) -> Delivery {
        tokio::time::timeout(Duration::from_secs(30), self.deliveries.recv()).await.expect("a webhook within 30 s").unwrap()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn receive(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    use std::sync::atomic::Ordering::SeqCst;
    if desk.refusals.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let body = serde_json::from_slice(&body).expect("JSON in each webhook");
    let _ = desk.deliveries.send(Delivery { headers, body });
    StatusCode::OK
}
