//! Functions over Postgres: one key for all processes, and what is said while the database is away.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::servers::postgres_database;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::*;

/// Nobody answers there.
const NOWHERE: &str = "postgres://ann@127.0.0.1:1/a2a";
const KEYS: &str = "/.well-known/jwks.json";
const CARD: &str = "/.well-known/agent-card.json";

/// A way to a server that can be closed.
struct Gate {
    port: u16,
    server: String,
    open: JoinSet<()>,
}

impl Gate {
    /// Before the server of this URL; gives the URL through the gate.
    async fn before(url: &str) -> (Self, String) {
        let (user, rest) = url.rsplit_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut gate = Gate { port: listener.local_addr().unwrap().port(), server: server.to_owned(), open: JoinSet::new() };
        gate.let_through(listener);
        let url = format!("{user}@127.0.0.1:{}/{database}", gate.port);
        (gate, url)
    }

    fn let_through(&mut self, listener: TcpListener) {
        let server = self.server.clone();
        self.open.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut server = TcpStream::connect(&server).await.unwrap();
                connections.spawn(async move { copy_bidirectional(&mut client, &mut server).await.is_ok() });
            }
        });
    }

    /// Cuts all connections and takes no more.
    async fn close(&mut self) {
        self.open.shutdown().await;
    }

    async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.let_through(listener);
    }
}

async fn over(url: &str) -> Server {
    Server::with(&[("A2A_DATABASE_URL", url), ("A2A_SYSTEM_API_KEY", "system-key-1")]).await
}

#[tokio::test]
async fn all_processes_on_one_database_sign_with_one_key() {
    let url = postgres_database().await;
    let (one, other) = tokio::join!(over(&url), over(&url));
    let keys = one.get(Serves::AgentCards, KEYS).await.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert_eq!(other.get(Serves::AgentCards, KEYS).await.json(), keys);
    assert!(one.get(Serves::AgentCards, CARD).await.json()["signatures"][0]["signature"].is_string());
}

/// Asks until that is the answer: what is told of health is a second old at most.
async fn until(status: u16, ask: impl AsyncFn() -> u16) {
    let since = Instant::now();
    while ask().await != status {
        assert!(since.elapsed() < Duration::from_secs(10), "never {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_database_that_goes_away_and_comes_back_is_told() {
    let (mut gate, url) = Gate::before(&postgres_database().await).await;
    let server = over(&url).await;
    let ready = async || server.get(Serves::Health, "/health/ready").await.status;
    let details = async || server.send(Serves::Health, "GET", "/health/details", &[("X-API-Key", "system-key-1")], "").await.json();
    assert_eq!((ready().await, &details().await["checks"]["database"]["status"]), (200, &json!("healthy")));

    gate.close().await;
    until(503, ready).await;
    let (parts, alive) = tokio::join!(details(), server.get(Serves::Health, "/health"));
    assert_eq!((alive.status, &alive.json()["status"]), (200, &json!("unhealthy")));
    assert_eq!((&parts["status"], &parts["checks"]["database"]["status"]), (&json!("unhealthy"), &json!("unavailable")));
    assert!(parts["checks"]["database"]["message"].is_string(), "{parts}");
    let refused = server.send(Serves::EveryMethod, "GET", "/tasks/t-1", &[("A2A-Version", "1.0")], "").await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.header("retry-after").parse::<u32>().is_ok());

    gate.open().await;
    until(200, ready).await;
    assert_eq!(server.call("SendMessage", message("m-1", "hello")).await["result"]["task"]["status"]["state"], "TASK_STATE_COMPLETED");
}

#[tokio::test]
async fn a_lambda_starts_without_its_database_and_signs_with_a_key_that_it_is_given() {
    let lambda = [("A2A_DATABASE_URL", NOWHERE), ("AWS_LAMBDA_FUNCTION_NAME", "agent-card")];
    let server = Server::with(&lambda).await;
    let card = server.get(Serves::AgentCards, CARD).await;
    assert_eq!((card.status, card.header("cache-control")), (200, "no-store"));
    assert!(card.json().get("signatures").is_none(), "{}", card.text);
    assert_eq!(server.get(Serves::AgentCards, KEYS).await.status, 503);

    let key = edge::SigningKey::generate_pem().unwrap();
    let server = Server::with(&[lambda[0], lambda[1], ("A2A_CARD_SIGNING_KEY", &key)]).await;
    let card = server.get(Serves::AgentCards, CARD).await;
    assert!(card.json()["signatures"][0]["signature"].is_string() && card.header("cache-control") != "no-store");
    assert_eq!(server.get(Serves::AgentCards, KEYS).await.text, edge::SigningKey::from_pem(&key).unwrap().key_set());
}
