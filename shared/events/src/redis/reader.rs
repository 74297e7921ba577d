//! Reads the streams of one bucket and tells this process's listeners what others said.

use std::{sync::Arc, time::Duration};

use redis::{
    Cmd, RedisResult,
    aio::MultiplexedConnection,
    cmd,
    streams::{StreamRangeReply, StreamReadReply},
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep},
};

use super::{
    RedisEventBusInner,
    entry::{self, Position},
};
use engine::ports::{EventBus, Signal};

/// So long a command waits in Redis for something to read.
const BLOCKS_FOR: Duration = Duration::from_secs(5);
/// Without a connection of its own a reader asks so often.
const ASKS_EVERY: Duration = Duration::from_millis(25);
const READ_AT_ONCE: usize = 128;
/// Each stream in a command costs Redis about a microsecond, so a reader of many streams reads in larger portions.
const PAUSE_PER_STREAM: Duration = Duration::from_micros(60);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// A reader that nobody needs keeps its connection for a while.
const LINGERS_FOR: Duration = Duration::from_secs(30);
/// In a cluster, to the node that has the bucket.
const REDIRECTIONS: u32 = 3;
/// After a failure: before the next try.
const RETRIES_AFTER: Duration = Duration::from_millis(100);

pub(super) struct Reader {
    bus: Arc<RedisEventBusInner>,
    bucket: usize,
    /// By which this reader is roused.
    rouse_key: String,
    roused: Position,
}

/// How a reader asks.
enum Access {
    /// By a connection of its own, on which commands may wait.
    Own { connection: MultiplexedConnection, _spare: OwnedSemaphorePermit },
    /// By the connection of all.
    Shared,
}

impl Reader {
    pub(super) fn new(bus: Arc<RedisEventBusInner>, bucket: usize) -> Self {
        let rouse_key = entry::rouse_key(bucket, &bus.link.origin);
        Reader { bus, bucket, rouse_key, roused: Position::default() }
    }

    /// Reads until nobody has listened for a while.
    pub(super) async fn run(mut self) {
        let mut failed = false;
        while let Err(error) = self.read(failed).await {
            tracing::debug!(%error, bucket = self.bucket, "reading from Redis failed");
            self.bus.link.suspect();
            failed = true;
            sleep(RETRIES_AFTER).await;
        }
    }

    /// Reads for as long as the connection holds. After an interruption every listener is told of the gap.
    async fn read(&mut self, interrupted: bool) -> RedisResult<()> {
        self.bus.link.up().await;
        let mut access = self.access(None).await?;
        self.find_places(interrupted).await?;
        let mut redirected = 0;
        loop {
            if !self.bus.buckets[self.bucket].is_wanted(Instant::now() + LINGERS_FOR).await {
                return Ok(());
            }
            self.find_places(false).await?;
            let covered = self.bus.buckets[self.bucket].cover();
            let reply = match self.ask(&mut access, &covered).await {
                Ok(reply) => reply,
                Err(error) => match (access, error.redirect_node()) {
                    (Access::Own { .. }, Some((node, _))) if redirected < REDIRECTIONS => {
                        redirected += 1;
                        access = self.access(Some(node)).await?;
                        continue;
                    }
                    _ => return Err(error),
                },
            };
            redirected = 0;
            self.tell(reply).await;
            let pause = PAUSE_PER_STREAM.saturating_mul(u32::try_from(covered.len()).unwrap_or(u32::MAX)).min(LONGEST_PAUSE);
            // The timer knows no less than a millisecond.
            if pause >= Duration::from_millis(1) {
                sleep(pause).await;
            }
        }
    }

    async fn access(&self, node: Option<&str>) -> RedisResult<Access> {
        match self.bus.link.spare() {
            Some(spare) => Ok(Access::Own { connection: self.bus.link.server.connect_alone(node, BLOCKS_FOR).await?, _spare: spare }),
            None => Ok(Access::Shared),
        }
    }

    /// Finds out where the streams end that nobody knows it of, and tells their listeners to read the store.
    async fn find_places(&self, all: bool) -> RedisResult<()> {
        let bucket = &self.bus.buckets[self.bucket];
        let lost = bucket.lost(all);
        if lost.is_empty() {
            return Ok(());
        }
        let mut pipeline = redis::pipe();
        for task_id in &lost {
            pipeline.add_command(last_entry(self.bucket, task_id));
        }
        let mut connection = self.bus.link.up().await;
        let ends: Vec<StreamRangeReply> = pipeline.query_async(&mut connection).await?;
        for (task_id, end) in lost.iter().zip(ends) {
            bucket.find(task_id, position_of(&end));
            self.bus.local.publish(task_id, Signal::Gap).await;
        }
        Ok(())
    }

    async fn ask(&self, access: &mut Access, covered: &[(String, Position)]) -> RedisResult<Option<StreamReadReply>> {
        match access {
            Access::Own { connection, .. } => {
                let command = self.command(covered, Some(BLOCKS_FOR));
                let bucket = &self.bus.buckets[self.bucket];
                let read = command.query_async(connection);
                tokio::pin!(read);
                let mut is_roused = false;
                loop {
                    tokio::select! {
                        reply = &mut read => return reply,
                        () = bucket.is_late(), if !is_roused => {
                            is_roused = true;
                            self.rouse().await;
                        }
                    }
                }
            }
            Access::Shared => {
                sleep(ASKS_EVERY).await;
                let mut connection = self.bus.link.up().await;
                self.command(covered, None).query_async(&mut connection).await
            }
        }
    }

    fn command(&self, covered: &[(String, Position)], block: Option<Duration>) -> Cmd {
        let mut command = cmd("XREAD");
        command.arg("COUNT").arg(READ_AT_ONCE);
        if let Some(block) = block {
            command.arg("BLOCK").arg(block.as_millis() as u64);
        }
        command.arg("STREAMS").arg(&self.rouse_key);
        let prefix = entry::task_prefix(self.bucket);
        for (task_id, _) in covered {
            command.arg(format!("{prefix}{task_id}"));
        }
        command.arg(self.roused.to_string());
        for (_, position) in covered {
            command.arg(position.to_string());
        }
        command
    }

    /// Ends the wait of the present command; without it, it ends by itself a little later.
    async fn rouse(&self) {
        let mut pipeline = redis::pipe();
        for command in entry::rouse(self.bucket, &self.bus.link.origin) {
            pipeline.add_command(command);
        }
        if let Some(mut connection) = self.bus.link.connection().await
            && pipeline.exec_async(&mut connection).await.is_err()
        {
            self.bus.link.suspect();
        }
    }

    /// Tells the listeners what came.
    async fn tell(&mut self, reply: Option<StreamReadReply>) {
        let prefix = entry::task_prefix(self.bucket);
        for stream in reply.map(|reply| reply.keys).unwrap_or_default() {
            let task_id = stream.key.strip_prefix(&prefix);
            for entry in &stream.ids {
                let Ok(position) = entry.id.parse::<Position>() else { continue };
                match task_id {
                    None => self.roused = self.roused.max(position),
                    Some(task_id) => {
                        if self.bus.buckets[self.bucket].is_news(task_id, position)
                            && let Some(signal) = entry::signal(entry, &self.bus.link.origin)
                        {
                            self.bus.local.publish(task_id, signal).await;
                        }
                    }
                }
            }
        }
    }
}

/// Asks for the last entry of a task's stream.
pub(super) fn last_entry(bucket: usize, task_id: &str) -> Cmd {
    let mut command = cmd("XREVRANGE");
    command.arg(format!("{}{task_id}", entry::task_prefix(bucket))).arg("+").arg("-").arg("COUNT").arg(1);
    command
}

/// Where a stream ends, by the answer to [`last_entry`]; `None` where there is no stream.
pub(super) fn position_of(end: &StreamRangeReply) -> Option<Position> {
    end.ids.first().and_then(|entry| entry.id.parse().ok())
}
