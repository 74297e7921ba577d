//! The functions as API Gateway calls them: events in, responses out, over a store in a temporary directory.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod cards;
mod deployment;
mod http_json;
mod json_rpc;
mod limits;
mod matrix;
mod places;
mod postgres;
mod security;
mod sqs;
mod streams;
mod work;

use std::sync::Arc;

use edge::{App, Method, Serves};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use setup::Settings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A server of the functions with a store of its own.
struct Server {
    app: Arc<App>,
    _directory: tempfile::TempDir,
}

/// What came back.
struct Answer {
    status: u16,
    headers: http::HeaderMap,
    text: String,
}

impl Server {
    /// With the echo and the conformance agent, and these variables.
    async fn with(vars: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}", directory.path().join("a2a.db").display());
        let mut all = vec![("A2A_DATABASE_URL", database.as_str()), ("A2A_AGENTS", "echo,conformance")];
        all.extend_from_slice(vars);
        let app = setup::app(Settings::from_vars(all).unwrap()).await.unwrap();
        Server { app, _directory: directory }
    }

    async fn new() -> Self {
        Self::with(&[]).await
    }

    /// Sends an event to a function.
    async fn send(&self, serves: Serves, http_method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (head, body) = self.begin(serves, http_method, path, headers, body).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// Sends an event to a function; its body may go on.
    async fn begin(&self, serves: Serves, http_method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> edge::Response {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut parameters = serde_json::Map::new();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            parameters.insert(name.into(), json!([value]));
        }
        let mut sent = serde_json::Map::from_iter([("Host".to_owned(), json!(["agents.example:8080"]))]);
        for (name, value) in headers {
            sent.insert((*name).into(), json!([value]));
        }
        let event = json!({
            "resource": path,
            "path": path,
            "httpMethod": http_method,
            "headers": {},
            "multiValueHeaders": sent,
            "multiValueQueryStringParameters": parameters,
            "requestContext": {"requestId": "request-1", "httpMethod": http_method, "identity": {"sourceIp": "192.0.2.1"}, "path": path},
            "body": if body.is_empty() { Value::Null } else { Value::from(body) },
            "isBase64Encoded": false,
        });
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        edge::serve(self.app.clone(), request, serves).await
    }

    async fn get(&self, serves: Serves, path: &str) -> Answer {
        self.send(serves, "GET", path, &[], "").await
    }

    /// Posts JSON to the front door.
    async fn post(&self, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let headers: Vec<_> = [("Content-Type", "application/json")].into_iter().chain(headers.iter().copied()).collect();
        self.send(Serves::EveryMethod, "POST", path, &headers, &body.to_string()).await
    }

    /// Calls a method of v1.0 by JSON-RPC; gives the whole response.
    async fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.post("/", &[("A2A-Version", "1.0")], json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The payloads of its events.
    fn events(&self) -> Vec<Value> {
        self.text.lines().filter_map(|line| line.strip_prefix("data: ")).map(|data| serde_json::from_str(data).unwrap()).collect()
    }
}

/// Parameters of a v1.0 message.
fn message(id: &str, text: &str) -> Value {
    json!({"message": {"messageId": id, "role": "ROLE_USER", "parts": [{"text": text}]}})
}

const SEND: Serves = Serves::Method(Method::SendMessage);

/// Hears requests with a JSON body, each in full, until there are so many; gives their heads in small letters, and their bodies.
async fn hear(listener: &TcpListener, requests: usize) -> Vec<(String, Value)> {
    let mut heard = Vec::new();
    while heard.len() < requests {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        loop {
            connection.read_buf(&mut bytes).await.unwrap();
            let text = String::from_utf8(bytes.clone()).unwrap();
            if let Some((head, body)) = text.split_once("\r\n\r\n")
                && let Ok(body) = serde_json::from_str(body)
            {
                heard.push((head.to_ascii_lowercase(), body));
                connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
                break;
            }
        }
    }
    heard
}
