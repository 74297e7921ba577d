//! Tells a collector of each request, as a span (OpenTelemetry's protocol over HTTP, in JSON).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// A request, as its line in the log says it.
#[derive(Debug, Default)]
pub struct Span {
    trace_id: String,
    parent_span_id: String,
    request_id: String,
    method: String,
    outcome: String,
    status: u64,
    duration_us: u64,
    ended_at: u128,
}

/// Makes spans of the log's lines of requests.
pub struct Spans(mpsc::Sender<Span>);

/// The layer that makes spans, and where they come out.
pub fn spans() -> (Spans, mpsc::Receiver<Span>) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    (Spans(sender), receiver)
}

impl<S: Subscriber> Layer<S> for Spans {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "a2a::request" {
            return;
        }
        let ended_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
        let mut span = Span { ended_at, ..Span::default() };
        event.record(&mut span);
        // Requests don't wait for a collector.
        let _ = self.0.try_send(span);
    }
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

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl Span {
    /// A request that is part of no trace is one by itself, named by its id, which is a UUID.
    fn to_json(&self) -> Value {
        let own: String = self.request_id.chars().filter(char::is_ascii_hexdigit).collect();
        let trace_id = if self.trace_id.is_empty() { &own } else { &self.trace_id };
        let began_at = self.ended_at.saturating_sub(u128::from(self.duration_us) * 1000);
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        json!({
            "traceId": trace_id,
            "spanId": edge::span_id(&self.request_id),
            "parentSpanId": self.parent_span_id,
            "name": self.method,
            // A server's.
            "kind": 2,
            "startTimeUnixNano": began_at.to_string(),
            "endTimeUnixNano": self.ended_at.to_string(),
            "attributes": [
                text("rpc.method", &self.method),
                text("a2a.outcome", &self.outcome),
                text("a2a.request_id", &self.request_id),
                {"key": "http.response.status_code", "value": {"intValue": self.status.to_string()}},
            ],
            // An error is the server's fault; clients' mistakes leave it unset.
            "status": {"code": if self.status >= 500 || self.outcome == "INTERNAL" { 2 } else { 0 }},
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
