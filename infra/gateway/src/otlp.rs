//! Tells a collector of each request, as a span (OpenTelemetry's protocol over HTTP, in JSON).

use std::{
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use chrono::DateTime;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// So many spans wait for a slow collector; what comes then is lost.
const MOST_WAITING: usize = 4096;
/// So many are sent together.
const TOGETHER: usize = 512;
/// How long they are gathered.
const GATHER: Duration = Duration::from_secs(1);
/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where spans go, once a collector is to be told.
static TOLD: OnceLock<mpsc::Sender<Span>> = OnceLock::new();

/// A request, as its line in the log says it, or its way through the gateway to a function of its own process.
#[derive(Debug, Default)]
pub struct Span {
    seen_by: SeenBy,
    /// Its trace isn't recorded.
    is_left_out: bool,
    trace_id: String,
    parent_span_id: String,
    request_id: String,
    /// Or the route.
    method: String,
    outcome: String,
    status: u64,
    duration_us: u64,
    ended_at: u128,
}

/// Who saw a request.
#[derive(Debug, Default, PartialEq, Eq)]
enum SeenBy {
    /// The one that answered it, here.
    #[default]
    Itself,
    /// The gateway, which had a function's process answer it.
    Gateway,
    /// That function.
    Function,
}

/// Makes spans of the log's lines of requests.
pub struct Spans(mpsc::Sender<Span>);

/// The layer that makes spans, and where they come out. Once for each process.
pub fn spans() -> (Spans, mpsc::Receiver<Span>) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    let _ = TOLD.set(sender.clone());
    (Spans(sender), receiver)
}

impl<S: Subscriber> Layer<S> for Spans {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "a2a::request" {
            return;
        }
        let mut span = Span { ended_at: now(), ..Span::default() };
        event.record(&mut span);
        tell(&self.0, span);
    }
}

/// Makes a span of a line that a function's process logged, where it is a request's.
pub fn hear(line: &[u8]) {
    let Some(told) = TOLD.get().filter(|_| line.ends_with(br#""target":"a2a::request"}"#)) else { return };
    if let Some(span) = Span::of_line(line) {
        tell(told, span);
    }
}

/// Requests don't wait for a collector.
fn tell(told: &mpsc::Sender<Span>, span: Span) {
    if !span.is_left_out {
        let _ = told.try_send(span);
    }
}

/// A request's way through the gateway to a function's process and back, which is a span of its own. It ends when this is dropped.
pub struct Passage {
    began: Instant,
    span: Span,
}

impl Passage {
    /// `None` where no collector is told of it.
    pub fn begin(headers: &HeaderMap, request_id: &str, http_method: &http::Method, route: &str) -> Option<Self> {
        TOLD.get()?;
        let trace = edge::Trace::of(headers);
        let span = Span {
            seen_by: SeenBy::Gateway,
            is_left_out: trace.as_ref().and_then(edge::Trace::sampled) == Some(false),
            trace_id: trace.as_ref().map(|trace| trace.id.clone().into_owned()).unwrap_or_default(),
            parent_span_id: trace.as_ref().and_then(|trace| trace.parent_span).unwrap_or_default().to_owned(),
            request_id: request_id.to_owned(),
            method: format!("{http_method} {route}"),
            outcome: "UNANSWERED".to_owned(),
            ..Span::default()
        };
        Some(Passage { began: Instant::now(), span })
    }

    /// The head of the function's response is there.
    pub fn answered(&mut self, status: StatusCode) {
        self.span.status = status.as_u16().into();
        self.span.outcome = "ANSWERED".to_owned();
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if let Some(told) = TOLD.get() {
            let mut span = std::mem::take(&mut self.span);
            span.ended_at = now();
            span.duration_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
            tell(told, span);
        }
    }
}

/// In nanoseconds since 1970.
fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos())
}

impl Visit for Span {
    fn record_str(&mut self, field: &Field, value: &str) {
        let member = match field.name() {
            "trace_id" => &mut self.trace_id,
            "parent_span_id" => &mut self.parent_span_id,
            "request_id" => &mut self.request_id,
            "method" => &mut self.method,
            "outcome" => &mut self.outcome,
            _ => return,
        };
        value.clone_into(member);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "status" => self.status = value,
            "duration_us" => self.duration_us = value,
            _ => {}
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "sampled" {
            self.is_left_out = !value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl Span {
    /// Of a function's line; `None` where it can't be read.
    fn of_line(line: &[u8]) -> Option<Self> {
        let line: Value = serde_json::from_slice(line).ok()?;
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        Some(Span {
            seen_by: SeenBy::Function,
            is_left_out: line["sampled"] == false,
            trace_id: text("trace_id"),
            parent_span_id: text("parent_span_id"),
            request_id: text("request_id"),
            method: text("method"),
            outcome: text("outcome"),
            status: line["status"].as_u64()?,
            duration_us: line["duration_us"].as_u64()?,
            ended_at: u128::try_from(DateTime::parse_from_rfc3339(line["timestamp"].as_str()?).ok()?.timestamp_nanos_opt()?).ok()?,
        })
    }

    /// The place in the trace and the one above it. What a function does is below its way through the gateway.
    fn places(&self) -> (String, String) {
        let own = edge::span_id(&self.request_id);
        // Another place of the same request: the same digits in the other direction, the last of which, the process's, is left out.
        let gateway = format!("f{}", own.chars().rev().take(15).collect::<String>());
        match self.seen_by {
            SeenBy::Itself => (own, self.parent_span_id.clone()),
            SeenBy::Gateway => (gateway, self.parent_span_id.clone()),
            SeenBy::Function => (own, gateway),
        }
    }

    /// A request that is part of no trace is one by itself, named by its id, which is a UUID.
    fn to_json(&self) -> Value {
        let own: String = self.request_id.chars().filter(char::is_ascii_hexdigit).collect();
        let trace_id = if self.trace_id.is_empty() { &own } else { &self.trace_id };
        let (span_id, parent_span_id) = self.places();
        let began_at = self.ended_at.saturating_sub(u128::from(self.duration_us) * 1000);
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let name = if self.seen_by == SeenBy::Gateway { "http.route" } else { "rpc.method" };
        json!({
            "traceId": trace_id,
            "spanId": span_id,
            "parentSpanId": parent_span_id,
            "name": self.method,
            // A server's.
            "kind": 2,
            "startTimeUnixNano": began_at.to_string(),
            "endTimeUnixNano": self.ended_at.to_string(),
            "attributes": [
                text(name, &self.method),
                text("a2a.outcome", &self.outcome),
                text("a2a.request_id", &self.request_id),
                {"key": "http.response.status_code", "value": {"intValue": self.status.to_string()}},
            ],
            // An error is the server's fault; clients' mistakes leave it unset.
            "status": {"code": if self.status >= 500 || matches!(&*self.outcome, "INTERNAL" | "UNANSWERED") { 2 } else { 0 }},
        })
    }
}

/// Sends spans to `{url}/v1/traces` until `ended`, and then those that are left. What a collector doesn't take is lost.
pub async fn send(url: String, mut spans: mpsc::Receiver<Span>, ended: CancellationToken) {
    let url = format!("{}/v1/traces", url.trim_end_matches('/'));
    // No proxy of the environment: a collector is near.
    let client = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
    let mut batch = Vec::new();
    loop {
        let gathering = async {
            spans.recv_many(&mut batch, TOGETHER).await;
            // What comes soon after goes along.
            let _ = timeout(GATHER, async { while batch.len() < TOGETHER && spans.recv_many(&mut batch, TOGETHER).await > 0 {} }).await;
        };
        let is_over = ended.run_until_cancelled(gathering).await.is_none();
        while is_over && let Ok(span) = spans.try_recv() {
            batch.push(span);
        }
        if !batch.is_empty() {
            post(&client, &url, batch.drain(..).map(|span| span.to_json()).collect()).await;
        }
        if is_over {
            return;
        }
    }
}

async fn post(client: &reqwest::Client, url: &str, spans: Vec<Value>) {
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "a2a-lambda"}}]});
    let body = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "a2a"}, "spans": spans}]}]});
    let posted = client.post(url).header("content-type", "application/json").timeout(PATIENCE).body(body.to_string()).send().await;
    if let Err(error) = posted.and_then(reqwest::Response::error_for_status) {
        tracing::warn!(error = %error.without_url(), "a collector takes no spans");
    }
}
