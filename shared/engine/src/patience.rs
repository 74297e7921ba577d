//! Waiting for a store that is away for a moment: a restart, a failover, a pool that others have emptied.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::ports::StoreError;

const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// The pause doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// So long is somebody ready to try again, from the first failure on.
pub(crate) struct Patience {
    duration: Duration,
    until: Option<Instant>,
    pause: Duration,
}

impl Patience {
    /// A try that begins within that time may still end later.
    pub(crate) fn of(duration: Duration) -> Self {
        Patience { duration, until: None, pause: FIRST_PAUSE }
    }

    /// Waits until another try is due. Gives the error back where none is worth it, or the patience is at its end.
    pub(crate) async fn bear(&mut self, error: StoreError) -> Result<(), StoreError> {
        let StoreError::Unavailable(cause) = error else { return Err(error) };
        let until = *self.until.get_or_insert_with(|| Instant::now() + self.duration);
        if Instant::now() + self.pause > until {
            return Err(StoreError::Unavailable(cause));
        }
        tracing::warn!(%cause, "the store is away; trying again");
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
