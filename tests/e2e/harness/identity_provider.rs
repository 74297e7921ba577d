//! An identity provider on this machine: real keys, shown as a key set over HTTP.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, routing::get};
use serde_json::{Value, json};
pub use tests::tokens::SigningKey;

/// Shows keys until it is dropped.
pub struct IdentityProvider {
    pub url: String,
    keys: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicUsize>,
    serving: tokio::task::JoinHandle<()>,
}

impl IdentityProvider {
    pub async fn showing(keys: &[&SigningKey]) -> IdentityProvider {
        let shown = Arc::new(Mutex::new(keys.iter().map(|key| key.public()).collect::<Vec<_>>()));
        let asked = Arc::new(AtomicUsize::new(0));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let (set, count) = (shown.clone(), asked.clone());
        let show = async move || {
            count.fetch_add(1, Ordering::SeqCst);
            json!({"keys": *set.lock().unwrap()}).to_string()
        };
        let router = Router::new().route("/keys", get(show));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        IdentityProvider { url, keys: shown, asked, serving }
    }

    /// Other keys from now on.
    pub fn show(&self, keys: &[&SigningKey]) {
        *self.keys.lock().unwrap() = keys.iter().map(|key| key.public()).collect();
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
