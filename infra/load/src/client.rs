//! One request and its answer, in the words of the target's version, timed.

use std::{error::Error, time::Duration};

use anyhow::{Context, Result};
use futures::StreamExt;
use reqwest::{
    Url,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    answer::Answer,
    options::LoadOptions,
    scenario::Scenario,
    target::{Binding, Target, Version, below},
};

/// A connection that isn't used for so long is closed.
const IDLE: Duration = Duration::from_secs(10);

/// What came of a request.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub scenario: Scenario,
    pub answer: Answer,
    /// To the end of the answer.
    pub latency: Duration,
    /// To the first event, where it is a stream that had one.
    pub first_event: Option<Duration>,
}

/// How the target is asked.
pub struct Client {
    http: reqwest::Client,
    pub target: Target,
    stream: bool,
    /// Where messages go.
    endpoint: Url,
    /// No other load's requests have such ids.
    label: String,
}

impl Client {
    /// A connection pool, with what every request carries.
    ///
    /// # Errors
    /// Where credentials can't be sent in a header, or the target isn't found.
    pub async fn new(options: &LoadOptions) -> Result<Self> {
        let mut headers = HeaderMap::new();
        let mut secret = |name: HeaderName, flag: &'static str, value: String| {
            let mut value = HeaderValue::try_from(value).with_context(|| format!("{flag} has characters that no header takes"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
            anyhow::Ok(())
        };
        if let Some(token) = &options.token {
            secret(AUTHORIZATION, "--token", format!("Bearer {token}"))?;
        }
        if let Some(key) = &options.api_key {
            secret(HeaderName::from_static("x-api-key"), "--api-key", key.clone())?;
        }
        let has_credentials = !headers.is_empty();
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .no_proxy()
            .redirect(Policy::none())
            .timeout(options.timeout)
            .pool_max_idle_per_host(usize::MAX)
            // A moment of many requests at once is not to be seen for minutes in the server's connections.
            .pool_idle_timeout(IDLE)
            .build()
            .context("a client for HTTP")?;
        let target = Target::find(&http, &options.url, options.protocol, has_credentials).await?;
        let endpoint = match (target.binding, target.version, options.stream) {
            (Binding::JsonRpc, ..) => target.endpoint.clone(),
            (Binding::HttpJson, Version::V1_0, false) => below(&target.endpoint, "message:send"),
            (Binding::HttpJson, Version::V1_0, true) => below(&target.endpoint, "message:stream"),
            (Binding::HttpJson, _, false) => below(&target.endpoint, "v1/message:send"),
            (Binding::HttpJson, _, true) => below(&target.endpoint, "v1/message:stream"),
        };
        let label = format!("load-{}", uuid::Uuid::new_v4().simple());
        Ok(Client { http, target, stream: options.stream, endpoint, label })
    }

    /// Whether the target has a page that says how it is.
    pub async fn has_health(&self) -> bool {
        self.http.get(self.target.health.clone()).send().await.is_ok_and(|response| response.status() != 404)
    }

    /// Sends it and waits for the end of its answer. Times count from `since`, when it was due.
    pub async fn ask(&self, scenario: Scenario, text: &str, number: u64, since: Instant) -> Outcome {
        let mut first_event = None;
        let answer = match scenario {
            Scenario::HealthCheck => self.health().await,
            _ => self.message(text, number, || first_event = first_event.or(Some(since.elapsed()))).await,
        };
        let answer = answer.unwrap_or_else(|error| Answer::failed(why(&error)));
        Outcome { scenario, answer, latency: since.elapsed(), first_event }
    }

    async fn health(&self) -> reqwest::Result<Answer> {
        let response = self.http.get(self.target.health.clone()).send().await?;
        let status = response.status().as_u16();
        Ok(Answer::of_health(status, &response.bytes().await?))
    }

    async fn message(&self, text: &str, number: u64, heard: impl FnMut()) -> reqwest::Result<Answer> {
        let mut request = self.http.post(self.endpoint.clone()).json(&self.body(text, number));
        // Servers of the first version know no such header.
        if self.target.version != Version::V0_1 {
            request = request.header("A2A-Version", self.target.version.as_str());
        }
        if self.stream {
            request = request.header(ACCEPT, "text/event-stream");
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if self.stream && status == 200 && kind.starts_with("text/event-stream") {
            return last_of(response, heard).await;
        }
        let answer = Answer::of_message(status, &response.bytes().await?);
        let is_refused = answer.error.is_some();
        Ok(if self.stream && !is_refused { Answer::failed("the answer is no stream") } else { answer })
    }

    fn body(&self, text: &str, number: u64) -> Value {
        let id = format!("{}-{number}", self.label);
        let (method, mut params) = match self.target.version {
            Version::V1_0 => (
                if self.stream { "SendStreamingMessage" } else { "SendMessage" },
                json!({"message": {"messageId": id, "role": "ROLE_USER", "parts": [{"text": text}]}}),
            ),
            Version::V0_3 => {
                // What the proto calls them, which HTTP+JSON speaks.
                let (role, part) = match self.target.binding {
                    Binding::JsonRpc => ("user", json!({"kind": "text", "text": text})),
                    Binding::HttpJson => ("ROLE_USER", json!({"text": text})),
                };
                let list = if self.target.binding == Binding::JsonRpc { "parts" } else { "content" };
                let message = json!({"kind": "message", "messageId": id, "role": role, list: [part]});
                (if self.stream { "message/stream" } else { "message/send" }, json!({"message": message, "configuration": {"blocking": true}}))
            }
            Version::V0_1 => (
                if self.stream { "tasks/sendSubscribe" } else { "tasks/send" },
                json!({"id": uuid::Uuid::new_v4().to_string(), "message": {"role": "user", "parts": [{"type": "text", "text": text}]}}),
            ),
        };
        if let Some(tenant) = &self.target.tenant {
            params["tenant"] = tenant.as_str().into();
        }
        match self.target.binding {
            Binding::JsonRpc => json!({"jsonrpc": "2.0", "id": format!("load_test_{number}"), "method": method, "params": params}),
            Binding::HttpJson => params,
        }
    }
}

/// What the last event of a stream says that says anything of a state.
async fn last_of(response: reqwest::Response, mut heard: impl FnMut()) -> reqwest::Result<Answer> {
    let mut bytes = response.bytes_stream();
    let (mut buffer, mut last) = (Vec::new(), Answer::failed("the stream ended without a state"));
    while let Some(piece) = bytes.next().await {
        buffer.extend_from_slice(&piece?);
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let Some(data) = line.strip_prefix(b"data:") else { continue };
            heard();
            let event: Value = serde_json::from_slice(data).unwrap_or_default();
            let answer = Answer::read(&event);
            let says_something = answer.state.is_some() || event.get("error").is_some_and(|error| !error.is_null());
            if says_something {
                last = answer;
            }
        }
    }
    Ok(last)
}

/// In a few words, the same for all failures of a kind.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timeout".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
