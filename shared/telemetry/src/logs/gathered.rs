//! Gathers log lines and writes them together, on a thread of its own: a request pays for a copy, not for a system call or a wake-up.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

/// How long lines are gathered.
const GATHER: Duration = Duration::from_millis(20);

/// So much waits for a slow reader; what comes then is lost, and counted.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// How long the end waits for a reader.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Takes lines. Clones write to the same place.
#[derive(Clone)]
pub(super) struct Gathered(Arc<Shared>);

/// When it is dropped, what was gathered is written, if its reader isn't stuck.
pub(super) struct Gathering {
    shared: Arc<Shared>,
    ended: mpsc::Receiver<()>,
}

#[derive(Default)]
struct Shared {
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    lost: u64,
    over: bool,
}

/// Starts a thread that writes to `to` what the other end takes.
pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<(Gathered, Gathering)> {
    let shared = Arc::new(Shared::default());
    let (end, ended) = mpsc::channel();
    let writes = shared.clone();
    thread::Builder::new().name("log".into()).spawn(move || {
        writes.write(to);
        // Nobody may be waiting any more.
        let _ = end.send(());
    })?;
    Ok((Gathered(shared.clone()), Gathering { shared, ended }))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut to: impl Write) {
        let mut batch = Vec::new();
        loop {
            let waiting = self.changed.wait_while(self.lock(), |lines| lines.bytes.is_empty() && !lines.over);
            let gathering = self.changed.wait_timeout_while(waiting.unwrap_or_else(PoisonError::into_inner), GATHER, |lines| !lines.over);
            let (mut lines, _) = gathering.unwrap_or_else(PoisonError::into_inner);
            batch.clear();
            std::mem::swap(&mut batch, &mut lines.bytes);
            let (lost, over) = (std::mem::take(&mut lines.lost), lines.over);
            drop(lines);
            if lost > 0 {
                batch.extend_from_slice(format!("{{\"level\":\"WARN\",\"message\":\"{lost} log lines were lost to a slow reader\"}}\n").as_bytes());
            }
            // A log that can't be written has nowhere to say so.
            let _ = to.write_all(&batch).and_then(|()| to.flush());
            if over {
                return;
            }
        }
    }
}

impl Write for Gathered {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock();
        if lines.bytes.len() + line.len() > MOST_BYTES {
            lines.lost += 1;
        } else {
            let is_first = lines.bytes.is_empty();
            lines.bytes.extend_from_slice(line);
            drop(lines);
            if is_first {
                self.0.changed.notify_one();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.changed.notify_one();
        let _ = self.ended.recv_timeout(LAST_WORDS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A reader that never reads.
    struct Stuck;

    impl Write for Stuck {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            loop {
                thread::park();
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_in_order_by_the_end() {
        let sink = Sink::default();
        let (mut lines, gathering) = start(sink.clone()).unwrap();
        for number in 0..1_000 {
            writeln!(lines, "{number}").unwrap();
        }
        drop(gathering);
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1_000);
        assert!(text.starts_with("0\n1\n") && text.ends_with("999\n"));
    }

    #[test]
    fn a_reader_that_is_stuck_holds_nobody_up_and_nothing_grows_without_end() {
        let (mut lines, gathering) = start(Stuck).unwrap();
        let line = vec![b'x'; 64 * 1024];
        for _ in 0..400 {
            lines.write_all(&line).unwrap();
        }
        assert!(lines.0.lock().bytes.len() <= MOST_BYTES);
        drop(gathering);
    }
}
