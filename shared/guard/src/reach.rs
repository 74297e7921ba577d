//! Whether what processes share can be reached: while it is away, one request in a while finds out whether it still is, and no other waits.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::time::timeout;

/// What takes longer to answer is as good as away.
pub(crate) const PATIENCE: Duration = Duration::from_millis(250);
/// What is away is asked again after so many microseconds.
const ASKED_AGAIN_AFTER: i64 = 1_000_000;

/// A change that operators should know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Each process is by itself from now on.
    Away,
    /// All are together again.
    Back,
}

/// What is known of something that may be away.
#[derive(Default)]
pub(crate) struct Reach {
    /// Microseconds since 1970 until which it isn't asked; 0 while it answers.
    away_until: AtomicI64,
}

impl Reach {
    /// Asks it, unless it is away: gives its answer, and whether it went or came back with this.
    pub(crate) async fn ask<T, E>(&self, now: DateTime<Utc>, asking: impl Future<Output = Result<T, E>>) -> (Option<T>, Option<Turn>) {
        let (now, away_until) = (now.timestamp_micros(), self.away_until.load(Ordering::Relaxed));
        let again = now + ASKED_AGAIN_AFTER;
        let asks = away_until == 0
            || (now >= away_until && self.away_until.compare_exchange(away_until, again, Ordering::Relaxed, Ordering::Relaxed).is_ok());
        if !asks {
            return (None, None);
        }
        match timeout(PATIENCE, asking).await {
            // An answer to what was asked before it went away doesn't bring it back.
            Ok(Ok(answer)) => (Some(answer), (away_until != 0 && self.away_until.swap(0, Ordering::Relaxed) != 0).then_some(Turn::Back)),
            Ok(Err(_)) | Err(_) => (None, (self.away_until.swap(again, Ordering::Relaxed) == 0).then_some(Turn::Away)),
        }
    }

    /// Whether it answered when it was last asked.
    pub(crate) fn is_here(&self) -> bool {
        self.away_until.load(Ordering::Relaxed) == 0
    }
}
