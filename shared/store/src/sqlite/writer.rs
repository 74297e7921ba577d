//! The one writer: a thread that gathers what is asked of it at the same time into one transaction (group commit).

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
};

use engine::ports::StoreError;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::store_error;

/// Bounds how long the first of a batch waits for the last.
const MAX_BATCH: usize = 256;

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
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (jobs, waiting) = channel();
        let thread = std::thread::Builder::new().name("sqlite-writer".into()).spawn(move || write_all(connection, &waiting))?;
        Ok(Writer { jobs: Mutex::new(Some(jobs)), thread: Some(thread) })
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
        if let Some(thread) = self.thread.take() {
            // A job may hold the last handle: a thread can't wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

fn write_all(connection: Connection, waiting: &Receiver<Box<dyn Job>>) {
    let mut batch: Vec<Box<dyn Job>> = Vec::with_capacity(MAX_BATCH);
    while let Ok(first) = waiting.recv() {
        batch.push(first);
        while batch.len() < MAX_BATCH
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        match in_one_transaction(&connection, &mut batch) {
            Ok(()) => batch.drain(..).for_each(Job::done),
            // Whose fault it was is found out by doing each alone.
            Err(error) if batch.len() > 1 => {
                tracing::debug!(%error, jobs = batch.len(), "a batch of writes failed; each is tried alone");
                for mut job in batch.drain(..) {
                    match in_one_transaction(&connection, std::slice::from_mut(&mut job)) {
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
    }
    // Keeps the planner's statistics fresh where they are worth it.
    let _ = connection.execute_batch("PRAGMA optimize");
}

fn in_one_transaction(connection: &Connection, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let outcome = jobs.iter_mut().try_for_each(|job| job.run(connection)).and_then(|()| connection.prepare_cached("COMMIT")?.execute([]).map(drop));
    if outcome.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    outcome
}
