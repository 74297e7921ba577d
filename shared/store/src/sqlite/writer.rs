//! The one writer: a thread that gathers what is asked of it at the same time into one transaction (group commit).

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
};

use engine::ports::StoreError;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{checkpointer::Poke, store_error};

/// Bounds how long the first of a batch waits for the last.
const MAX_BATCH: usize = 256;

/// What a writer does when the file isn't as it left it.
type CatchUp = fn(&Connection) -> rusqlite::Result<()>;

/// Something to do within the writer's transaction.
trait Job: Send {
    /// May run twice: once with others in a transaction that fails, then again by itself.
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    /// Called when what `run` did is durable.
    fn done(self: Box<Self>);
    /// Called when it isn't.
    fn failed(self: Box<Self>, error: rusqlite::Error);
}

struct Write<F, T> {
    work: F,
    outcome: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Write<F, T>
where
    F: FnMut(&Connection) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.outcome = Some((self.work)(connection)?);
        Ok(())
    }

    fn done(self: Box<Self>) {
        if let Some(outcome) = self.outcome {
            // Who asked may be gone; the write stands.
            let _ = self.reply.send(Ok(outcome));
        }
    }

    fn failed(self: Box<Self>, error: rusqlite::Error) {
        let _ = self.reply.send(Err(store_error(error)));
    }
}

/// The way to the writer's thread. Dropping it lets the thread finish what it was given and waits for that.
pub(super) struct Writer {
    jobs: Mutex<Option<Sender<Box<dyn Job>>>>,
    threads: [Option<JoinHandle<()>>; 2],
}

impl Writer {
    /// `catch_up` runs first in a transaction when something else than this writer has written.
    pub(super) fn start(connection: Connection, catch_up: CatchUp, (poke, checkpointer): (Poke, JoinHandle<()>)) -> std::io::Result<Self> {
        let (jobs, waiting) = channel();
        let thread = std::thread::Builder::new().name("sqlite-writer".into()).spawn(move || write_all(connection, catch_up, &poke, &waiting))?;
        Ok(Writer { jobs: Mutex::new(Some(jobs)), threads: [Some(thread), Some(checkpointer)] })
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, outcome) = oneshot::channel();
        let sent = match &*self.jobs.lock() {
            Some(jobs) => jobs.send(Box::new(Write { work, outcome: None, reply })).is_ok(),
            None => false,
        };
        if !sent {
            return Err(stopped());
        }
        outcome.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the SQLite writer has stopped".into())
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs.lock().take();
        for thread in self.threads.iter_mut().filter_map(Option::take) {
            // A job may hold the last handle: a thread can't wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

fn write_all(connection: Connection, catch_up: CatchUp, poke: &Poke, waiting: &Receiver<Box<dyn Job>>) {
    let mut transactions = Transactions { connection, catch_up, known: None };
    let mut batch: Vec<Box<dyn Job>> = Vec::with_capacity(MAX_BATCH);
    while let Ok(first) = waiting.recv() {
        batch.push(first);
        while batch.len() < MAX_BATCH
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        match transactions.run(&mut batch) {
            Ok(()) => batch.drain(..).for_each(Job::done),
            // Whose fault it was is found out by doing each alone.
            Err(error) if batch.len() > 1 => {
                tracing::debug!(%error, jobs = batch.len(), "a batch of writes failed; each is tried alone");
                for mut job in batch.drain(..) {
                    match transactions.run(std::slice::from_mut(&mut job)) {
                        Ok(()) => job.done(),
                        Err(error) => job.failed(error),
                    }
                }
            }
            Err(error) => {
                if let Some(job) = batch.pop() {
                    job.failed(error);
                }
            }
        }
        poke.written();
    }
    // Keeps the planner's statistics fresh where they are worth it.
    let _ = transactions.connection.execute_batch("PRAGMA optimize");
}

struct Transactions {
    connection: Connection,
    catch_up: CatchUp,
    /// SQLite's `data_version`: differs after others wrote.
    known: Option<i64>,
}

impl Transactions {
    fn run(&mut self, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let outcome = self.run_begun(jobs);
        if outcome.is_err() && !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        outcome
    }

    fn run_begun(&mut self, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
        let found = self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.known != Some(found) {
            (self.catch_up)(&self.connection)?;
        }
        for job in jobs {
            job.run(&self.connection)?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.known = Some(found);
        Ok(())
    }
}
