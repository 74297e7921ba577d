//! Who in this process listens to which tasks, in groups whose streams one command can read.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::entry::Position;

/// A reader that waits in Redis isn't roused for a listener younger than this: most leave before it.
const ROUSED_AFTER: Duration = Duration::from_millis(2);

/// The tasks of one hash tag that are listened to.
#[derive(Default)]
pub(super) struct Bucket {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    tasks: HashMap<String, Watched>,
    /// Whether a reader is at work.
    is_read: bool,
}

struct Watched {
    listeners: usize,
    since: Instant,
    place: Place,
    /// Whether the reader asks for it in its present command.
    is_covered: bool,
}

/// Where in its stream a task is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A listener is about to find out.
    Asked,
    /// Nobody could find out: the reader does, and tells of the gap.
    Unknown,
    After(Position),
}

/// What a new listener has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    /// Somebody has to find out where the stream ends now.
    pub(super) has_no_place: bool,
    /// Somebody has to start a reader.
    pub(super) has_no_reader: bool,
}

impl Bucket {
    pub(super) fn join(&self, task_id: &str) -> Joined {
        let mut inner = self.inner.lock();
        let has_no_reader = !std::mem::replace(&mut inner.is_read, true);
        let watched = inner.tasks.entry(task_id.to_owned()).or_insert_with(|| Watched {
            listeners: 0,
            since: Instant::now(),
            place: Place::Asked,
            is_covered: false,
        });
        watched.listeners += 1;
        Joined { has_no_place: !matches!(watched.place, Place::After(_)), has_no_reader }
    }

    pub(super) fn leave(&self, task_id: &str) {
        if let Entry::Occupied(mut watched) = self.inner.lock().tasks.entry(task_id.to_owned()) {
            watched.get_mut().listeners -= 1;
            if watched.get().listeners == 0 {
                watched.remove();
            }
        }
    }

    /// Notes where a task's stream ended while somebody joined; `None` if nobody could say. The first to know is right: whoever
    /// asked has not begun to listen before.
    pub(super) fn place(&self, task_id: &str, position: Option<Position>) {
        if let Some(watched) = self.inner.lock().tasks.get_mut(task_id)
            && !matches!(watched.place, Place::After(_))
        {
            watched.place = position.map_or(Place::Unknown, Place::After);
        }
        self.changed.notify_one();
    }

    /// The tasks to read and from where. From now on they count as covered.
    pub(super) fn cover(&self) -> Vec<(String, Position)> {
        let mut covered = Vec::new();
        for (task_id, watched) in &mut self.inner.lock().tasks {
            if let Place::After(position) = watched.place {
                watched.is_covered = true;
                covered.push((task_id.clone(), position));
            }
        }
        covered
    }

    /// Tasks that have no place; after an interruption all that nobody else is asking for.
    pub(super) fn lost(&self, all: bool) -> Vec<String> {
        let inner = self.inner.lock();
        let lost = |place| place == Place::Unknown || (all && place != Place::Asked);
        inner.tasks.iter().filter(|(_, watched)| lost(watched.place)).map(|(task_id, _)| task_id.clone()).collect()
    }

    /// Says where a lost task's stream ends; `None` where there is none.
    pub(super) fn find(&self, task_id: &str, end: Option<Position>) {
        if let Some(watched) = self.inner.lock().tasks.get_mut(task_id) {
            watched.place = Place::After(match watched.place {
                // Read on, unless the stream is another one than before.
                Place::After(position) => end.filter(|end| *end >= position).map_or(Position::default(), |_| position),
                Place::Asked | Place::Unknown => end.unwrap_or_default(),
            });
        }
    }

    /// Whether an entry is news for a task's listeners, who then have heard it.
    pub(super) fn is_news(&self, task_id: &str, entry: Position) -> bool {
        match self.inner.lock().tasks.get_mut(task_id).map(|watched| &mut watched.place) {
            Some(Place::After(position)) if entry > *position => {
                *position = entry;
                true
            }
            _ => false,
        }
    }

    /// Until somebody listens; `false` if nobody did by `until`, and then the reader counts as gone.
    pub(super) async fn is_wanted(&self, until: Instant) -> bool {
        loop {
            {
                let mut inner = self.inner.lock();
                if !inner.tasks.is_empty() {
                    return true;
                }
                if Instant::now() >= until {
                    inner.is_read = false;
                    return false;
                }
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep_until(until) => {}
            }
        }
    }

    /// Until the reader has to look at somebody whom its present command leaves out.
    pub(super) async fn is_late(&self) {
        loop {
            let waiting = |watched: &&Watched| !watched.is_covered && watched.place != Place::Asked;
            let oldest = self.inner.lock().tasks.values().filter(waiting).map(|watched| watched.since).min();
            match oldest.map(|since| since + ROUSED_AFTER) {
                None => self.changed.notified().await,
                Some(due) if due <= Instant::now() => return,
                Some(due) => sleep_until(due).await,
            }
        }
    }

    /// How many tasks are listened to.
    pub(super) fn len(&self) -> usize {
        self.inner.lock().tasks.len()
    }
}
