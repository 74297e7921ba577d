//! Reads server-sent events as they come.

use std::time::Duration;

use futures::{StreamExt, stream::BoxStream};
use serde_json::Value;

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: Option<String>,
    pub name: Option<String>,
    pub data: Value,
}

/// The events of one response, in order.
pub struct Events {
    bytes: BoxStream<'static, reqwest::Result<axum::body::Bytes>>,
    buffer: String,
    /// The latest one, as it was sent.
    pub comment: Option<String>,
}

impl Events {
    /// The body of a response that has to be a stream.
    pub async fn of(response: reqwest::Response) -> Events {
        let kind = response.headers().get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
        if !kind.starts_with("text/event-stream") {
            panic!("HTTP {} with `{kind}` instead of a stream: {}", response.status(), response.text().await.unwrap());
        }
        assert_eq!(response.status(), 200);
        Events { bytes: response.bytes_stream().boxed(), buffer: String::new(), comment: None }
    }

    /// The next event; `None` at the end of the stream. Comments are passed over, but for the latest.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.buffer.find("\n\n") {
                let block: String = self.buffer.drain(..end + 2).collect();
                if let Some(event) = parse(&block) {
                    return Some(event);
                }
                self.comment = Some(block);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(60), self.bytes.next()).await.expect("an event within a minute");
            match chunk {
                Some(bytes) => self.buffer.push_str(std::str::from_utf8(&bytes.expect("an uncut stream")).expect("whole characters")),
                None => return None,
            }
        }
    }

    /// All events to the end.
    pub async fn all(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }

    /// The `result` of each JSON-RPC response to the end.
    pub async fn results(self) -> Vec<Value> {
        self.all()
            .await
            .into_iter()
            .map(|event| {
                assert!(event.data.get("error").is_none(), "{}", event.data);
                event.data["result"].clone()
            })
            .collect()
    }
}

fn parse(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned));
    let data = field("data")?;
    assert_eq!(block.lines().filter(|line| line.starts_with("data")).count(), 1, "one object on one line: {block}");
    Some(Event { id: field("id"), name: field("event"), data: serde_json::from_str(&data).expect("JSON in each event") })
}
