//! The Runtime API that one environment's process speaks (version 2018-06-01): the next invocation, its response, its errors.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
};

use tokio_util::task::TaskTracker;

use super::{Failure, Reply};

/// Lambda's limit of a response that is sent whole.
const MAX_RESPONSE_BYTES: usize = 6 * 1024 * 1024;
/// Pieces of a stream that are on their way.
const PIECES: usize = 16;

/// Takes the response of an invocation, or why there is none.
pub(super) type Answer = oneshot::Sender<Result<Reply, Failure>>;

/// What the process is to do.
pub(super) struct Invocation {
    pub(super) id: String,
    /// JSON.
    pub(super) event: Bytes,
    /// When it is killed, in milliseconds since 1970.
    pub(super) deadline: u64,
    pub(super) arn: Arc<str>,
    pub(super) answer: Answer,
    /// Called when the whole response is there, before its end is heard.
    pub(super) answered: Box<dyn Fn() + Send + Sync>,
}

/// What the process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It hasn't asked for work yet.
    Starting,
    /// It has asked for work since it was given so many invocations; whether it has more by now isn't said.
    Asked {
        /// Counted from the start of the process.
        given: u64,
    },
    /// It said that it can't start.
    Failed,
}

/// The service's side of one environment.
pub(super) struct RuntimeApi {
    invocations: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    /// The present invocation, until it has a response.
    current: Mutex<Option<Current>>,
    state: watch::Sender<State>,
    /// Invocations that the process took.
    given: AtomicU64,
    hears_of_its_end: AtomicBool,
    /// What the process has open here.
    connections: TaskTracker,
}

struct Current {
    id: String,
    /// Who waits for its response.
    answer: Answer,
    answered: Box<dyn Fn() + Send + Sync>,
}

/// What a runtime says when something fails.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Diagnostic {
    error_type: String,
    error_message: String,
}

impl RuntimeApi {
    pub(super) fn new() -> (Arc<Self>, mpsc::Sender<Invocation>, watch::Receiver<State>) {
        let (sender, invocations) = mpsc::channel(1);
        let (state, watched) = watch::channel(State::Starting);
        (
            Arc::new(RuntimeApi {
                invocations: invocations.into(),
                current: Mutex::default(),
                state,
                given: AtomicU64::new(0),
                hears_of_its_end: AtomicBool::new(false),
                connections: TaskTracker::new(),
            }),
            sender,
            watched,
        )
    }

    /// Whoever waits for the present invocation hears that there will be no response; nobody, if there was one.
    pub(super) fn fail(&self, failure: Failure) {
        if let Some(current) = self.current.lock().take() {
            let _ = current.answer.send(Err(failure));
        }
    }

    /// Waits until what a process sent before it ended is read. `address` is the listener's.
    pub(super) async fn heard_out(&self, address: SocketAddr) {
        // Connections are accepted in their order: when this one is, the process's are.
        if let Ok(mut last) = TcpStream::connect(address).await {
            let _ = last.shutdown().await;
            let _ = last.read_to_end(&mut Vec::new()).await;
        }
        self.connections.close();
        self.connections.wait().await;
    }

    /// Answers the process until the task is aborted.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            // A stream's pieces come one by one.
            let _ = stream.set_nodelay(true);
            let api = self.clone();
            let service = service_fn(move |request| {
                let api = api.clone();
                async move { Ok::<_, Infallible>(api.answer(request).await) }
            });
            self.connections.spawn(async move {
                // A process that is killed leaves its connections so.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        if let Some(path) = path.strip_prefix("/2020-01-01/extension/") {
            return self.extension(request.method(), path).await;
        }
        let Some(path) = path.strip_prefix("/2018-06-01/runtime/") else { return said(StatusCode::NOT_FOUND, "there is no such path") };
        match (request.method(), path.split('/').collect::<Vec<_>>().as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, "response"]) => self.response(id, request).await,
            (&Method::POST, ["invocation", id, "error"]) => {
                let current = self.taken(id);
                let Diagnostic { error_type, error_message } = diagnostic(request).await;
                tracing::error!(error_type, error_message, "the function failed");
                match current {
                    Some(current) => {
                        (current.answered)();
                        let _ = current.answer.send(Err(Failure::Failed("the function failed")));
                        said(StatusCode::ACCEPTED, "OK")
                    }
                    None => unknown(id),
                }
            }
            (&Method::POST, ["init", "error"]) => {
                let Diagnostic { error_type, error_message } = diagnostic(request).await;
                tracing::error!(error_type, error_message, "the function can't start");
                self.state.send_replace(State::Failed);
                said(StatusCode::ACCEPTED, "OK")
            }
            _ => said(StatusCode::NOT_FOUND, "there is no such path"),
        }
    }

    /// The Extensions API, as far as a process uses it that is to hear of its end: Lambda sends SIGTERM to no others.
    async fn extension(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        match (method, path) {
            (&Method::POST, "register") => {
                self.hears_of_its_end.store(true, Relaxed);
                let mut response = said(StatusCode::OK, "registered");
                if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
                    response.headers_mut().insert("lambda-extension-identifier", id);
                }
                response
            }
            // Nothing is told of invocations.
            (&Method::GET, "event/next") => std::future::pending().await,
            _ => said(StatusCode::NOT_FOUND, "there is no such path"),
        }
    }

    /// Whether the process wants to hear that it is to end.
    pub(super) fn hears_of_its_end(&self) -> bool {
        self.hears_of_its_end.load(Relaxed)
    }

    /// Waits for an invocation. Whoever asks has done with the one before.
    async fn next(&self) -> Response<Full<Bytes>> {
        self.fail(Failure::Failed("the function asked for more work before it answered"));
        self.state.send_replace(State::Asked { given: self.given.load(Relaxed) });
        let Some(Invocation { id, event, deadline, arn, answer, answered }) = self.invocations.lock().await.recv().await else {
            return said(StatusCode::GONE, "the environment is being stopped");
        };
        let mut response = Response::new(Full::new(event));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [("lambda-runtime-aws-request-id", id.as_str()), ("lambda-runtime-invoked-function-arn", &arn)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        headers.insert("lambda-runtime-deadline-ms", deadline.into());
        *self.current.lock() = Some(Current { id, answer, answered });
        self.given.fetch_add(1, Relaxed);
        response
    }

    async fn response(&self, id: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let Some(Current { answer, answered, .. }) = self.taken(id) else { return unknown(id) };
        let streaming = request.headers().get("lambda-runtime-function-response-mode").is_some_and(|mode| mode == "streaming");
        let mut body = request.into_body();
        let mut failed = None;
        if streaming {
            let (pieces, receiver) = mpsc::channel(PIECES);
            let _ = answer.send(Ok(Reply::Stream(receiver)));
            while let Some(Ok(frame)) = body.frame().await {
                match frame.into_data() {
                    // A function isn't stopped by a client that has gone.
                    Ok(piece) => drop(pieces.send(piece).await),
                    Err(frame) => failed = frame.into_trailers().ok(),
                }
            }
            if let Some(error_type) = failed.and_then(|trailers| trailers.get("lambda-runtime-function-error-type").cloned()) {
                tracing::error!(?error_type, "the function failed within its stream");
            }
            answered();
            return said(StatusCode::ACCEPTED, "OK");
        }
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                let _ = answer.send(Err(Failure::Failed("the function's response broke off")));
                return said(StatusCode::BAD_REQUEST, "the response broke off");
            };
            let Ok(piece) = frame.into_data() else { continue };
            if whole.len() + piece.len() > MAX_RESPONSE_BYTES {
                answered();
                let _ = answer.send(Err(Failure::Failed("the function's response is larger than 6 MiB")));
                return said(StatusCode::PAYLOAD_TOO_LARGE, "the response is larger than 6 MiB");
            }
            whole.extend_from_slice(&piece);
        }
        answered();
        let _ = answer.send(Ok(Reply::Whole(whole.freeze())));
        said(StatusCode::ACCEPTED, "OK")
    }

    /// The right to answer the present invocation, once.
    fn taken(&self, id: &str) -> Option<Current> {
        self.current.lock().take_if(|current| current.id == id)
    }
}

async fn diagnostic(request: Request<Incoming>) -> Diagnostic {
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    serde_json::from_slice(&body).unwrap_or_default()
}

fn unknown(id: &str) -> Response<Full<Bytes>> {
    said(StatusCode::FORBIDDEN, &format!("`{id}` is not the present invocation"))
}

fn said(status: StatusCode, what: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(serde_json::json!({"status": what}).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
