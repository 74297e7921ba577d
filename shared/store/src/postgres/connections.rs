//! The connections of a process: one whose statement ended well is used again without a word to the server.
//!
//! The driver's pool asks each connection that comes back whether it lives. That round trip cost as much as a small statement: 20 clients at once
//! got half as many statements a second, at 38 µs of this process each instead of 18.

use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_stream::try_stream;
use futures::{TryStreamExt, future::BoxFuture, stream::BoxStream};
use parking_lot::Mutex;
use sqlx::{
    Connection, Either, Execute, Executor, PgConnection, PgPool, Postgres, SqlStr,
    pool::PoolConnection,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use super::database::{ACQUIRE_TIMEOUT, BELIEVED_FOR, IDLE_TIMEOUT, MAX_LIFETIME, PING_TIMEOUT};

/// Connections that are opened when they are needed. Cheap to clone. A statement that is given to it takes one for as long as it runs.
#[derive(Debug, Clone)]
pub struct Connections {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Opens them, and takes back those of which it isn't known in which state they are.
    pool: PgPool,
    /// As many as there may be connections: who has one finds a connection at hand or may open it.
    slots: Arc<Semaphore>,
    /// The one that was used last at the end.
    at_hand: Mutex<Vec<AtHand>>,
    ping_after_idle: Duration,
    /// Events that this process has begun; 0 where nobody counts them.
    events: AtomicU64,
}

#[derive(Debug)]
struct AtHand {
    connection: PoolConnection<Postgres>,
    opened: Instant,
    since: Instant,
    /// The event in which it was last used.
    event: u64,
}

/// A connection for several statements. When it is dropped, a transaction on it that wasn't ended is undone.
#[derive(Debug)]
pub struct HeldConnection {
    // Dropped in this order: whoever is next finds it with the pool.
    connection: PoolConnection<Postgres>,
    opened: Instant,
    _slot: OwnedSemaphorePermit,
}

impl Connections {
    pub(super) fn new(pool: PgPool, ping_after_idle: Duration) -> Self {
        let slots = Arc::new(Semaphore::new(pool.options().get_max_connections() as usize));
        Connections { inner: Arc::new(Inner { pool, slots, at_hand: Mutex::default(), ping_after_idle, events: AtomicU64::new(0) }) }
    }

    /// An event begins: since the last one the process may have been frozen, and its connections may have been closed meanwhile.
    pub(super) fn begin_event(&self) {
        self.inner.events.fetch_add(1, Relaxed);
    }

    /// What opens them.
    pub(super) fn driver(&self) -> &PgPool {
        &self.inner.pool
    }

    /// One of them, opened now if none is free.
    ///
    /// # Errors
    /// Where there is none within a few seconds.
    pub(super) async fn take(&self) -> sqlx::Result<HeldConnection> {
        let taken = async {
            let slot = self.inner.slots.clone().acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
            if let Some(AtHand { connection, opened, .. }) = self.alive_at_hand().await {
                return Ok(HeldConnection { connection, opened, _slot: slot });
            }
            let connection = self.inner.pool.acquire().await?;
            Ok(HeldConnection { connection, opened: Instant::now(), _slot: slot })
        };
        timeout(ACQUIRE_TIMEOUT, taken).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// Closes all of them, when those that are in use have come back. No more are opened.
    pub async fn close(&self) {
        self.inner.slots.close();
        drop(mem::take(&mut *self.inner.at_hand.lock()));
        self.inner.pool.close().await;
    }

    async fn alive_at_hand(&self) -> Option<AtHand> {
        let mut last = self.inner.at_hand.lock().pop()?;
        let event = self.inner.events.load(Relaxed);
        let believed_for = if event > 0 && last.event == event { BELIEVED_FOR } else { self.inner.ping_after_idle };
        if last.since.elapsed() < believed_for || matches!(timeout(PING_TIMEOUT, last.connection.ping()).await, Ok(Ok(()))) {
            return Some(last);
        }
        // The others were idle for longer.
        let others = mem::take(&mut *self.inner.at_hand.lock());
        for broken in others.into_iter().chain([last]) {
            drop(broken.connection.detach());
        }
        None
    }

    /// Keeps a connection at hand that has nothing left to read.
    fn give_back(&self, held: HeldConnection) {
        let HeldConnection { connection, opened, _slot } = held;
        let now = Instant::now();
        if opened + MAX_LIFETIME < now {
            // The pool closes it.
            return;
        }
        let mut at_hand = self.inner.at_hand.lock();
        at_hand.push(AtHand { connection, opened, since: now, event: self.inner.events.load(Relaxed) });
        let idle = at_hand.iter().take_while(|one| one.since + IDLE_TIMEOUT < now).count();
        for mut one in at_hand.drain(..idle) {
            one.connection.close_on_drop();
        }
    }
}

impl Deref for HeldConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for HeldConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// A connection goes back to hand only when its statement ended well. After an error, or when nobody waited for the end, it goes to the pool, which
/// looks what became of it.
impl<'c> Executor<'c> for &'c Connections {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(try_stream! {
            let mut held = self.take().await?;
            {
                let mut results = held.fetch_many(query);
                while let Some(result) = results.try_next().await? {
                    yield result;
                }
            }
            self.give_back(held);
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move {
            let mut held = self.take().await?;
            let row = held.fetch_optional(query).await?;
            self.give_back(held);
            Ok(row)
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let mut held = self.take().await?;
            let statement = held.prepare_with(sql, parameters).await?;
            self.give_back(held);
            Ok(statement)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use ::tests::servers::postgres_database;
    use futures::future::join_all;
    use sqlx::{query, query_scalar};

    use super::{super::PostgresDatabase, *};

    async fn connections(most: u32) -> Connections {
        PostgresDatabase::open(&postgres_database().await, most).unwrap().pool().await.unwrap().clone()
    }

    #[tokio::test]
    async fn many_statements_share_few_connections() {
        let connections = connections(2).await;
        let backend = async || query_scalar::<_, i32>("SELECT pg_backend_pid()").fetch_one(&connections).await.unwrap();
        let backends: HashSet<i32> = join_all((0..50).map(|_| backend())).await.into_iter().collect();
        assert!(backends.len() <= 2);
        assert!(backends.contains(&backend().await), "one of them is still there");
    }

    #[tokio::test]
    async fn a_statement_that_nobody_waits_for_leaves_nothing_to_the_next() {
        let connections = connections(1).await;
        let given_up = query("SELECT generate_series(1, 100) FROM (SELECT pg_sleep(0.2)) AS slept").fetch_all(&connections);
        assert!(timeout(Duration::from_millis(50), given_up).await.is_err());
        assert_eq!(query_scalar::<_, i32>("SELECT 42").fetch_one(&connections).await.unwrap(), 42);
        assert!(query("SELECT 1 / 0").execute(&connections).await.is_err());
        assert_eq!(query_scalar::<_, i32>("SELECT 43").fetch_one(&connections).await.unwrap(), 43);
    }

    #[tokio::test]
    async fn a_transaction_that_is_not_ended_is_undone_before_the_connection_is_used_again() {
        let connections = connections(1).await;
        query("CREATE TABLE kept (a bigint)").execute(&connections).await.unwrap();
        let mut held = connections.take().await.unwrap();
        let mut transaction = held.begin().await.unwrap();
        query("INSERT INTO kept VALUES (1)").execute(&mut *transaction).await.unwrap();
        drop(transaction);
        drop(held);
        assert_eq!(query_scalar::<_, i64>("SELECT count(*) FROM kept").fetch_one(&connections).await.unwrap(), 0);
        query("INSERT INTO kept VALUES (2)").execute(&connections).await.unwrap();
        assert_eq!(query_scalar::<_, i64>("SELECT count(*) FROM kept").fetch_one(&connections).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn when_all_are_taken_one_is_waited_for() {
        let connections = connections(1).await;
        let held = connections.take().await.unwrap();
        let next = query_scalar::<_, i32>("SELECT 1").fetch_one(&connections);
        let (one, ()) = tokio::join!(next, async { drop(held) });
        assert_eq!(one.unwrap(), 1);
    }
}
