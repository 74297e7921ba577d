//! One request's way: route, body, event, function, response. What API Gateway and Lambda limit is limited here.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use edge::App;
use futures::{FutureExt, future::BoxFuture};
use http::{
    HeaderValue, Request, Response,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT},
    request::Parts,
};
use http_body::Body;
use http_body_util::BodyExt;
use protocol::A2aError;
use tokio::{
    net::TcpListener,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    body::{self, ReadError, ResponseBody},
    event::{self, Peer, Surroundings},
    functions::{Handler, HttpHandler},
    lambda::{self, Failure, Reply},
    request_ids::RequestIds,
    responses::{GatewayResponses, Kind},
    router::{self, Router, Target},
    server,
    template::{Event, Route, Template},
};

/// API Gateway's limit of a request's body.
const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;
/// Lambda's limit of an event, and of a buffered response.
const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;
/// API Gateway's limit of the path and the query.
const MAX_URI_BYTES: usize = 8 * 1024;
/// Headers of a request, those that the gateway itself adds left out.
pub const MAX_HEADERS: usize = 64;
/// Bytes of their lines, as API Gateway takes them.
pub const MAX_HEADER_BYTES: usize = 10 * 1024;
/// How long a stream may be silent.
const STREAM_IDLE: Duration = Duration::from_secs(5 * 60);

/// The local stand-in for API Gateway and Lambda.
pub struct Gateway {
    app: Arc<App>,
    router: Router<Function>,
    responses: GatewayResponses,
    request_ids: RequestIds,
    /// Ends streams, so that the server can.
    closing: CancellationToken,
}

/// A function behind routes.
struct Function {
    name: Arc<str>,
    timeout: Duration,
    runs: Runs,
}

/// Where a function runs.
enum Runs {
    /// Here; with what Lambda tells each invocation, but for its id and deadline.
    Here(HttpHandler, lambda_http::Context),
    /// In processes of its own.
    InProcesses(Arc<lambda::Function>),
}

/// Why a request goes to no function, or gets no response from it.
#[derive(Clone, Copy)]
enum Refusal {
    TooLarge { limit_bytes: usize },
    HeadersTooLarge,
    Otherwise(Kind, &'static str),
}

impl Gateway {
    /// Routes the template's API to functions by their names. `closing` ends the streams that are open.
    ///
    /// # Errors
    /// Name a function that isn't there, or a route that can't be.
    pub fn new(app: Arc<App>, template: &Template, functions: impl Fn(&str) -> Option<Handler>, closing: CancellationToken) -> Result<Self> {
        let mut routes = Vec::new();
        for described in &template.functions {
            for event in &described.events {
                let Event::Route(route) = event else { continue };
                let runs = match functions(&described.name) {
                    Some(Handler::Http(handle)) => {
                        let mut context = lambda_http::Context::default();
                        context.invoked_function_arn = format!("arn:aws:lambda:local:000000000000:function:{}", described.name);
                        Runs::Here(handle, context)
                    }
                    Some(Handler::Process(function)) => Runs::InProcesses(function),
                    Some(_) => bail!("the function `{}` answers no HTTP, so `{}` can't be routed to it", described.name, route.path),
                    None => bail!("the template's function `{}` is not one of this server's", described.name),
                };
                let function = Function { name: described.name.as_str().into(), timeout: described.timeout, runs };
                routes.push((route.clone(), function));
            }
        }
        let router = Router::new(routes).context("the template's routes")?;
        Ok(Gateway { app, router, responses: GatewayResponses::new(template.responses.clone()), request_ids: RequestIds::new(), closing })
    }

    /// Serves until `stop`, then lets requests in flight finish for `grace`.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken, grace: Duration) {
        let meet = move |address| {
            let (gateway, peer) = (self.clone(), Arc::new(Peer::new(address)));
            move |request| {
                let (gateway, peer) = (gateway.clone(), peer.clone());
                async move { gateway.exchange(&peer, request).await }
            }
        };
        server::serve(listener, meet, stop, grace).await;
    }

    /// Answers one request.
    async fn exchange<B>(&self, peer: &Peer, request: Request<B>) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (mut parts, body) = request.into_parts();
        let refusal = match self.route(peer, &mut parts, body).await {
            Ok(response) => return response,
            Err(refusal) => refusal,
        };
        let mut response = match refusal {
            // The edge knows the form in which the client reads errors, so it is asked wherever it can be.
            Refusal::TooLarge { limit_bytes } => whole(edge::refuse(&self.app, &parts, A2aError::PayloadTooLarge { limit_bytes }).await),
            Refusal::HeadersTooLarge => {
                let reason =
                    format!("{} headers of {} bytes; {MAX_HEADERS} of {MAX_HEADER_BYTES} are taken", parts.headers.len(), header_bytes(&parts));
                whole(edge::refuse(&self.app, &parts, A2aError::HeadersTooLarge { reason }).await)
            }
            Refusal::Otherwise(kind, message) => {
                let response = self.responses.response(kind, message);
                edge::count_refusal(response.status());
                response
            }
        };
        // What is left of the body would be read as the next request.
        if matches!(refusal, Refusal::TooLarge { .. } | Refusal::HeadersTooLarge | Refusal::Otherwise(Kind::BadRequest, _))
            && event::may_have_body(&parts.method)
        {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn route<B>(&self, peer: &Peer, parts: &mut Parts, body: B) -> Result<Response<ResponseBody>, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let uri = parts.uri.clone();
        if uri.path().len() + uri.query().map_or(0, str::len) > MAX_URI_BYTES {
            return Err(Refusal::Otherwise(Kind::BadRequest, "the URL is longer than 8 KiB"));
        }
        if parts.headers.len() > MAX_HEADERS || header_bytes(parts) > MAX_HEADER_BYTES {
            return Err(Refusal::HeadersTooLarge);
        }
        let host = event::host(parts).ok_or(Refusal::Otherwise(Kind::BadRequest, "the Host header names no host"))?;
        let path = router::canonical(uri.path());
        let base_path = self.app.settings.base_path.as_deref();
        let found =
            self.router.find(&parts.method, router::below(base_path, &path)).ok_or(Refusal::Otherwise(Kind::NoRoute, "there is no such route"))?;
        let body = self.read(parts, body).await?;
        // No byte becomes more than two within an event.
        if body.len() > MAX_PAYLOAD_BYTES / 2 && event::payload_bytes(&body) > MAX_PAYLOAD_BYTES {
            return Err(Refusal::TooLarge { limit_bytes: MAX_PAYLOAD_BYTES });
        }
        let now = self.app.engine.ports().clock.now().timestamp_millis();
        let request_id = self.request_ids.next();
        #[cfg(feature = "otlp")]
        let mut passage = match found.target.function.runs {
            Runs::Here(..) => None,
            Runs::InProcesses(_) => crate::otlp::Passage::begin(&parts.headers, &request_id, &parts.method, &found.target.route.path),
        };
        let surroundings = Surroundings {
            peer,
            host: &host,
            request_id,
            resource: &found.target.route.path,
            path: &path,
            parameters: &found.parameters,
            received_at: now,
        };
        let event = event::event(parts, surroundings);
        let Target { route, function } = &**found.target;
        let budget = function.timeout.min(route.timeout);
        let deadline = Instant::now() + budget;
        let answered = match &function.runs {
            Runs::Here(handle, context) => {
                let mut context = context.clone();
                context.deadline = u64::try_from(now).unwrap_or(0).saturating_add(u64::try_from(budget.as_millis()).unwrap_or(u64::MAX));
                let request = event::request(event, &uri, host, body, context).ok_or(Refusal::Otherwise(Kind::BadRequest, "the URL is none"))?;
                self.call(&found.target.route, &function.name, handle(self.app.clone(), request), deadline).await
            }
            Runs::InProcesses(processes) => {
                // Lambda sees to the function's timeout.
                let deadline = Instant::now() + route.timeout;
                let invoked = timeout_at(deadline, processes.invoke(event::json(event, &body), now)).await;
                let answered = self.passed_on(route, invoked.unwrap_or(Err(Failure::TimedOut)), deadline).await;
                #[cfg(feature = "otlp")]
                if let (Some(passage), Ok(response)) = (&mut passage, &answered) {
                    passage.answered(response.status());
                }
                answered
            }
        };
        answered.map_err(|failure| match failure {
            Failure::TimedOut if function.timeout < route.timeout => Refusal::Otherwise(Kind::FunctionFailed, lambda::KILLED),
            Failure::TimedOut => Refusal::Otherwise(Kind::FunctionTimedOut, "the function did not answer in time"),
            Failure::Throttled => Refusal::Otherwise(Kind::FunctionThrottled, "too many invocations of the function run already"),
            Failure::Failed(reason) => Refusal::Otherwise(Kind::FunctionFailed, reason),
        })
    }

    async fn read<B>(&self, parts: &Parts, body: B) -> Result<Bytes, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        const TOO_LARGE: Refusal = Refusal::TooLarge { limit_bytes: MAX_REQUEST_BYTES };
        let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0_usize);
        if announced > MAX_REQUEST_BYTES && parts.headers.contains_key(EXPECT) {
            // The client waits for our word before it sends: it hears it at once.
            return Err(TOO_LARGE);
        }
        body::read(body, MAX_REQUEST_BYTES).await.map_err(|error| match error {
            ReadError::TooLarge => TOO_LARGE,
            ReadError::TooSlow => Refusal::Otherwise(Kind::BadRequest, "the request's body did not come in time"),
            ReadError::Broken => Refusal::Otherwise(Kind::BadRequest, "the request's body can't be read"),
        })
    }

    /// Passes on what a function's process answered, where it is in the form that the route asks for.
    async fn passed_on(&self, route: &Route, reply: Result<Reply, Failure>, deadline: Instant) -> Result<Response<ResponseBody>, Failure> {
        match reply? {
            Reply::Whole(answer) if !route.streamed => Ok(lambda::whole(&answer)?.map(ResponseBody::whole)),
            Reply::Stream(pieces) if route.streamed => {
                let response = timeout_at(deadline, lambda::streamed(pieces)).await.map_err(|_| Failure::TimedOut)??;
                let has_events = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
                Ok(response.map(|body| self.streamed(if has_events { edge::listened_to(body) } else { body }, deadline)))
            }
            Reply::Whole(_) | Reply::Stream(_) => Err(Failure::Failed("the function's response is malformed")),
        }
    }

    fn streamed(&self, source: edge::Body, deadline: Instant) -> ResponseBody {
        ResponseBody::streamed(source, STREAM_IDLE, deadline, self.closing.clone().cancelled_owned())
    }

    async fn call(
        &self,
        route: &Route,
        function: &Arc<str>,
        answer: BoxFuture<'static, edge::Response>,
        deadline: Instant,
    ) -> Result<Response<ResponseBody>, Failure> {
        let (parts, body) = outlive(answer, function, deadline).await?.into_parts();
        let body = match body {
            edge::Body::Whole(bytes) => {
                let bytes = bytes.unwrap_or_default();
                if !route.streamed && bytes.len() > MAX_PAYLOAD_BYTES {
                    return Err(Failure::Failed("the function's response is larger than 6 MiB"));
                }
                ResponseBody::Whole(Some(bytes))
            }
            source if route.streamed => self.streamed(source, deadline),
            source => {
                let collected = timeout_at(deadline, AssertUnwindSafe(source.collect()).catch_unwind()).await.map_err(|_| Failure::TimedOut)?;
                let collected: Result<_, Infallible> = collected.map_err(|_| Failure::Failed("the function failed"))?;
                let bytes = collected.map_err(|never| match never {})?.to_bytes();
                ResponseBody::Whole(Some(bytes))
            }
        };
        Ok(Response::from_parts(parts, body))
    }
}

/// As they came: names, values, and what is between them and after.
fn header_bytes(parts: &Parts) -> usize {
    parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}

/// A response that is known to be no stream.
fn whole(response: edge::Response) -> Response<ResponseBody> {
    response.map(|body| match body {
        edge::Body::Whole(bytes) => ResponseBody::Whole(bytes),
        edge::Body::Stream(_) => ResponseBody::Whole(None),
    })
}

/// Runs a function to its end or its deadline, whether or not its client stays, and apart: its panic is its own.
///
/// Most answers are there at once, so a task of its own is begun only for those that wait.
async fn outlive(mut answer: BoxFuture<'static, edge::Response>, function: &Arc<str>, deadline: Instant) -> Result<edge::Response, Failure> {
    let at_once = poll_fn(|cx| {
        Poll::Ready(catch_unwind(AssertUnwindSafe(|| match Pin::new(&mut answer).poll(cx) {
            Poll::Ready(response) => Some(response),
            Poll::Pending => None,
        })))
    });
    let response = match at_once.await {
        Ok(Some(response)) => Ok(response),
        Err(_) => Err(()),
        Ok(None) => {
            let function = function.clone();
            let running = tokio::spawn(async move {
                let outcome = timeout_at(deadline, AssertUnwindSafe(answer).catch_unwind()).await;
                if outcome.is_err() {
                    tracing::warn!(%function, "killed at its timeout");
                }
                outcome
            });
            match running.await {
                Ok(Ok(outcome)) => outcome.map_err(drop),
                Ok(Err(_)) => return Err(Failure::TimedOut),
                Err(_) => Err(()),
            }
        }
    };
    response.map_err(|()| {
        tracing::error!(%function, "panicked");
        Failure::Failed("the function failed")
    })
}

#[cfg(test)]
mod tests;
