//! A Redis of a test's own, which may be killed, stopped and started again.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use redis::{RedisResult, Value, aio::MultiplexedConnection};
use tempfile::TempDir;

/// A server, gone with its last clone.
#[derive(Clone)]
pub struct RedisServer {
    inner: Arc<Inner>,
}

struct Inner {
    port: u16,
    arguments: Vec<String>,
    directory: TempDir,
    process: Mutex<Option<Child>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        kill(self.process.get_mut().take());
    }
}

impl RedisServer {
    /// One that isn't started yet.
    pub fn prepared(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let inner = Inner { port: free_port(), arguments, directory: tempfile::tempdir().unwrap(), process: Mutex::default() };
        RedisServer { inner: Arc::new(inner) }
    }

    pub async fn started(arguments: &[&str]) -> Self {
        let server = RedisServer::prepared(arguments);
        server.start().await;
        server
    }

    /// A cluster whose only node has every slot: what is in two slots can't be named in one command.
    pub async fn cluster_of_one(arguments: &[&str]) -> Self {
        let server = RedisServer::cluster_node(arguments).await;
        server.assign_slots(0, 16_383).await;
        server.cluster_is_ok(1).await;
        server
    }

    pub async fn cluster_of_three() -> [Self; 3] {
        let nodes = [RedisServer::cluster_node(&[]).await, RedisServer::cluster_node(&[]).await, RedisServer::cluster_node(&[]).await];
        for (node, (first, last)) in nodes.iter().zip([(0, 5_460), (5_461, 10_922), (10_923, 16_383)]) {
            node.assign_slots(first, last).await;
            let (port, bus) = (node.port().to_string(), node.inner.arguments[3].clone());
            let _: Value = nodes[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await.unwrap();
        }
        for node in &nodes {
            node.cluster_is_ok(3).await;
        }
        nodes
    }

    async fn cluster_node(arguments: &[&str]) -> Self {
        let bus_port = free_port().to_string();
        RedisServer::started(&[&["--cluster-enabled", "yes", "--cluster-port", &bus_port][..], arguments].concat()).await
    }

    async fn assign_slots(&self, first: u16, last: u16) {
        let _: Value = self.ask(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]).await.unwrap();
    }

    async fn cluster_is_ok(&self, size: usize) {
        loop {
            let about: String = self.ask(&["CLUSTER", "INFO"]).await.unwrap();
            if about.contains("cluster_state:ok") && about.contains(&format!("cluster_size:{size}\r")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn port(&self) -> u16 {
        self.inner.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// Starts it and waits until it answers.
    pub async fn start(&self) {
        let start = |program: &str| {
            Command::new(program)
                .args(["--port", &self.port().to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
                .arg(self.inner.directory.path())
                .args(&self.inner.arguments)
                .stdout(Stdio::null())
                .spawn()
        };
        let process = start("redis-server").or_else(|_| start("valkey-server"));
        *self.inner.process.lock() = Some(process.expect("redis-server or valkey-server is installed"));
        while self.ask::<String>(&["PING"]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// As by `kill -9`: nothing is kept.
    pub fn kill(&self) {
        kill(self.inner.process.lock().take());
    }

    /// Freezes it, or lets it go on.
    pub fn signal(&self, name: &str) {
        let id = self.inner.process.lock().as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    pub async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        redis::Client::open(self.url())?.get_multiplexed_async_connection().await
    }

    pub async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.connection().await?).await
    }

    /// How many connections there are, without the one that asks.
    pub async fn connections(&self) -> usize {
        let clients: String = self.ask(&["CLIENT", "LIST"]).await.unwrap();
        clients.lines().count() - 1
    }
}

fn kill(process: Option<Child>) {
    if let Some(mut process) = process {
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// A port that was free just now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
