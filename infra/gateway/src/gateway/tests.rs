//! What the gateway does to requests, seen from its two ends: a client over TCP, and functions made for the purpose.

use std::net::SocketAddr;

use edge::{Body, Response};
use futures::{StreamExt, stream};
use reqwest::StatusCode;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

use super::*;
use crate::server;

const TEMPLATE: &str = "
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      GatewayResponses:
        MISSING_AUTHENTICATION_TOKEN: { StatusCode: 404, ResponseTemplates: { application/json: '{\"error\":{\"code\":404}}' } }
        INTEGRATION_FAILURE: { StatusCode: 502, ResponseTemplates: { application/json: '{\"error\":{\"code\":502,\"message\":$context.error.messageString}}' } }
        DEFAULT_4XX: { ResponseTemplates: { application/json: '{\"error\":{\"code\":400,\"message\":$context.error.messageString}}' } }
        DEFAULT_5XX: { ResponseTemplates: { application/json: '{\"error\":{\"code\":504,\"message\":$context.error.messageString}}' } }
  Size: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/size, Timeout: 30, Events: { R: { Type: Api, Properties: { Method: POST, Path: /size } } } } }
  Panics: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/panics, Timeout: 30, Events: { R: { Type: Api, Properties: { Method: ANY, Path: /panics } } } } }
  PanicsLater: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/panics-later, Timeout: 30, Events: { R: { Type: Api, Properties: { Method: ANY, Path: /panics-later } } } } }
  Slow: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/slow, Timeout: 30, Events: { R: { Type: Api, Properties: { Method: ANY, Path: /slow, TimeoutInMillis: 60 } } } } }
  Large: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/large, Timeout: 30, Events: { R: { Type: Api, Properties: { Method: ANY, Path: /large } } } } }
  Steps: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/steps, Timeout: 30, Events: {
    R: { Type: Api, Properties: { Method: ANY, Path: /steps, ResponseTransferMode: RESPONSE_STREAM, TimeoutInMillis: 30000 } } } } }
  Buffered: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/buffered, Timeout: 30, Events: { R: { Type: Api, Properties: { Method: ANY, Path: /buffered } } } } }
  Waits: { Type: AWS::Serverless::Function, Properties: { CodeUri: f/waits, Timeout: 30, Events: { R: { Type: Api, Properties: { Method: ANY, Path: /waits } } } } }
";

/// A gateway on a port of its own, and how to tell `steps` and `waits` to go on and hear of it.
struct Running {
    url: String,
    address: SocketAddr,
    go_on: mpsc::UnboundedSender<()>,
    heard: mpsc::UnboundedReceiver<&'static str>,
    stop: CancellationToken,
    closing: CancellationToken,
    server: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

async fn running() -> Running {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/a2a.db", folder.path().display());
    let settings = setup::Settings::from_vars([("A2A_DATABASE_URL", database.as_str()), ("A2A_AGENTS", "echo"), ("A2A_BASE_PATH", "/base")]).unwrap();
    let app = setup::app(settings).await.unwrap();
    let (go_on, told) = mpsc::unbounded_channel();
    let told = Arc::new(tokio::sync::Mutex::new(told));
    let (say, heard) = mpsc::unbounded_channel();
    let functions = move |name: &str| {
        let (told, say) = (told.clone(), say.clone());
        let answer: HttpHandler = match name {
            "size" => handler(|request| async move { text(request.body().len().to_string()) }),
            "panics" => handler(|_| async { panic!("at once") }),
            "panics-later" => handler(|_| async {
                tokio::task::yield_now().await;
                panic!("later")
            }),
            "slow" => handler(|_| async { std::future::pending().await }),
            "large" => handler(|_| async { text("x".repeat(MAX_PAYLOAD_BYTES + 1)) }),
            "steps" | "buffered" => handler(move |_| {
                let steps = stream::unfold((0, told.clone()), |(step, told)| async move {
                    if step > 0 {
                        told.lock().await.recv().await?;
                    }
                    (step < 3).then(|| (format!("step {step}\n").into(), (step + 1, told)))
                });
                async { Response::new(Body::stream(steps)) }
            }),
            "waits" => handler(move |_| {
                let (told, say) = (told.clone(), say.clone());
                async move {
                    say.send("began").unwrap();
                    told.lock().await.recv().await.unwrap();
                    say.send("ended").unwrap();
                    text("waited".into())
                }
            }),
            _ => return None,
        };
        Some(Handler::Http(answer))
    };
    let (stop, closing) = (CancellationToken::new(), CancellationToken::new());
    let gateway = Arc::new(Gateway::new(app, &Template::parse(TEMPLATE).unwrap(), functions, closing.clone()).unwrap());
    let (listener, address) = server::bind("127.0.0.1:0").await.unwrap();
    let server = tokio::spawn(gateway.serve(listener, stop.clone(), Duration::from_secs(5)));
    Running { url: format!("http://{address}"), address, go_on, heard, stop, closing, server, _folder: folder }
}

fn handler<F>(handle: impl Fn(edge::Request) -> F + Send + Sync + 'static) -> HttpHandler
where
    F: Future<Output = Response> + Send + 'static,
{
    Arc::new(move |_, request| handle(request).boxed())
}

fn text(text: String) -> Response {
    Response::new(text.into())
}

impl Running {
    async fn get(&self, path: &str) -> (StatusCode, String) {
        let response = ::tests::http().build().unwrap().get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (StatusCode, String) {
        let response = ::tests::http().build().unwrap().post(format!("{}{path}", self.url)).body(body).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Sends bytes and reads to the end of the connection.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn error(body: &str) -> (Value, String) {
    let body: Value = serde_json::from_str(body).unwrap();
    (body["error"]["code"].clone(), body["error"]["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_panic_is_a_502_and_the_next_request_is_answered() {
    let gateway = running().await;
    for path in ["/panics", "/panics-later"] {
        let (status, body) = gateway.get(path).await;
        assert_eq!((status, error(&body)), (StatusCode::BAD_GATEWAY, (502.into(), "the function failed".into())));
    }
    assert_eq!(gateway.post("/size", "four").await, (StatusCode::OK, "4".into()));
}

#[tokio::test]
async fn a_function_that_takes_longer_than_its_route_is_a_504() {
    let (status, body) = running().await.get("/slow").await;
    assert_eq!((status, error(&body).0), (StatusCode::GATEWAY_TIMEOUT, 504.into()));
}

#[tokio::test]
async fn requests_have_the_limits_of_api_gateway_and_of_lambda() {
    let gateway = running().await;
    assert_eq!(gateway.post("/size", vec![b'a'; 5 << 20]).await, (StatusCode::OK, (5 << 20).to_string()));
    for (bytes, limit) in [(7 << 20, MAX_PAYLOAD_BYTES), (11 << 20, MAX_REQUEST_BYTES)] {
        let (status, body) = gateway.post("/size", vec![b'a'; bytes]).await;
        let (code, message) = error(&body);
        assert_eq!((status, code), (StatusCode::PAYLOAD_TOO_LARGE, 413.into()));
        assert!(message.contains(&limit.to_string()), "{message}");
    }
    let pieces = stream::iter(0..11).map(|_| Ok::<_, std::io::Error>(vec![b'a'; 1 << 20]));
    assert_eq!(gateway.post("/size", reqwest::Body::wrap_stream(pieces)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_client_that_asks_first_hears_at_once_that_its_body_is_too_large() {
    let gateway = running().await;
    let answer = gateway.raw(b"POST /size HTTP/1.1\r\nhost: a\r\ncontent-length: 11000000\r\nexpect: 100-continue\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_buffered_response_over_lambdas_limit_is_a_502() {
    let (status, body) = running().await.get("/large").await;
    assert_eq!((status, error(&body)), (StatusCode::BAD_GATEWAY, (502.into(), "the function's response is larger than 6 MiB".into())));
}

#[tokio::test]
async fn what_is_not_routed_is_a_404_in_json() {
    let gateway = running().await;
    assert_eq!(error(&gateway.get("/nowhere").await.1).0, 404);
    let (status, body) = gateway.get("/size").await;
    assert_eq!((status, error(&body).0), (StatusCode::NOT_FOUND, 404.into()), "another method");
    let answer = gateway.raw(b"OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[tokio::test]
async fn a_host_that_is_none_is_a_400_in_json() {
    let gateway = running().await;
    for host in ["a b", "user@a", "[::1"] {
        let answer = gateway.raw(format!("GET /steps HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("the Host header names no host"), "{answer}");
    }
}

#[tokio::test]
async fn slashes_too_many_and_the_base_path_change_nothing() {
    let gateway = running().await;
    for path in ["/size", "/size/", "//size", "/base/size", "/base//size/"] {
        assert_eq!(gateway.post(path, "four").await, (StatusCode::OK, "4".into()), "{path}");
    }
}

#[tokio::test]
async fn a_streamed_function_is_heard_piece_by_piece_and_a_buffered_one_at_its_end() {
    let gateway = running().await;
    let mut response = ::tests::http().build().unwrap().get(format!("{}/steps", gateway.url)).send().await.unwrap();
    for step in 0..3 {
        assert_eq!(response.chunk().await.unwrap().unwrap(), format!("step {step}\n"));
        gateway.go_on.send(()).unwrap();
    }
    assert_eq!(response.chunk().await.unwrap(), None);

    (0..3).for_each(|_| gateway.go_on.send(()).unwrap());
    let response = ::tests::http().build().unwrap().get(format!("{}/buffered", gateway.url)).send().await.unwrap();
    assert_eq!(response.headers()["content-length"], "21");
    assert_eq!(response.text().await.unwrap(), "step 0\nstep 1\nstep 2\n");
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_its_function() {
    let mut gateway = running().await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(b"GET /waits HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert_eq!(gateway.heard.recv().await, Some("began"));
    drop(stream);
    gateway.go_on.send(()).unwrap();
    assert_eq!(gateway.heard.recv().await, Some("ended"));
}

#[tokio::test]
async fn a_drain_lets_requests_finish_and_takes_no_more() {
    let mut gateway = running().await;
    let url = format!("{}/waits", gateway.url);
    let request = tokio::spawn(async move { ::tests::http().build().unwrap().get(url).send().await.unwrap().text().await.unwrap() });
    assert_eq!(gateway.heard.recv().await, Some("began"));
    gateway.stop.cancel();
    // The listener is gone as soon as the accepting loop has seen it.
    while TcpStream::connect(gateway.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    gateway.go_on.send(()).unwrap();
    assert_eq!(request.await.unwrap(), "waited");
    gateway.server.await.unwrap();
}

#[tokio::test]
async fn a_drain_ends_streams_cleanly() {
    let gateway = running().await;
    let mut response = ::tests::http().build().unwrap().get(format!("{}/steps", gateway.url)).send().await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "step 0\n");
    gateway.stop.cancel();
    gateway.closing.cancel();
    assert_eq!(response.chunk().await.unwrap(), None, "an end, and no error");
    gateway.server.await.unwrap();
}
