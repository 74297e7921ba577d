//! The Runtime API of Lambda, over one connection: the next event, and what came of it.
//!
//! Written here because a stream's small pieces must leave at once: the library's connection has no `TCP_NODELAY`, and each streamed response
//! then waits 40 ms for an acknowledgement.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use bytes::Bytes;
use edge::Body;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use lambda_runtime::Context;
use serde_json::json;
use tokio::net::TcpStream;

const NEXT: &str = "/2018-06-01/runtime/invocation/next";
const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";
const REGISTER: &str = "/2020-01-01/extension/register";
const EXTENSION_NEXT: &str = "/2020-01-01/extension/event/next";
/// What this process is called among the extensions of its function.
const EXTENSION: &str = "a2a-shutdown";
/// Lambda itself answers these at once; what stands in for it may not know them.
const REGISTERED_WITHIN: Duration = Duration::from_millis(500);

/// One connection to the Runtime API, opened again where it was closed.
pub(super) struct RuntimeApi {
    authority: String,
    connection: Option<SendRequest<Body>>,
}

/// An event and what Lambda says of it.
pub(super) struct Invocation {
    pub(super) context: Context,
    pub(super) event: Bytes,
}

/// What became of an event.
pub(super) enum Outcome {
    /// The response, as a whole.
    Whole(Vec<u8>),
    /// The response in pieces: the prelude that [`edge::api_gateway::streamed`] makes, then the body.
    Streamed(Body),
    /// None: what went wrong, and what kind of thing that is.
    Failed { kind: &'static str, message: String },
}

impl RuntimeApi {
    /// At `HOST:PORT`; nobody connects yet.
    pub(super) fn new(authority: String) -> Self {
        RuntimeApi { authority, connection: None }
    }

    /// Waits for an event, as long as it takes.
    pub(super) async fn next(&mut self) -> Result<Invocation> {
        let (status, headers, event) = self.exchange(Request::get(NEXT), Body::empty()).await?;
        ensure!(status.is_success(), "the Runtime API answered {status} in place of an event");
        Ok(Invocation { context: context(&headers)?, event })
    }

    /// Says what became of an event. Returns when all of it is sent.
    pub(super) async fn tell(&mut self, context: &Context, outcome: Outcome) -> Result<()> {
        let path = format!("/2018-06-01/runtime/invocation/{}", context.request_id);
        let (status, _, said) = match outcome {
            Outcome::Whole(response) => {
                let request = Request::post(format!("{path}/response")).header(header::CONTENT_TYPE, "application/json");
                self.exchange(request, response.into()).await?
            }
            Outcome::Streamed(body) => {
                let request = Request::post(format!("{path}/response"))
                    .header(header::CONTENT_TYPE, "application/vnd.awslambda.http-integration-response")
                    .header("lambda-runtime-function-response-mode", "streaming");
                self.exchange(request, body).await?
            }
            Outcome::Failed { kind, message } => self.fail(&format!("{path}/error"), kind, &message).await?,
        };
        if !status.is_success() {
            // A response that is too large, or an event that was given up: nothing to be done but to say so and go on.
            tracing::error!(request_id = context.request_id, %status, said = &*String::from_utf8_lossy(&said), "the Runtime API refused the response");
        }
        Ok(())
    }

    /// Says why there will be no events.
    pub(super) async fn init_failed(&mut self, message: &str) -> Result<()> {
        self.fail(INIT_ERROR, "Runtime.InitError", message).await.map(drop)
    }

    /// Makes this process an extension of its function as well, which wants no events: Lambda sends `SIGTERM` before it ends such a one, and kills any
    /// other without a word. `Err` where there is nobody who knows extensions.
    pub(super) async fn register_for_shutdown(&self) -> Result<()> {
        let mut extensions = RuntimeApi::new(self.authority.clone());
        let request = Request::post(REGISTER).header("lambda-extension-name", EXTENSION).header(header::CONTENT_TYPE, "application/json");
        let registered = extensions.exchange(request, Body::from(r#"{"events":[]}"#));
        let (status, headers, _) = tokio::time::timeout(REGISTERED_WITHIN, registered).await.context("no answer")??;
        let id =
            headers.get("lambda-extension-identifier").filter(|_| status.is_success()).cloned().ok_or_else(|| anyhow!("the answer is {status}"))?;
        // The init phase is over when each extension has asked for events; no answer ever comes.
        tokio::spawn(async move { extensions.exchange(Request::get(EXTENSION_NEXT).header("lambda-extension-identifier", id), Body::empty()).await });
        Ok(())
    }

    async fn fail(&mut self, path: &str, kind: &'static str, message: &str) -> Result<(StatusCode, HeaderMap, Bytes)> {
        let body = json!({"errorType": kind, "errorMessage": message, "stackTrace": []}).to_string();
        let request = Request::post(path).header("lambda-runtime-function-error-type", kind).header(header::CONTENT_TYPE, "application/json");
        self.exchange(request, body.into()).await
    }

    async fn exchange(&mut self, request: http::request::Builder, body: Body) -> Result<(StatusCode, HeaderMap, Bytes)> {
        let request = request.header(header::HOST, &self.authority).body(body)?;
        let mut connection = match self.connection.take() {
            Some(connection) if !connection.is_closed() => connection,
            _ => self.connect().await?,
        };
        connection.ready().await?;
        let response = connection.send_request(request).await.context("the Runtime API is gone")?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.context("the Runtime API is gone")?.to_bytes();
        self.connection = Some(connection);
        Ok((parts.status, parts.headers, body))
    }

    async fn connect(&self) -> Result<SendRequest<Body>> {
        let stream = TcpStream::connect(&self.authority).await.with_context(|| format!("the Runtime API at `{}`", self.authority))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// What the head of an event says. Checked first, because the library panics where something is missing.
fn context(headers: &HeaderMap) -> Result<Context> {
    for name in ["lambda-runtime-aws-request-id", "lambda-runtime-deadline-ms"] {
        if !headers.contains_key(name) {
            bail!("an event of the Runtime API has no `{name}`");
        }
    }
    let id = headers["lambda-runtime-aws-request-id"].to_str()?;
    Context::new(id, Arc::default(), headers).map_err(|error| anyhow!("an event of the Runtime API can't be understood: {error}"))
}
