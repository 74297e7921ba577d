//! Fan-out within one process: a channel for each task that someone listens to, gone with the last listener.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use engine::ports::{EventBus, Signal};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use parking_lot::RwLock;
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};

/// Signals that a listener may be behind before it misses the oldest and is told [`Signal::Gap`].
const BACKLOG: usize = 64;

/// Carries signals between the tasks of one process.
#[derive(Clone, Default)]
pub struct InProcessEventBus {
    channels: Channels,
}

type Channels = Arc<RwLock<HashMap<String, Sender<Signal>>>>;

impl InProcessEventBus {
    /// One that nobody listens to yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many tasks are listened to.
    pub fn channels(&self) -> usize {
        self.channels.read().len()
    }
}

#[async_trait]
impl EventBus for InProcessEventBus {
    async fn publish(&self, task_id: &str, signal: Signal) {
        if let Some(channel) = self.channels.read().get(task_id) {
            // An error says that the last listener is just leaving.
            let _ = channel.send(signal);
        }
    }

    async fn subscribe(&self, task_id: &str) -> BoxStream<'static, Signal> {
        let receiver = self.channels.write().entry(task_id.to_owned()).or_insert_with(|| broadcast::channel(BACKLOG).0).subscribe();
        let listener = Listener { receiver: Some(receiver), task_id: task_id.to_owned(), channels: self.channels.clone() };
        stream::unfold(listener, |mut listener| async move {
            let signal = match listener.receiver.as_mut()?.recv().await {
                Ok(signal) => signal,
                Err(RecvError::Lagged(_)) => Signal::Gap,
                Err(RecvError::Closed) => return None,
            };
            Some((signal, listener))
        })
        .boxed()
    }
}

/// A subscription. The last one of a task takes the channel with it.
struct Listener {
    receiver: Option<Receiver<Signal>>,
    task_id: String,
    channels: Channels,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut channels = self.channels.write();
        self.receiver = None;
        if channels.get(&self.task_id).is_some_and(|channel| channel.receiver_count() == 0) {
            channels.remove(&self.task_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_channel_is_gone_with_its_last_listener() {
        let bus = InProcessEventBus::new();
        let (first, second) = (bus.subscribe("t").await, bus.subscribe("t").await);
        assert_eq!(bus.channels(), 1);
        drop(first);
        assert_eq!(bus.channels(), 1);
        drop(second);
        assert_eq!(bus.channels(), 0);
        bus.publish("t", Signal::Gap).await;
        assert_eq!(bus.channels(), 0);
    }
}
