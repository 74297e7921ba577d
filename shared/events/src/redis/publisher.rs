//! Carries what this process says to Redis: in order, many at once, and never in the way of who says it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use engine::ports::Signal;
use futures::future::join_all;
use parking_lot::Mutex;
use redis::Pipeline;
use tokio::{
    sync::{
        Notify,
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::{Instant, sleep_until},
};

use super::{
    entry::{self, BUCKETS},
    link::Link,
    server::SharedConnection,
};

/// So much may wait to be sent; what comes on top is replaced by one gap for each task.
const WAITING: usize = 4096;
const SENT_AT_ONCE: usize = 512;
/// Gaps are announced for so many tasks; subscribers of others find out by themselves.
const MISSED_TASKS: usize = 10_000;
/// How soon a task's subscribers are told that they missed something.
const TOLD_AFTER: Duration = Duration::from_millis(250);

struct Said {
    task_id: String,
    signal: Signal,
    /// See [`Publisher::publish`].
    _done: Option<oneshot::Sender<()>>,
}

/// Where signals for other processes are handed in.
pub(super) struct Publisher {
    link: Arc<Link>,
    sender: mpsc::Sender<Said>,
    missed: Arc<Missed>,
}

/// Sends what was handed in.
pub(super) struct Sending {
    link: Arc<Link>,
    receiver: mpsc::Receiver<Said>,
    missed: Arc<Missed>,
}

/// Tasks that something was said about in vain.
#[derive(Default)]
struct Missed {
    tasks: Mutex<HashSet<String>>,
    grown: Notify,
}

impl Missed {
    fn insert(&self, task_id: String) {
        let mut tasks = self.tasks.lock();
        if tasks.len() < MISSED_TASKS {
            tasks.insert(task_id);
            self.grown.notify_one();
        }
    }

    /// Until there are any.
    async fn any(&self) {
        while self.tasks.lock().is_empty() {
            self.grown.notified().await;
        }
    }

    fn take(&self) -> Vec<Said> {
        let mut tasks = self.tasks.lock();
        let some: Vec<String> = tasks.iter().take(SENT_AT_ONCE).cloned().collect();
        some.into_iter().filter_map(|task_id| tasks.take(&task_id)).map(|task_id| Said { task_id, signal: Signal::Gap, _done: None }).collect()
    }
}

pub(super) fn publisher(link: Arc<Link>) -> (Publisher, Sending) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let missed = Arc::new(Missed::default());
    (Publisher { link: link.clone(), sender, missed: missed.clone() }, Sending { link, receiver, missed })
}

impl Publisher {
    /// Hands a signal in. `done` is dropped when it is sent or given up.
    pub(super) fn publish(&self, task_id: &str, signal: Signal, done: Option<oneshot::Sender<()>>) {
        if self.link.is_away() {
            self.missed.insert(task_id.to_owned());
            return;
        }
        let said = Said { task_id: task_id.to_owned(), signal, _done: done };
        if let Err(TrySendError::Full(said) | TrySendError::Closed(said)) = self.sender.try_send(said) {
            self.missed.insert(said.task_id);
        }
    }
}

impl Sending {
    /// Sends for as long as it is polled and somebody can hand in.
    pub(super) async fn run(mut self) {
        let mut tell_at = Instant::now();
        let mut said = Vec::new();
        loop {
            let link = &self.link;
            let missed = &self.missed;
            tokio::select! {
                biased;
                connection = async { missed.any().await; sleep_until(tell_at).await; link.up().await } => {
                    self.send(Some(&connection), self.missed.take()).await;
                    tell_at = Instant::now() + TOLD_AFTER;
                }
                count = self.receiver.recv_many(&mut said, SENT_AT_ONCE) => {
                    if count == 0 {
                        return;
                    }
                    let connection = self.link.connection().await;
                    self.send(connection.as_ref(), std::mem::take(&mut said)).await;
                }
            }
        }
    }

    /// Sends all of this, or remembers whose subscribers have missed something.
    async fn send(&self, connection: Option<&SharedConnection>, said: Vec<Said>) {
        let Some(connection) = connection else {
            said.into_iter().for_each(|said| self.missed.insert(said.task_id));
            return;
        };
        let mut groups: [Vec<Said>; BUCKETS] = Default::default();
        for said in said {
            // Only a cluster minds what a pipeline reaches.
            let group = if matches!(connection, SharedConnection::Cluster(_)) { entry::bucket_of(&said.task_id) } else { 0 };
            groups[group].push(said);
        }
        join_all(groups.into_iter().filter(|group| !group.is_empty()).map(|group| self.send_group(connection.clone(), group))).await;
    }

    async fn send_group(&self, mut connection: SharedConnection, group: Vec<Said>) {
        let mut pipeline = Pipeline::with_capacity(group.len() * 2);
        for said in &group {
            for command in entry::append(&said.task_id, &self.link.origin, &said.signal) {
                pipeline.add_command(command).ignore();
            }
        }
        if let Err(error) = pipeline.exec_async(&mut connection).await {
            tracing::debug!(%error, signals = group.len(), "signals weren't sent");
            self.link.suspect();
            group.into_iter().for_each(|said| self.missed.insert(said.task_id));
        }
    }
}
