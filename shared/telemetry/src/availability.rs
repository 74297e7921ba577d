//! How available the agents are: the share of late turns that they didn't fail.

use std::{
    collections::VecDeque,
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use metrics::{gauge, histogram};

use crate::metric;

/// Turns that ended longer ago say nothing of now.
const WINDOW: Duration = Duration::from_secs(5 * 60);
/// Turns are counted together that end within so long.
const SLOT: Duration = Duration::from_secs(5);

/// Whether CloudWatch counts: then each turn is a 1 or a 0, whose average it takes over all processes.
static CLOUDWATCH: AtomicBool = AtomicBool::new(false);
static LATE: LazyLock<Mutex<Late>> = LazyLock::new(Mutex::default);

/// Turns that ended of late, in slots of time.
#[derive(Default)]
struct Late {
    slots: VecDeque<Slot>,
}

struct Slot {
    began: Instant,
    turns: u64,
    failed: u64,
}

impl Late {
    fn add(&mut self, turns: u64, failed: bool, now: Instant) {
        if self.slots.back().is_none_or(|slot| now - slot.began >= SLOT) {
            self.forget(now);
            self.slots.push_back(Slot { began: now, turns: 0, failed: 0 });
        }
        if let Some(slot) = self.slots.back_mut() {
            slot.turns += turns;
            slot.failed += if failed { turns } else { 0 };
        }
    }

    /// Turns, and those of them that failed.
    fn sums(&mut self, now: Instant) -> (u64, u64) {
        self.forget(now);
        self.slots.iter().fold((0, 0), |(turns, failed), slot| (turns + slot.turns, failed + slot.failed))
    }

    /// Agents that nobody called are available.
    fn share(&mut self, now: Instant) -> f64 {
        let (turns, failed) = self.sums(now);
        if turns == 0 { 1.0 } else { 1.0 - failed as f64 / turns as f64 }
    }

    fn forget(&mut self, now: Instant) {
        while self.slots.front().is_some_and(|slot| now - slot.began >= WINDOW) {
            self.slots.pop_front();
        }
    }
}

/// Counts turns that ended, all of them failed by their agents or none.
pub fn count(turns: u64, failed: bool) {
    if CLOUDWATCH.load(Relaxed) {
        histogram!(metric::AGENT_AVAILABILITY).record(if failed { 0.0 } else { 1.0 });
    } else {
        LATE.lock().unwrap_or_else(PoisonError::into_inner).add(turns, failed, Instant::now());
    }
}

/// The share of late turns that agents of this server didn't fail, from 0 to 1. In a function it is that of one process: CloudWatch knows of all.
pub fn share() -> f64 {
    LATE.lock().unwrap_or_else(PoisonError::into_inner).share(Instant::now())
}

/// How many late turns that share is of.
pub fn turns() -> u64 {
    LATE.lock().unwrap_or_else(PoisonError::into_inner).sums(Instant::now()).0
}

/// Brings the gauge up to date.
pub fn show() {
    if !CLOUDWATCH.load(Relaxed) {
        gauge!(metric::AGENT_AVAILABILITY).set(share());
    }
}

pub(crate) fn shown_by_cloudwatch() {
    CLOUDWATCH.store(true, Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_turns_make_agents_less_available_until_they_are_long_ago() {
        let (mut late, start) = (Late::default(), Instant::now());
        assert_eq!(late.share(start), 1.0, "nobody was disappointed");
        late.add(8, false, start);
        late.add(2, true, start + SLOT);
        assert_eq!(late.share(start + SLOT), 0.8);
        late.add(2, true, start + WINDOW);
        assert_eq!(late.share(start + WINDOW), 0.0, "what went well is forgotten first");
        assert_eq!(late.share(start + WINDOW + WINDOW), 1.0);
    }
}
