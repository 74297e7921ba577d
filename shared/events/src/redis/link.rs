//! The way to Redis: opened, watched, and opened anew with patience; everybody can see at once whether there is one.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use redis::{RedisError, RedisResult};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    entry,
    server::{ANSWERS_WITHIN, RedisUrlError, Server, SharedConnection},
};

/// Between tries to connect; the pause doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A connection that held for so long ends the doubling.
const HELD_FOR: Duration = Duration::from_secs(10);
/// A connection that is suspected wrongly again and again is looked at no more often than this.
const SUSPECTED_EVERY: Duration = Duration::from_millis(50);

#[derive(Clone)]
enum State {
    /// The first try is under way.
    Connecting,
    Up(SharedConnection),
    Away,
}

/// The way to Redis of a process, for all that goes there. Clones are the same one; it is closed with the last of them.
#[derive(Clone)]
pub struct RedisLink {
    link: Arc<Link>,
    _stops_when_dropped: Arc<DropGuard>,
}

impl RedisLink {
    /// Begins to connect, which doesn't have to succeed, with so many connections at most. Needs a runtime of tokio.
    ///
    /// # Errors
    /// What is wrong with the URL, which is as [`super::RedisSettings::url`] says.
    pub fn open(url: &str, max_connections: u32) -> Result<Self, RedisUrlError> {
        let link = Arc::new(Link::new(Server::new(url)?, max_connections));
        let stop = CancellationToken::new();
        let (supervised, stopped) = (link.clone(), stop.clone());
        tokio::spawn(async move { stopped.run_until_cancelled(supervised.supervise()).await });
        Ok(RedisLink { link, _stops_when_dropped: Arc::new(stop.drop_guard()) })
    }

    /// The connection that all share; `None` while Redis is away. Waits for the first try to connect.
    pub async fn connection(&self) -> Option<SharedConnection> {
        self.link.connection().await
    }

    /// Says that something failed that shouldn't have, so that the connection is looked at.
    pub fn suspect(&self) {
        self.link.suspect();
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }
}

/// The shared connection, while there is one, and the right to open more.
pub(super) struct Link {
    pub(super) server: Server,
    /// Names this process in what it says.
    pub(super) origin: String,
    state: watch::Sender<State>,
    suspected: Notify,
    spare: Arc<Semaphore>,
    /// Nodes that the shared connection leads to, each by a connection of its own.
    nodes: Mutex<usize>,
}

impl Link {
    pub(super) fn new(server: Server, max_connections: u32) -> Self {
        Link {
            server,
            origin: uuid::Uuid::new_v4().simple().to_string(),
            state: watch::Sender::new(State::Connecting),
            suspected: Notify::new(),
            spare: Arc::new(Semaphore::new(max_connections.saturating_sub(1) as usize)),
            nodes: Mutex::new(1),
        }
    }

    /// The shared connection; `None` while Redis is away. Waits for the first try to connect, which is short.
    pub(super) async fn connection(&self) -> Option<SharedConnection> {
        if let State::Up(connection) = &*self.state.borrow() {
            return Some(connection.clone());
        }
        let mut state = self.state.subscribe();
        match &*state.wait_for(|state| !matches!(state, State::Connecting)).await.ok()? {
            State::Up(connection) => Some(connection.clone()),
            State::Connecting | State::Away => None,
        }
    }

    /// The shared connection, once there is one.
    pub(super) async fn up(&self) -> SharedConnection {
        let mut state = self.state.subscribe();
        loop {
            if let State::Up(connection) = &*state.borrow_and_update() {
                return connection.clone();
            }
            if state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Whether there is no use in trying.
    pub(super) fn is_away(&self) -> bool {
        matches!(*self.state.borrow(), State::Away)
    }

    /// Says that something failed that shouldn't have.
    pub(super) fn suspect(&self) {
        self.suspected.notify_one();
    }

    /// The right to open one more connection; `None` where all are in use.
    pub(super) fn spare(&self) -> Option<OwnedSemaphorePermit> {
        self.spare.clone().try_acquire_owned().ok()
    }

    /// A write, because a server that takes none is of no use here.
    pub(super) async fn probe(&self, connection: &SharedConnection) -> RedisResult<()> {
        let mut pipeline = redis::pipe();
        for command in entry::rouse(0, &self.origin) {
            pipeline.add_command(command);
        }
        let mut connection = connection.clone();
        match timeout(ANSWERS_WITHIN * 2, pipeline.exec_async(&mut connection)).await {
            Ok(result) => result,
            Err(_) => Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))),
        }
    }

    /// Keeps the connection open for as long as it is polled.
    pub(super) async fn supervise(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.open().await {
                Ok(connection) => {
                    if matches!(self.state.send_replace(State::Up(connection.clone())), State::Away) {
                        tracing::info!("Redis is back");
                    }
                    let opened = Instant::now();
                    let error = self.fails(&connection).await;
                    if opened.elapsed() > HELD_FOR {
                        pause = FIRST_PAUSE;
                    }
                    self.away(&error);
                }
                Err(error) => self.away(&error),
            }
            // Spread, so that not all processes come back in the same moment.
            sleep(pause.mul_f64(0.75 + f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 512.0)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn open(&self) -> RedisResult<SharedConnection> {
        let (connection, nodes) = self.server.connect().await?;
        self.probe(&connection).await?;
        let mut known = self.nodes.lock();
        if nodes > *known {
            self.spare.forget_permits(nodes - *known);
            *known = nodes;
        }
        Ok(connection)
    }

    /// Why the connection is of no use any more, once it isn't.
    async fn fails(&self, connection: &SharedConnection) -> RedisError {
        loop {
            self.suspected.notified().await;
            if let Err(error) = self.probe(connection).await {
                return error;
            }
            sleep(SUSPECTED_EVERY).await;
        }
    }

    fn away(&self, error: &RedisError) {
        if !matches!(self.state.send_replace(State::Away), State::Away) {
            tracing::warn!(%error, "Redis is away: signals stay within the process, and others poll the database");
        }
    }
}
