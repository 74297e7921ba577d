//! A SQLite file: a few connections that read, one that writes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use engine::ports::StoreError;
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::{
    checkpointer::{self, WRITER_HELPS},
    migrations::{has_documents, migrate},
    remembered, store_error,
    writer::Writer,
};

/// How many long reads go on at once.
const LONG_READS: usize = 4;

/// Statements kept prepared by each connection.
const PREPARED: usize = 128;

/// What the writer keeps in memory of the file, at most, in KiB.
const CACHE_KIB: i64 = 32 * 1024;

/// How long a lock of another process is waited for.
const BUSY: Duration = Duration::from_secs(10);
/// How long a file is left alone that another process is making.
const IN_BETWEEN: Duration = Duration::from_millis(10);

/// A SQLite file. Cheap to clone; the last clone closes it.
///
/// Readers never wait for the writer nor the writer for them (WAL). What a write said is done survives the death of the
/// process at any time. A power cut may take back the last few seconds of writes, whole ones from the end, and never damages the file:
/// the log is synced when it is carried into the file, not at each commit (`synchronous=NORMAL`; `FULL` took twice as long from 20 clients
/// at once and five times as long from one, on a virtual machine's disk: see `examples/commits.rs`).
#[derive(Clone)]
pub struct SqliteDatabase {
    inner: Arc<Inner>,
}

struct Inner {
    // Dropped in this order: the writer ends first, then the readers, then a temporary directory goes.
    /// `None` for a file that never changes again.
    writer: Option<Writer>,
    readers: Mutex<Vec<Connection>>,
    long_reads: Semaphore,
    path: PathBuf,
    _temporary: Option<TempDir>,
}

impl SqliteDatabase {
    /// Opens the file, makes it and its directory if there is none, and brings its schema up to date.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_in(path.as_ref(), None)
    }

    /// A new file in the system's directory for temporary files, gone with the last clone: for tests and trials.
    pub fn temporary() -> Result<Self, StoreError> {
        let directory = temporary_directory()?;
        Self::open_in(&directory.path().join("a2a.db"), Some(directory))
    }

    fn open_in(path: &Path, temporary: Option<TempDir>) -> Result<Self, StoreError> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(unavailable)?;
        }
        let mut connection = connect(path).map_err(store_error)?;
        migrate(&mut connection).map_err(store_error)?;
        remembered::prepare(&connection).map_err(store_error)?;
        let checkpointer = checkpointer::start(connect(path).map_err(store_error)?).map_err(unavailable)?;
        let writer = Writer::start(connection, remembered::catch_up, checkpointer).map_err(unavailable)?;
        Ok(Self::of(Some(writer), path, temporary))
    }

    /// A file that nobody writes to as long as this is open, wherever it lies: no lock is taken and no other file is made. The directory goes with
    /// the last clone, if it is given. Its schema must be one of this version's, which had documents already.
    ///
    /// # Errors
    /// What is no database, or has another schema.
    pub fn open_finished(path: impl AsRef<Path>, directory: Option<TempDir>) -> Result<Self, StoreError> {
        let database = Self::of(None, path.as_ref(), directory);
        let is_known = database.read_here(has_documents)?;
        if is_known {
            return Ok(database);
        }
        Err(StoreError::Failed(format!("`{}` was written by another version; write it again", path.as_ref().display()).into()))
    }

    /// A new file, filled and never written to again, gone with the last clone: it costs no thread and keeps no log.
    pub(crate) fn finished(fill: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<Self, StoreError> {
        let directory = temporary_directory()?;
        let path = directory.path().join("a2a.db");
        let filled = || {
            let mut connection = Connection::open_with_flags(&path, flags(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE))?;
            // Nobody misses what is lost with the process.
            connection.pragma_update(None, "journal_mode", "OFF")?;
            connection.pragma_update(None, "synchronous", "OFF")?;
            migrate(&mut connection)?;
            let transaction = connection.transaction()?;
            fill(&transaction)?;
            transaction.commit()
        };
        filled().map_err(store_error)?;
        Self::open_finished(&path, Some(directory))
    }

    /// Writes a compact copy as a file for [`Self::open_finished`], in place of what is there, when it is whole.
    pub async fn copy_to(&self, path: impl Into<PathBuf>) -> Result<(), StoreError> {
        let (source, path) = (self.inner.path.clone(), path.into());
        let copy = move || {
            let directory = match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            let beside = tempfile::Builder::new().prefix(".a2a-").tempdir_in(directory).map_err(unavailable)?;
            let new = beside.path().join("a2a.db");
            let written = || {
                let source = Connection::open_with_flags(&source, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))?;
                source.busy_timeout(BUSY)?;
                source.execute("VACUUM INTO ?1", [new.display().to_string()])?;
                // Readers of a file in WAL mode would want to write beside it.
                Connection::open(&new)?.pragma_update(None, "journal_mode", "DELETE")
            };
            written().map_err(store_error)?;
            std::fs::rename(&new, &path).map_err(unavailable)
        };
        tokio::task::spawn_blocking(copy).await.map_err(failed)?
    }

    fn of(writer: Option<Writer>, path: &Path, temporary: Option<TempDir>) -> Self {
        let inner = Inner { writer, readers: Mutex::default(), long_reads: Semaphore::new(LONG_READS), path: path.to_owned(), _temporary: temporary };
        SqliteDatabase { inner: Arc::new(inner) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Does something in the writer's next transaction, together with what others ask for at the same time. `Ok` means durable.
    ///
    /// `work` must not begin or end transactions. It may be called twice, when the first transaction fails. An error of it undoes
    /// what it did, and what nobody else did.
    pub async fn write<T: Send + 'static>(&self, work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static) -> Result<T, StoreError> {
        match &self.inner.writer {
            Some(writer) => writer.write(work).await,
            None => Err(StoreError::Failed(format!("`{}` is only read", self.inner.path.display()).into())),
        }
    }

    /// Reads one consistent state, on a thread where it may take its time: searches, lists, exports.
    pub async fn read<T: Send + 'static>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static) -> Result<T, StoreError> {
        let _permit = self.inner.long_reads.acquire().await.map_err(failed)?;
        let database = self.clone();
        tokio::task::spawn_blocking(move || database.read_here(work)).await.map_err(failed)?
    }

    /// Reads one consistent state on this very thread: for the few rows that a key leads to, which take microseconds where a change of
    /// threads takes tens of them.
    pub fn read_here<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let connection = self.inner.readers.lock().pop();
        let connection = match connection {
            Some(connection) => connection,
            None => connect_to_read(&self.inner.path, self.inner.writer.is_none()).map_err(store_error)?,
        };
        let outcome = in_one_snapshot(&connection, work);
        // A connection that couldn't end its transaction is of no more use.
        if connection.is_autocommit() {
            self.inner.readers.lock().push(connection);
        }
        outcome.map_err(store_error)
    }
}

fn in_one_snapshot<T>(connection: &Connection, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let outcome = work(connection);
    connection.prepare_cached("COMMIT")?.execute([])?;
    outcome
}

/// A connection to a file that others may be opening for the first time, too: who finds it in between rollback journal and log is told at once that it
/// is locked, however patient.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let mut waits = BUSY.as_millis() / IN_BETWEEN.as_millis();
    loop {
        match connect_once(path) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waits > 0 => waits -= 1,
            outcome => return outcome,
        }
        thread::sleep(IN_BETWEEN);
    }
}

fn connect_once(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE))?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", WRITER_HELPS)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(connection)
}

fn connect_to_read(path: &Path, finished: bool) -> rusqlite::Result<Connection> {
    let connection = if finished {
        let encoded = path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let only_read = flags(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI);
        Connection::open_with_flags(format!("file:{encoded}?immutable=1"), only_read)?
    } else {
        Connection::open_with_flags(path, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))?
    };
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    connection.pragma_update(None, "query_only", !finished)?;
    Ok(connection)
}

fn temporary_directory() -> Result<TempDir, StoreError> {
    tempfile::Builder::new().prefix("a2a-").tempdir().map_err(unavailable)
}

/// Each connection is used by one thread at a time, so SQLite's own locks around each call are not needed.
fn flags(flags: OpenFlags) -> OpenFlags {
    flags | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn unavailable(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Failed(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_and_its_directory_are_made_and_keep_what_was_written() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("deep/er/a2a.db");
        let database = SqliteDatabase::open(&path).unwrap();
        database.write(|c| c.execute("INSERT INTO task_counts VALUES ('o', 'a', 1, 7)", [])).await.unwrap();
        drop(database);
        let database = SqliteDatabase::open(&path).unwrap();
        let count = |c: &Connection| c.query_row("SELECT tasks FROM task_counts", [], |row| row.get::<_, i64>(0));
        assert_eq!(database.read(count).await.unwrap(), 7);
        assert_eq!(database.read_here(count).unwrap(), 7);
    }

    #[tokio::test]
    async fn a_failing_write_fails_alone() {
        let database = SqliteDatabase::temporary().unwrap();
        let writes = (0..20).map(|n| {
            let database = database.clone();
            async move {
                let sql = if n == 7 { "INSERT INTO nowhere VALUES (?, '', 0, 0)" } else { "INSERT INTO task_counts VALUES (?, '', 0, 0)" };
                database.write(move |c| c.execute(sql, [n.to_string()])).await.is_ok()
            }
        });
        let outcomes = futures::future::join_all(writes).await;
        assert_eq!(outcomes.iter().filter(|ok| **ok).count(), 19);
        assert!(!outcomes[7]);
        assert_eq!(database.read_here(|c| c.query_row("SELECT count(*) FROM task_counts", [], |row| row.get::<_, i64>(0))).unwrap(), 19);
    }

    #[tokio::test]
    async fn a_copy_is_one_file_that_is_only_read() {
        let directory = TempDir::new().unwrap();
        let database = SqliteDatabase::temporary().unwrap();
        database.write(|c| c.execute("INSERT INTO task_counts VALUES ('o', 'a', 1, 7)", [])).await.unwrap();
        let path = directory.path().join("50%?#.db");
        for _ in 0..2 {
            database.copy_to(&path).await.unwrap();
        }
        let copy = SqliteDatabase::open_finished(&path, None).unwrap();
        let count = |c: &Connection| c.query_row("SELECT tasks FROM task_counts", [], |row| row.get::<_, i64>(0));
        assert_eq!(copy.read(count).await.unwrap(), 7);
        assert!(copy.write(|c| c.execute("DELETE FROM task_counts", [])).await.unwrap_err().to_string().contains("50%?#.db"));
        assert!(copy.read_here(|c| c.execute("DELETE FROM task_counts", [])).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("other.db");
        assert!(SqliteDatabase::open_finished(&path, None).is_err());
        std::fs::write(&path, "no database").unwrap();
        assert!(SqliteDatabase::open_finished(&path, None).is_err());
        std::fs::remove_file(&path).unwrap();
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        let error = SqliteDatabase::open_finished(&path, None).err().unwrap().to_string();
        assert!(error.contains("other.db") && error.contains("another version"), "{error}");
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let database = SqliteDatabase::temporary().unwrap();
        assert!(database.read_here(|c| c.execute("DELETE FROM tasks", [])).is_err());
    }
}
