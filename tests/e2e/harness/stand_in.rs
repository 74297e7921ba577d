//! A server of someone else's: an agent of the protocol's first version that answers as a test says.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Answers until it is dropped.
pub struct StandIn {
    pub url: String,
    desk: Arc<Desk>,
    serving: tokio::task::JoinHandle<()>,
}

/// How it answers.
struct Desk {
    /// Requests that are answered at the same time.
    places: Semaphore,
    /// How long each takes.
    takes: Duration,
    /// The state of every task.
    state: &'static str,
    asked: AtomicUsize,
    /// As it shows it.
    card: Value,
}

impl StandIn {
    /// Answers so many at the same time, each after so long, with a task in this state. It has no page of its health.
    pub async fn open(places: usize, takes: Duration, state: &'static str) -> StandIn {
        StandIn::start(places, takes, state, |url| json!({"name": "stand-in", "url": url, "capabilities": {}, "skills": []})).await
    }

    /// One that shows this card.
    pub async fn showing(card: Value) -> StandIn {
        StandIn::start(1, Duration::ZERO, "completed", |_| card).await
    }

    async fn start(places: usize, takes: Duration, state: &'static str, card: impl FnOnce(&str) -> Value) -> StandIn {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let desk = Arc::new(Desk { places: Semaphore::new(places), takes, state, asked: AtomicUsize::new(0), card: card(&url) });
        let router = Router::new().route("/.well-known/agent.json", get(show)).route("/", post(answer)).with_state(desk.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        StandIn { url, desk, serving }
    }

    /// How many requests there were.
    pub fn asked(&self) -> usize {
        self.desk.asked.load(Relaxed)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn show(State(desk): State<Arc<Desk>>) -> Json<Value> {
    Json(desk.card.clone())
}

async fn answer(State(desk): State<Arc<Desk>>, Json(request): Json<Value>) -> Result<Json<Value>, StatusCode> {
    desk.asked.fetch_add(1, Relaxed);
    let _place = desk.places.acquire().await.unwrap();
    tokio::time::sleep(desk.takes).await;
    // What the first version requires.
    if request["method"] != "tasks/send" || request["params"]["id"].as_str().is_none() || request["params"]["message"]["parts"][0]["type"] != "text" {
        return Err(StatusCode::BAD_REQUEST);
    }
    Ok(Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": {"id": request["params"]["id"], "status": {"state": desk.state}}})))
}
