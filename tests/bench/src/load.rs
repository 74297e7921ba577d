//! Loads one server with one operation over some connections for some time.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::http::{Answer, Connection};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// SendMessage: a new task, completed.
    Send,
    /// SendStreamingMessage: the same as events, to the end.
    Stream,
    /// GetTask of a task that waits for its client: whatever a server keeps in memory, this one may change.
    GetOpen,
    /// GetTask of a finished task.
    GetFinished,
    /// The agent card.
    Card,
}

/// Connections that are open, and the tasks that they ask for.
pub struct Load {
    operation: Operation,
    workers: Vec<Worker>,
}

struct Worker {
    connection: Connection,
    /// Keeps message ids apart.
    label: String,
    sent: u64,
    /// What is asked for, where it is the same each time.
    task: String,
}

/// How long each answer took: to its end, or for streams to the first event. Sorted.
pub struct Latencies(Vec<Duration>);

impl Operation {
    /// All, in the table's order.
    pub const ALL: [Operation; 5] = [Operation::Send, Operation::Stream, Operation::GetOpen, Operation::GetFinished, Operation::Card];
}

impl Load {
    /// Makes ready; `label` keeps message ids of different runs apart.
    pub async fn prepare(address: &str, operation: Operation, connections: usize, label: &str) -> Result<Load> {
        let mut workers = Vec::new();
        for number in 0..connections {
            let mut worker = Worker {
                connection: Connection::open(address).await?,
                label: format!("{label}-{operation:?}-{number}"),
                sent: 0,
                task: String::new(),
            };
            match operation {
                Operation::GetOpen => worker.task = worker.connection.new_task(&worker.label, "keep this open").await?,
                Operation::GetFinished => worker.task = worker.connection.new_task(&worker.label, "hello").await?,
                Operation::Send | Operation::Stream | Operation::Card => {}
            }
            workers.push(worker);
        }
        Ok(Load { operation, workers })
    }

    /// Asks as fast as the server answers. Every answer is checked.
    pub async fn run(self, time: Duration) -> Result<Latencies> {
        let until = Instant::now() + time;
        let workers: Vec<_> = self.workers.into_iter().map(|worker| tokio::spawn(worker.run(self.operation, until))).collect();
        let mut latencies = Vec::new();
        for worker in workers {
            latencies.extend(worker.await??);
        }
        latencies.sort_unstable();
        Ok(Latencies(latencies))
    }
}

impl Worker {
    async fn run(mut self, operation: Operation, until: Instant) -> Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        while Instant::now() < until || latencies.is_empty() {
            let answer = self.ask(operation).await?;
            let expected: &[u8] = match operation {
                Operation::Send | Operation::Stream => b"TASK_STATE_COMPLETED",
                Operation::GetOpen | Operation::GetFinished => self.task.as_bytes(),
                Operation::Card => b"skills",
            };
            let right = answer.status == 200 && answer.body.windows(expected.len()).any(|window| window == expected);
            ensure!(right, "{operation:?}: HTTP {} {}", answer.status, String::from_utf8_lossy(&answer.body));
            latencies.push(if operation == Operation::Stream { answer.first } else { answer.whole });
        }
        Ok(latencies)
    }

    async fn ask(&mut self, operation: Operation) -> Result<Answer> {
        self.sent += 1;
        let message = || message(&format!("{}-{}", self.label, self.sent), "hello from the bench", None);
        match operation {
            Operation::Send => self.connection.call("SendMessage", &message()).await,
            Operation::Stream => self.connection.call("SendStreamingMessage", &message()).await,
            Operation::GetOpen | Operation::GetFinished => self.connection.call("GetTask", &format!(r#"{{"id":"{}"}}"#, self.task)).await,
            Operation::Card => self.connection.get("/.well-known/agent-card.json").await,
        }
    }
}

impl Latencies {
    /// How many answers there were.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// In milliseconds; 0.5 is the median.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        let place = (self.0.len().saturating_sub(1) as f64 * quantile) as usize;
        self.0.get(place).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
    }
}

impl FromIterator<Duration> for Latencies {
    fn from_iter<I: IntoIterator<Item = Duration>>(latencies: I) -> Self {
        let mut latencies: Vec<Duration> = latencies.into_iter().collect();
        latencies.sort_unstable();
        Latencies(latencies)
    }
}

impl Connection {
    /// Calls a method of A2A 1.0 by JSON-RPC.
    pub async fn call(&mut self, method: &str, params: &str) -> Result<Answer> {
        self.post("/", &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)).await
    }

    /// Makes a task by a message and gives its id. The agent keeps it open where the text begins so.
    pub async fn new_task(&mut self, message_id: &str, text: &str) -> Result<String> {
        let made = self.call("SendMessage", &message(message_id, text, None)).await?;
        let answer: Value = serde_json::from_slice(&made.body)?;
        let id = answer.pointer("/result/task/id").and_then(Value::as_str);
        Ok(id.with_context(|| format!("no task: {answer}"))?.to_owned())
    }
}

/// The params of a SendMessage whose answer needs no history.
pub fn message(message_id: &str, text: &str, task: Option<&str>) -> String {
    let task = task.map_or_else(String::new, |id| format!(r#","taskId":"{id}""#));
    format!(r#"{{"message":{{"messageId":"{message_id}","role":"ROLE_USER","parts":[{{"text":"{text}"}}]{task}}}}}"#)
}
