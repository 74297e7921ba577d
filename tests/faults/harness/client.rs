//! A client that takes nothing for granted: each call ends in an answer, a refusal that says when to come again, or a cut.

use std::time::Duration;

use futures::{StreamExt, stream::BoxStream};
use serde_json::{Value, json};

/// Longer than any call may take, faults included.
const NEVER: Duration = Duration::from_secs(120);
/// The JSON-RPC code of what is away for a moment.
const UNAVAILABLE: i64 = -32015;

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// With a result; of a stream: with its last event.
    Done,
    /// With HTTP 503, `Retry-After` and the error in the binding's form; or in the middle of a stream with that error as an event.
    Refused,
    /// Without an end: the connection broke, or was never made; or, of functions that are processes, the one that was to answer is gone.
    Cut,
    /// In a way that no fault excuses.
    Wrong(String),
}

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// Whether the process that answers isn't the one that is connected to.
    processes: bool,
}

impl Client {
    /// Of gateways that run functions themselves, or as processes.
    pub fn new(processes: bool) -> Client {
        Client { http: tests::http().timeout(NEVER).build().unwrap(), processes }
    }

    /// A JSON-RPC call of A2A 1.0: its result, if it has one.
    pub async fn call(&self, base: &str, method: &str, params: Value) -> (Ending, Value) {
        let response = match self.post(base, method, params, None).await {
            Ok(response) => response,
            Err(error) => return (lost(&error), Value::Null),
        };
        let (status, retry_after) = (response.status().as_u16(), response.headers().get("retry-after").cloned());
        let body: Value = match response.bytes().await {
            Err(error) => return (lost(&error), Value::Null),
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(body) => body,
                Err(error) => return (Ending::Wrong(format!("{method}: HTTP {status}, no JSON: {error}")), Value::Null),
            },
        };
        let seconds = retry_after.as_ref().and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        match (status, &body) {
            (200, body) if body.get("result").is_some() => (Ending::Done, body["result"].clone()),
            (503, body) if body["error"]["code"] == UNAVAILABLE && body["id"] == 1 && seconds.is_some_and(|s| s >= 1) => {
                (Ending::Refused, Value::Null)
            }
            (502, body) if self.processes && body["error"]["code"] == 502 => (Ending::Cut, Value::Null),
            _ => (Ending::Wrong(format!("{method}: HTTP {status}, Retry-After {seconds:?}: {body}")), Value::Null),
        }
    }

    /// A streaming call of A2A 1.0: each event with its id, as soon as it comes.
    pub async fn stream(
        &self,
        base: &str,
        method: &str,
        params: Value,
        after: Option<u64>,
        mut hear: impl FnMut(Option<u64>, Value) -> Result<(), String>,
    ) -> Ending {
        let response = match self.post(base, method, params, after).await {
            Ok(response) => response,
            Err(error) => return lost(&error),
        };
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").map_or("", |value| value.to_str().unwrap_or_default()).to_owned();
        if !kind.starts_with("text/event-stream") {
            let retry_after = response.headers().contains_key("retry-after");
            let body: Value = match response.json().await {
                Ok(body) => body,
                Err(error) => return lost(&error),
            };
            return match (status, retry_after, body["error"]["code"].as_i64()) {
                (503, true, Some(UNAVAILABLE)) => Ending::Refused,
                (502, _, Some(502)) if self.processes => Ending::Cut,
                _ => Ending::Wrong(format!("{method}: HTTP {status}: {body}")),
            };
        }
        let mut events = Events { bytes: response.bytes_stream().boxed(), buffer: Vec::new() };
        let mut over = false;
        loop {
            match events.next().await {
                Err(ending) => return ending,
                Ok(None) if over => return Ending::Done,
                // A gateway that is killed behind its last whole event looks like this.
                Ok(None) => return Ending::Cut,
                Ok(Some((id, data))) => {
                    if let Some(error) = data.get("error") {
                        return if error["code"] == UNAVAILABLE { Ending::Refused } else { Ending::Wrong(format!("{method}: {error}")) };
                    }
                    let event = data["result"].clone();
                    over = ends(&event);
                    if let Err(wrong) = hear(id, event) {
                        return Ending::Wrong(wrong);
                    }
                }
            }
        }
    }

    /// A GET in the HTTP+JSON binding of A2A 1.0.
    pub async fn rest(&self, base: &str, path: &str) -> Ending {
        let response = match self.http.get(format!("{base}{path}")).header("A2A-Version", "1.0").send().await {
            Ok(response) => response,
            Err(error) => return lost(&error),
        };
        let (status, retry_after) = (response.status().as_u16(), response.headers().contains_key("retry-after"));
        match (status, response.json::<Value>().await) {
            (200, Ok(_)) => Ending::Done,
            (503, Ok(body)) if retry_after && body["error"]["status"] == "UNAVAILABLE" => Ending::Refused,
            (_, Ok(body)) => Ending::Wrong(format!("GET {path}: HTTP {status}: {body}")),
            (_, Err(error)) => lost(&error),
        }
    }

    /// The status of the health endpoint, which has to answer soon.
    pub async fn health(&self, base: &str) -> u16 {
        let asked = tokio::time::timeout(Duration::from_secs(10), self.http.get(format!("{base}/health")).send());
        asked.await.expect("health within 10 s").unwrap().status().as_u16()
    }

    async fn post(&self, base: &str, method: &str, params: Value, after: Option<u64>) -> reqwest::Result<reqwest::Response> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let mut request = self.http.post(base).header("A2A-Version", "1.0").header("Content-Type", "application/json").body(body);
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after.to_string());
        }
        request.send().await
    }
}

/// A call that nobody answers at all is wrong; a connection that breaks is a cut.
fn lost(error: &reqwest::Error) -> Ending {
    if error.is_timeout() { Ending::Wrong(format!("no answer within {NEVER:?}")) } else { Ending::Cut }
}

/// Whether a stream ends after this event: a terminal or interrupted state.
fn ends(event: &Value) -> bool {
    let state = event.pointer("/statusUpdate/status/state").or_else(|| event.pointer("/task/status/state"));
    state.and_then(Value::as_str).is_some_and(over)
}

/// Whether a turn is over in this state.
pub fn over(state: &str) -> bool {
    !matches!(state, "TASK_STATE_SUBMITTED" | "TASK_STATE_WORKING")
}

struct Events {
    bytes: BoxStream<'static, reqwest::Result<axum::body::Bytes>>,
    buffer: Vec<u8>,
}

impl Events {
    /// The next event; `None` at the end. Comments are passed over.
    async fn next(&mut self) -> Result<Option<(Option<u64>, Value)>, Ending> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let block = String::from_utf8(block).map_err(|error| Ending::Wrong(error.to_string()))?;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                if let Some(data) = field("data: ") {
                    let data = serde_json::from_str(data).map_err(|error| Ending::Wrong(format!("{error}: {data}")))?;
                    return Ok(Some((field("id: ").and_then(|id| id.parse().ok()), data)));
                }
            }
            match self.bytes.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Err(error)) => return Err(lost(&error)),
                None => return Ok(None),
            }
        }
    }
}
