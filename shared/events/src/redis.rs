//! Fan-out between processes: a stream in Redis for each task, behind the fan-out within this one.
//!
//! Listeners of this process are told at once and whatever becomes of Redis. What is said also goes to the task's stream, in order
//! but without waiting, where the readers of other processes find it. All streams of a hash tag are read by one command on a
//! connection of its own, so the connections are few however many listen. While Redis is away, listeners poll the store; when it is
//! back they are told to look there once, and go on from the end of the stream.

mod bucket;
mod entry;
mod link;
mod publisher;
mod reader;
mod server;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use engine::ports::{EventBus, Signal, StoreError};
use futures::{Stream, StreamExt, stream::BoxStream};
use redis::{RedisResult, streams::StreamRangeReply};
use tokio::{sync::oneshot, time::timeout};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::InProcessEventBus;
use bucket::Bucket;
use entry::{BUCKETS, Position};
use link::Link;
use publisher::Publisher;
use reader::{Reader, last_entry, position_of};

pub use link::RedisLink;
pub use server::{RedisUrlError, SharedConnection};

/// A new listener waits no longer than this to know its place; then its reader finds it.
const PLACED_WITHIN: Duration = Duration::from_millis(250);
/// Where a process may be frozen after its response, what it says has so long to leave.
const LEAVES_WITHIN: Duration = Duration::from_millis(250);

/// Which Redis, and how to use it.
#[derive(Debug, Clone, Copy)]
pub struct RedisSettings<'a> {
    /// `redis://` or, with TLS, `rediss://`, then `[USER:PASSWORD@]HOST[:PORT][/DATABASE]`. Whether it is a cluster the server says,
    /// unless `?cluster=true` or `?cluster=false` does. `?ca=FILE` names the certificates to trust instead of the public ones.
    pub url: &'a str,
    /// The most connections: one to each primary; the others are for readers, who make do without.
    pub max_connections: u32,
    /// Whether work may go on after a response; where not, publishing waits for a moment until the signal has left.
    pub outlives_response: bool,
}

/// Carries signals between processes. Its tasks end with it.
pub struct RedisEventBus {
    inner: Arc<RedisEventBusInner>,
    _link: RedisLink,
    outlives_response: bool,
    publisher: Publisher,
    readers: TaskTracker,
    stop: CancellationToken,
    _stops_when_dropped: DropGuard,
}

struct RedisEventBusInner {
    local: InProcessEventBus,
    link: Arc<Link>,
    buckets: [Bucket; BUCKETS],
}

impl RedisEventBus {
    /// Begins to connect, which doesn't have to succeed. Needs a runtime of tokio.
    pub fn new(settings: RedisSettings<'_>) -> Result<Self, RedisUrlError> {
        Ok(RedisEventBus::over(RedisLink::open(settings.url, settings.max_connections)?, settings.outlives_response))
    }

    /// The same by a link that is open already, and may serve others too. As [`RedisSettings::outlives_response`] says.
    pub fn over(opened: RedisLink, outlives_response: bool) -> Self {
        let link = opened.link().clone();
        let (publisher, sending) = publisher::publisher(link.clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move { stopped.run_until_cancelled(sending.run()).await });
        RedisEventBus {
            inner: Arc::new(RedisEventBusInner { local: InProcessEventBus::new(), link, buckets: Default::default() }),
            _link: opened,
            outlives_response,
            publisher,
            readers: TaskTracker::new(),
            _stops_when_dropped: stop.clone().drop_guard(),
            stop,
        }
    }

    /// How many tasks are listened to.
    pub fn channels(&self) -> usize {
        self.inner.buckets.iter().map(Bucket::len).sum()
    }

    /// How many readers there are, each with a connection of its own where there are enough.
    pub fn readers(&self) -> usize {
        self.readers.len()
    }

    fn start_reader(&self, bucket: usize) {
        let (reader, stop) = (Reader::new(self.inner.clone(), bucket), self.stop.clone());
        self.readers.spawn(async move { stop.run_until_cancelled(reader.run()).await });
    }

    /// Where a task's stream ends now; `None` if Redis doesn't say.
    async fn end_of(&self, bucket: usize, task_id: &str) -> Option<Position> {
        let link = &self.inner.link;
        let ask = async {
            let mut connection = link.connection().await?;
            let end: RedisResult<StreamRangeReply> = last_entry(bucket, task_id).query_async(&mut connection).await;
            end.inspect_err(|_| link.suspect()).ok()
        };
        let end = timeout(PLACED_WITHIN, ask).await.unwrap_or_else(|_| {
            link.suspect();
            None
        });
        end.map(|end| position_of(&end).unwrap_or_default())
    }
}

#[async_trait]
impl EventBus for RedisEventBus {
    async fn publish(&self, task_id: &str, signal: Signal) {
        self.inner.local.publish(task_id, signal.clone()).await;
        if self.outlives_response {
            return self.publisher.publish(task_id, signal, None);
        }
        let (done, sent) = oneshot::channel();
        self.publisher.publish(task_id, signal, Some(done));
        let _ = timeout(LEAVES_WITHIN, sent).await;
    }

    async fn subscribe(&self, task_id: &str) -> BoxStream<'static, Signal> {
        let bucket = entry::bucket_of(task_id);
        let signals = self.inner.local.subscribe(task_id).await;
        let listener = Listener { signals, bus: self.inner.clone(), bucket, task_id: task_id.to_owned() };
        let joined = self.inner.buckets[bucket].join(task_id);
        if joined.has_no_reader {
            self.start_reader(bucket);
        }
        if joined.has_no_place {
            let end = self.end_of(bucket, task_id).await;
            self.inner.buckets[bucket].place(task_id, end);
        }
        listener.boxed()
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let Some(connection) = self.inner.link.connection().await else {
            return Err(StoreError::Unavailable("Redis is away".into()));
        };
        self.inner.link.probe(&connection).await.map_err(|error| {
            self.inner.link.suspect();
            StoreError::Unavailable(Box::new(error))
        })
    }
}

/// A subscription, forgotten when it is dropped.
struct Listener {
    signals: BoxStream<'static, Signal>,
    bus: Arc<RedisEventBusInner>,
    bucket: usize,
    task_id: String,
}

impl Stream for Listener {
    type Item = Signal;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Signal>> {
        self.signals.poll_next_unpin(context)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.bus.buckets[self.bucket].leave(&self.task_id);
    }
}
