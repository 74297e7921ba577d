//! A Postgres database: a pool of connections that are opened when they are needed.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use aws_config::SdkConfig;
use engine::ports::{Clock, StoreError, SystemClock};
use parking_lot::Mutex;
use sqlx::{Connection, postgres::PgPoolOptions};
use tokio::time::{Instant, timeout};

use super::{Connections, HeldConnection, connect::Target, iam::IamSignIn, migrations, store_error};

/// How long a connection is waited for, whether others have them all or the server doesn't answer.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a connection is kept that nobody uses.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// How long a connection is kept, so that new servers behind an old name are found.
pub(super) const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// How long an idle connection may take to say that it is alive, before another one is opened instead.
pub(super) const PING_TIMEOUT: Duration = Duration::from_millis(500);

/// How long a connection that was just used is taken for alive.
pub(super) const BELIEVED_FOR: Duration = Duration::from_secs(5);

/// How long a statement may take, with the wait for its connection, before nobody waits for it any longer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long after a statement without an answer connections are asked whether they are alive when they come back.
const SUSPICIOUS_FOR: Duration = Duration::from_secs(60);
/// How long after its begin a read that failed is tried again.
const READ_AGAIN_WITHIN: Duration = Duration::from_secs(1);

/// A Postgres database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PostgresDatabase {
    connections: Connections,
    sign_in: Option<Arc<IamSignIn>>,
    /// When a statement was last given up.
    silence: Arc<Mutex<Option<Instant>>>,
}

/// What the pool of a process is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// The most connections at a time.
    pub max_connections: u32,
    /// A connection that was idle for longer is asked whether it is alive before it is used: a round trip.
    pub ping_after_idle: Duration,
}

impl PoolSettings {
    /// For a server: under load no connection is asked. One that broke within the last seconds fails who uses it next, as
    /// [`StoreError::Unavailable`], and is gone then.
    pub fn of_a_server(max_connections: u32) -> Self {
        PoolSettings { max_connections, ping_after_idle: BELIEVED_FOR }
    }

    /// For a Lambda, which may have been frozen since it last used a connection. Within an event of which [`PostgresDatabase::begin_event`] was told only the
    /// first statement asks, as far as connections aren't idle for seconds.
    pub fn of_a_lambda(max_connections: u32) -> Self {
        PoolSettings { max_connections, ping_after_idle: Duration::ZERO }
    }
}

impl PostgresDatabase {
    /// A server's pool, signed in with a password; see [`Self::open_with`].
    ///
    /// # Errors
    /// As [`Self::open_with`].
    pub fn open(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        Self::open_with(url, PoolSettings::of_a_server(max_connections), Arc::new(SystemClock), async || SdkConfig::builder().build())
    }

    /// A pool of connections to `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, none of them opened yet: the server need not be there. To be
    /// called within a Tokio runtime.
    ///
    /// With the parameter `iam=true` the password is a token that is made from the credentials of `aws`, which is asked for nothing else. A host
    /// of RDS is connected to by TLS, its certificate and name checked, unless the parameter `sslmode` says otherwise.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where the URL can't be understood.
    pub fn open_with<F>(
        url: &str,
        settings: PoolSettings,
        clock: Arc<dyn Clock>,
        aws: impl Fn() -> F + Send + Sync + 'static,
    ) -> Result<Self, StoreError>
    where
        F: Future<Output = SdkConfig> + Send + 'static,
    {
        let target = Target::read(url).map_err(|reason| StoreError::Failed(reason.into()))?;
        let silence: Arc<Mutex<Option<Instant>>> = Arc::default();
        let silent = silence.clone();
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .min_connections(0)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(IDLE_TIMEOUT)
            .max_lifetime(MAX_LIFETIME)
            .test_before_acquire(false)
            .before_acquire(move |connection, history| {
                Box::pin(async move {
                    if history.idle_for < settings.ping_after_idle {
                        return Ok(true);
                    }
                    timeout(PING_TIMEOUT, connection.ping()).await.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|()| true)
                })
            })
            .after_release(move |connection, _| {
                // The pool itself would wait for a silent server as long as the network does, and without that place meanwhile.
                let suspicious = silent.lock().is_some_and(|since| since.elapsed() < SUSPICIOUS_FOR);
                Box::pin(async move {
                    if suspicious {
                        timeout(PING_TIMEOUT, connection.ping()).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(target.options.clone());
        let sign_in = target.iam.then(|| Arc::new(IamSignIn::new(target, Box::new(move || Box::pin(aws())), clock)));
        Ok(PostgresDatabase { connections: Connections::new(pool, settings.ping_after_idle), sign_in, silence })
    }

    /// Tells that a Lambda begins an event, before which it may have been frozen.
    pub fn begin_event(&self) {
        self.connections.begin_event();
    }

    /// The connections, of which new ones are let in.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the token to sign in with is too old and no new one can be made.
    pub async fn pool(&self) -> Result<&Connections, StoreError> {
        if let Some(sign_in) = &self.sign_in {
            sign_in.renew(self.connections.driver()).await?;
        }
        Ok(&self.connections)
    }

    /// A connection, opened now if none is free.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where there is none within a few seconds.
    pub async fn connection(&self) -> Result<HeldConnection, StoreError> {
        self.pool().await?.take().await.map_err(store_error)
    }

    /// Brings the schema up to date. Several processes may do so at once.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where a newer version of this software has changed the schema, or may not change it; nothing is changed then.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        migrations::migrate(&mut *self.connection().await?).await
    }

    /// Does something for which somebody waits: [`StoreError::Unavailable`] where no answer comes for a while, though it may get through yet.
    pub(super) async fn bounded<T>(&self, statement: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let mut statement = pin!(statement);
        match timeout(ANSWER_TIMEOUT, &mut statement).await {
            Ok(outcome) => outcome,
            Err(_) => {
                // Before its connection goes back to the pool, which is when the statement goes.
                *self.silence.lock() = Some(Instant::now());
                Err(StoreError::Unavailable(format!("Postgres doesn't answer within {} s", ANSWER_TIMEOUT.as_secs()).into()))
            }
        }
    }

    /// Reads, and reads anew where a connection turned out to be broken: after a restart of the server each one of the pool may be, and who reads
    /// needn't know. A server that is away takes longer to show, and isn't waited for here.
    pub(super) async fn again<T, F: Future<Output = Result<T, StoreError>>>(&self, read: impl Fn() -> F) -> Result<T, StoreError> {
        let until = Instant::now() + READ_AGAIN_WITHIN;
        loop {
            match self.bounded(read()).await {
                Err(StoreError::Unavailable(cause)) if Instant::now() < until => tracing::debug!(%cause, "reading again"),
                outcome => return outcome,
            }
        }
    }

    /// Ends all connections; none is opened any more.
    pub async fn close(&self) {
        self.connections.close().await;
    }

    /// A round trip.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the server doesn't answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.connection().await?.ping().await.map_err(store_error)
    }
}

#[cfg(test)]
mod tests {
    use ::tests::servers::postgres_database;
    use engine::ports::{CorpusStatistics, DocumentStore};
    use sqlx::query_scalar;

    use super::*;

    async fn backend(database: &PostgresDatabase) -> Result<i32, StoreError> {
        query_scalar("SELECT pg_backend_pid()").fetch_one(database.pool().await?).await.map_err(store_error)
    }

    async fn end(other: &PostgresDatabase, process: i32) {
        let ended = query_scalar::<_, bool>("SELECT pg_terminate_backend($1, 5000)").bind(process).fetch_one(other.pool().await.unwrap()).await;
        assert!(ended.unwrap());
    }

    /// A pool of one connection, which the server has closed, and the pool of another process.
    async fn broken(settings: PoolSettings) -> (PostgresDatabase, i32, PostgresDatabase) {
        let url = postgres_database().await;
        let database = PostgresDatabase::open_with(&url, settings, Arc::new(SystemClock), async || SdkConfig::builder().build()).unwrap();
        let process = backend(&database).await.unwrap();
        let other = PostgresDatabase::open(&url, 1).unwrap();
        end(&other, process).await;
        (database, process, other)
    }

    #[tokio::test]
    async fn a_server_under_load_meets_a_broken_connection_once() {
        let (database, before, _) = broken(PoolSettings::of_a_server(1)).await;
        assert!(matches!(backend(&database).await, Err(StoreError::Unavailable(_))));
        assert_ne!(backend(&database).await.unwrap(), before);
    }

    #[tokio::test]
    async fn a_lambda_never_meets_a_broken_connection() {
        let (database, before, _) = broken(PoolSettings::of_a_lambda(1)).await;
        assert_ne!(backend(&database).await.unwrap(), before);
    }

    #[tokio::test]
    async fn a_lambda_asks_a_connection_once_in_each_event() {
        let (database, before, other) = broken(PoolSettings::of_a_lambda(1)).await;
        database.begin_event();
        let now = backend(&database).await.unwrap();
        assert_ne!(now, before, "the first statement of an event asks");
        end(&other, now).await;
        assert!(matches!(backend(&database).await, Err(StoreError::Unavailable(_))), "the second doesn't");
    }

    #[tokio::test]
    async fn documents_are_read_again_where_a_connection_broke() {
        let (database, before, other) = broken(PoolSettings::of_a_server(1)).await;
        database.migrate().await.unwrap_err();
        database.migrate().await.unwrap();
        end(&other, backend(&database).await.unwrap()).await;
        let documents = super::super::PostgresDocumentStore::new(database.clone());
        assert_eq!(documents.statistics("ann").await.unwrap(), CorpusStatistics::default());
        assert_ne!(backend(&database).await.unwrap(), before);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable_and_opening_does_not_look() {
        let database = PostgresDatabase::open("postgres://ann@127.0.0.1:1/a2a", 1).unwrap();
        assert!(matches!(database.ping().await, Err(StoreError::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_url_that_is_none_is_refused() {
        assert!(matches!(PostgresDatabase::open("postgres://ann@:port/a2a", 1), Err(StoreError::Failed(_))));
    }
}
