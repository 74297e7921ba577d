//! What is seen of requests: one log line and a few numbers for each.

use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::{Caller, TurnEnd};
use futures::{Stream, StreamExt};
use metrics::{SharedString, counter, gauge, histogram};
use protocol::{
    A2aError,
    types::{StreamResponse, TaskState},
};
use telemetry::metric;

use crate::{App, Body, exchange::Exchange, trace::Trace};

/// What a request turned out to be.
pub(crate) struct Seen {
    started: Instant,
    /// The method's name in the specification's words, or the place; never text of the client's.
    pub method: &'static str,
    /// What the client got instead of an answer.
    pub error: Option<(u16, &'static str)>,
}

impl Seen {
    pub fn new() -> Self {
        Seen { started: Instant::now(), method: "other", error: None }
    }

    /// Remembers what went wrong.
    pub fn failed(&mut self, error: &A2aError) {
        self.error = Some((error.http_status(), error.reason()));
    }

    /// The one line, and the numbers.
    pub fn tell(&self, app: &App, exchange: &Exchange<'_>, status: http::StatusCode, caller: &Caller) {
        let duration = self.started.elapsed();
        let agent = agent_label(app, exchange.target.tenant);
        // A JSON-RPC error rides on 200: what it would be in HTTP says more.
        let (code, outcome) = self.error.unwrap_or((status.as_u16(), "OK"));
        tracing::info!(
            target: "a2a::request",
            request_id = exchange.request_id.unwrap_or_default(),
            trace_id = exchange.trace.as_ref().map_or("", |trace| &*trace.id),
            parent_span_id = exchange.trace.as_ref().and_then(|trace| trace.parent_span),
            sampled = exchange.trace.as_ref().and_then(Trace::sampled),
            xray_trace_id = exchange.trace.as_ref().and_then(|trace| trace.xray),
            http_method = exchange.http_method.as_str(),
            method = self.method,
            agent = &*agent,
            caller = caller.owner,
            status = status.as_u16(),
            outcome,
            duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        );
        self.count(code, outcome, agent, duration);
    }

    fn count(&self, code: u16, outcome: &'static str, agent: SharedString, duration: Duration) {
        counter!(metric::REQUESTS, "method" => self.method, "status" => status_label(code), "agent" => agent).increment(1);
        histogram!(metric::REQUEST_DURATION, "method" => self.method).record(duration);
        if code >= 400 {
            counter!(metric::ERRORS, "method" => self.method, "reason" => outcome).increment(1);
        }
    }
}

/// Counts a request that reached no function, or got nothing from it.
pub fn count_refusal(status: http::StatusCode) {
    counter!(metric::REQUESTS, "method" => "other", "status" => status_label(status.as_u16()), "agent" => "other").increment(1);
    counter!(metric::ERRORS, "method" => "other", "reason" => "GATEWAY").increment(1);
}

/// The agent's id for labels: one that exists, or a word for all others, so that clients can't invent labels.
pub(crate) fn agent_label(app: &App, tenant: Option<&str>) -> SharedString {
    match tenant {
        None => SharedString::const_str("default"),
        Some(tenant) if app.engine.agent(tenant).is_some() => SharedString::from_owned(tenant.to_owned()),
        Some(_) => SharedString::const_str("other"),
    }
}

/// Counts a turn whose end is stored. Agents are as many as are served, so their names may be labels.
pub fn turn_end(turn: &TurnEnd<'_>) {
    let agent = SharedString::from_owned(turn.agent.to_owned());
    counter!(metric::TASKS, "agent" => agent.clone(), "state" => state_label(turn.state)).increment(1);
    histogram!(metric::TASK_DURATION, "agent" => agent).record(turn.took);
    telemetry::availability::count(1, *turn.state == TaskState::Failed);
}

/// The state that ends a turn, if this event tells one.
pub(crate) fn ended(event: &StreamResponse) -> Option<&TaskState> {
    let state = match event {
        StreamResponse::Task(task) => &task.status.state,
        StreamResponse::StatusUpdate(update) => &update.status.state,
        StreamResponse::Message(_) | StreamResponse::ArtifactUpdate(_) => return None,
    };
    (!matches!(state, TaskState::Unspecified | TaskState::Submitted | TaskState::Working)).then_some(state)
}

/// Counts a client for as long as it listens.
pub(crate) fn streaming(pieces: impl Stream<Item = Bytes> + Send + 'static) -> impl Stream<Item = Bytes> + Send + 'static {
    struct Listening;
    impl Drop for Listening {
        fn drop(&mut self) {
            gauge!(metric::STREAM_CLIENTS).decrement(1);
        }
    }
    gauge!(metric::STREAM_CLIENTS).increment(1);
    let listening = Listening;
    pieces.inspect(move |_| {
        let _ = &listening;
    })
}

/// The same stream of events, whose client is counted for as long as it listens.
pub fn listened_to(body: Body) -> Body {
    match body {
        Body::Stream(pieces) => Body::stream(streaming(pieces)),
        whole @ Body::Whole(_) => whole,
    }
}

fn status_label(code: u16) -> &'static str {
    match code {
        200 => "200",
        201 => "201",
        204 => "204",
        304 => "304",
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        405 => "405",
        413 => "413",
        415 => "415",
        429 => "429",
        431 => "431",
        500 => "500",
        502 => "502",
        503 => "503",
        504 => "504",
        _ => "other",
    }
}

fn state_label(state: &TaskState) -> &'static str {
    match state {
        TaskState::Unspecified => "unspecified",
        TaskState::Submitted => "submitted",
        TaskState::Working => "working",
        TaskState::Completed => "completed",
        TaskState::Failed => "failed",
        TaskState::Canceled => "canceled",
        TaskState::Rejected => "rejected",
        TaskState::InputRequired => "input-required",
        TaskState::AuthRequired => "auth-required",
    }
}
