//! Connections, keys and encryption: what only a bus over Redis has.

use std::{collections::HashSet, process::Command, time::Duration};

use engine::ports::EventBus;
use tempfile::TempDir;

use crate::{
    redis_bus,
    redis_server::{RedisServer, free_port},
    words::*,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_few_however_many_listen() {
    for max_connections in [1, 2, 5, 50] {
        let server = RedisServer::started(&[]).await;
        let (one, other) = (redis_bus(&server.url(), max_connections), redis_bus(&server.url(), max_connections));
        let tasks: Vec<String> = (0..200).map(|_| task()).collect();
        let mut listeners = Vec::new();
        for task in &tasks {
            listeners.push(other.subscribe(task).await);
        }
        for task in &tasks {
            one.publish(task, events(1)).await;
        }
        for listener in &mut listeners {
            assert_eq!(sequence(&next_but_gaps(listener).await), Some(1));
        }
        let connections = server.connections().await;
        assert!(connections <= 1 + max_connections.min(17) as usize, "{connections} with at most {max_connections}");
        assert!(other.readers() <= 16);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_that_left_are_forgotten_and_every_key_expires() {
    let server = RedisServer::started(&[]).await;
    let (one, other) = (redis_bus(&server.url(), 50), redis_bus(&server.url(), 50));
    for _ in 0..300 {
        let task = task();
        let mut listener = other.subscribe(&task).await;
        one.publish(&task, events(1)).await;
        assert_eq!(sequence(&next_but_gaps(&mut listener).await), Some(1));
    }
    assert_eq!(other.channels(), 0);
    let keys: Vec<String> = server.ask(&["KEYS", "*"]).await.unwrap();
    assert!(keys.len() >= 300);
    for key in keys {
        let seconds: i64 = server.ask(&["TTL", &key]).await.unwrap();
        assert!((1..=600).contains(&seconds), "{key} lives {seconds} s");
    }
    // A stream keeps only the latest of very many.
    let task = task();
    for n in 1..=2_000 {
        one.publish(&task, events(n)).await;
        if n % 500 == 0 {
            one.ping().await.unwrap();
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let keys: HashSet<String> = server.ask(&["KEYS", &format!("*{task}")]).await.unwrap();
    let length: u64 = server.ask(&["XLEN", keys.iter().next().unwrap()]).await.unwrap();
    assert!((1..=256).contains(&length), "{length} entries");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_three_carries_all_tasks() {
    let nodes = RedisServer::cluster_of_three().await;
    for max_connections in [50, 4] {
        // Each process knows another node.
        let (one, other) = (redis_bus(&nodes[0].url(), max_connections), redis_bus(&nodes[2].url(), max_connections));
        for task in (0..60).map(|_| task()) {
            let mut listener = other.subscribe(&task).await;
            for n in 1..=3 {
                one.publish(&task, events(n)).await;
                assert_eq!(sequence(&next_but_gaps(&mut listener).await), Some(n));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_with_credentials_works_and_strangers_are_refused() {
    let certificates = Certificates::new();
    for cluster in [false, true] {
        let (server, tls_port) = certificates.server(cluster).await;
        let url = |credentials: &str, parameters: &str| format!("rediss://{credentials}127.0.0.1:{tls_port}{parameters}");
        let trusting = format!("?ca={}", certificates.file("authority.pem"));
        let (one, other) = (redis_bus(&url("app:secret@", &trusting), 50), redis_bus(&url("app:secret@", &trusting), 50));
        one.ping().await.expect("TLS and credentials are accepted");
        let task = task();
        let mut listener = other.subscribe(&task).await;
        one.publish(&task, events(1)).await;
        assert_eq!(sequence(&next_but_gaps(&mut listener).await), Some(1));
        assert!(redis_bus(&url("app:wrong@", &trusting), 50).ping().await.is_err());
        assert!(redis_bus(&url("app:secret@", ""), 50).ping().await.is_err(), "a certificate that nobody vouches for");
        drop(server);
    }
}

/// An authority, and a server's certificate by it.
struct Certificates(TempDir);

impl Certificates {
    fn new() -> Self {
        let certificates = Certificates(TempDir::new().unwrap());
        let file = |name| certificates.file(name);
        openssl(&["-subj", "/CN=authority", "-keyout", &file("authority.key"), "-out", &file("authority.pem")]);
        openssl(
            &[
                &["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"][..],
                &["-CA", &file("authority.pem"), "-CAkey", &file("authority.key"), "-keyout", &file("server.key"), "-out", &file("server.pem")],
            ]
            .concat(),
        );
        certificates
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// A server with a user of the bus's keys alone, and the port on which it speaks TLS.
    async fn server(&self, cluster: bool) -> (RedisServer, String) {
        let tls_port = free_port().to_string();
        let (certificate, key, authority) = (self.file("server.pem"), self.file("server.key"), self.file("authority.pem"));
        let mut arguments = vec!["--tls-port", &tls_port, "--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &authority];
        arguments.extend(["--tls-auth-clients", "no", "--user", "app", "on", ">secret", "~{a2a:*", "+@all"]);
        let server = if cluster {
            RedisServer::cluster_of_one(&[&arguments[..], &["--tls-cluster", "yes"]].concat()).await
        } else {
            RedisServer::started(&arguments).await
        };
        (server, tls_port)
    }
}

fn openssl(arguments: &[&str]) {
    let made = Command::new("openssl").args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]).args(arguments).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
