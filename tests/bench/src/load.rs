//! Loads one server with one operation over some connections for some time.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::{http::Connection, process::Process};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// SendMessage: a new task, completed.
    Send,
    /// SendStreamingMessage: the same as events, to the end.
    Stream,
    /// GetTask of a finished task.
    Get,
    /// The agent card.
    Card,
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub per_second: f64,
    /// To the end of the answer, in milliseconds; for streams to the first event.
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Of the server, for each request, in microseconds.
    pub cpu_us: f64,
}

impl Operation {
    /// All, in the table's order.
    pub const ALL: [Operation; 4] = [Operation::Send, Operation::Stream, Operation::Get, Operation::Card];

    fn request(self, id: &str) -> String {
        let message = format!(r#"{{"message":{{"messageId":"{id}","role":"ROLE_USER","parts":[{{"text":"hello from the bench"}}]}}}}"#);
        let (method, params) = match self {
            Operation::Send => ("SendMessage", message),
            Operation::Stream => ("SendStreamingMessage", message),
            Operation::Get | Operation::Card => ("GetTask", format!(r#"{{"id":"{id}"}}"#)),
        };
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
    }
}

/// Asks as fast as the server answers. Every answer is checked. `label` keeps message ids of different runs apart.
pub async fn run(server: &Process, operation: Operation, connections: usize, time: Duration, label: &str) -> Result<Measured> {
    let mut workers = Vec::new();
    let (before, begun) = (server.cpu_micros()?, Instant::now());
    for worker in 0..connections {
        let (address, label) = (server.address.clone(), format!("{label}-{worker}"));
        workers.push(tokio::spawn(async move { ask(&address, operation, begun + time, &label).await }));
    }
    let mut latencies = Vec::new();
    for worker in workers {
        latencies.extend(worker.await??);
    }
    let (took, cpu) = (begun.elapsed(), server.cpu_micros()? - before);
    latencies.sort_unstable();
    let at = |quantile: f64| latencies[((latencies.len() - 1) as f64 * quantile) as usize].as_secs_f64() * 1000.0;
    let count = latencies.len() as f64;
    Ok(Measured { per_second: count / took.as_secs_f64(), p50_ms: at(0.5), p99_ms: at(0.99), cpu_us: cpu as f64 / count })
}

async fn ask(address: &str, operation: Operation, until: Instant, label: &str) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(address).await?;
    let mut task = String::new();
    if operation == Operation::Get {
        let made = connection.post("/", &Operation::Send.request(&format!("{label}-made"))).await?;
        let answer: Value = serde_json::from_slice(&made.body)?;
        task = answer.pointer("/result/task/id").and_then(Value::as_str).unwrap_or_default().to_owned();
    }
    let mut latencies = Vec::new();
    while Instant::now() < until || latencies.is_empty() {
        let answer = match operation {
            Operation::Card => connection.get("/.well-known/agent-card.json").await?,
            Operation::Get => connection.post("/", &operation.request(&task)).await?,
            _ => connection.post("/", &operation.request(&format!("{label}-{}", latencies.len()))).await?,
        };
        let expected: &[u8] = if operation == Operation::Card { b"skills" } else { b"TASK_STATE_COMPLETED" };
        let right = answer.status == 200 && answer.body.windows(expected.len()).any(|window| window == expected);
        ensure!(right, "{operation:?} at {address}: HTTP {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        latencies.push(if operation == Operation::Stream { answer.first } else { answer.whole });
    }
    Ok(latencies)
}
