//! Carries the log into the file beside the writer, who would stand still for as long as the disk takes.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;

/// Pages in the log that are worth carrying over: some megabytes, in which the busiest pages stand many times.
const WORTH_IT: i64 = 4_000;

/// Pages in the log at which the writer helps. Only while nothing is written can the log begin anew, so under steady load someone must
/// make that moment; by then little is left to carry.
pub(super) const WRITER_HELPS: i64 = 12_000;

/// How long it rests between looks.
const REST: Duration = Duration::from_millis(50);

/// A thread with a connection of its own. Ends with its last [`Poke`].
pub(super) fn start(connection: Connection) -> std::io::Result<(Poke, JoinHandle<()>)> {
    let (poke, pokes) = sync_channel(1);
    let (_until_dropped, dropped) = channel();
    let thread = std::thread::Builder::new().name("sqlite-log".into()).spawn(move || carry_over(&connection, &pokes, &dropped))?;
    Ok((Poke { poke, _until_dropped }, thread))
}

/// Tells the thread that something was written.
pub(super) struct Poke {
    poke: SyncSender<()>,
    _until_dropped: Sender<()>,
}

impl Poke {
    /// Costs nothing, and waits for nothing.
    pub(super) fn written(&self) {
        // Full: it will look anyway.
        let _ = self.poke.try_send(());
    }
}

fn carry_over(connection: &Connection, pokes: &Receiver<()>, dropped: &Receiver<()>) {
    while pokes.recv().is_ok() {
        let outcome = pages(connection, "PRAGMA wal_checkpoint(NOOP)").and_then(|(in_log, carried)| {
            if in_log - carried >= WORTH_IT { pages(connection, "PRAGMA wal_checkpoint(PASSIVE)").map(drop) } else { Ok(()) }
        });
        if let Err(error) = outcome {
            tracing::warn!(%error, "the SQLite log wasn't carried into the file; the next look tries again");
        }
        if dropped.recv_timeout(REST) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

/// Pages in the log, and how many of them are in the file already.
fn pages(connection: &Connection, checkpoint: &str) -> rusqlite::Result<(i64, i64)> {
    connection.prepare_cached(checkpoint)?.query_row([], |row| Ok((row.get(1)?, row.get(2)?)))
}
