//! The only source of time.

use chrono::{DateTime, Timelike, Utc};

/// Tells the time. Tests put a clock of their own in its place.
pub trait Clock: Send + Sync + 'static {
    /// Now, in whole milliseconds (spec section 5.6.1).
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        now.with_nanosecond(now.nanosecond() / 1_000_000 * 1_000_000).unwrap_or(now)
    }
}
