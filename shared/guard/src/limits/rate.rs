//! The generic cell rate algorithm (GCRA): how many requests pass, told by one number for each client.
//!
//! That number is the time at which a client that had asked evenly would have come to ask so often. It may be ahead of now by what the burst takes.

/// Micros of a minute.
const MINUTE: i64 = 60_000_000;

/// So many requests a minute, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At least 1.
    pub per_minute: u32,
    /// At least 1. After a burst, requests pass at the rate.
    pub burst: u32,
}

/// The highest rate and the largest burst: beyond, a microsecond is too coarse.
pub const MAX_RATE: u32 = 1_000_000;

/// Where a client stands after it asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What it may.
    pub rate: Rate,
    /// Microseconds until the client has its whole burst again.
    pub full_after: i64,
    /// Microseconds until what it asked for would pass; 0 where it has passed.
    pub passes_after: i64,
}

impl Rate {
    /// A rate with bursts of twice as many.
    pub fn per_minute(per_minute: u32) -> Self {
        let per_minute = per_minute.clamp(1, MAX_RATE);
        Rate { per_minute, burst: per_minute.saturating_mul(2).min(MAX_RATE) }
    }

    /// Microseconds that one request takes.
    pub fn interval(self) -> i64 {
        MINUTE / i64::from(self.per_minute.clamp(1, MAX_RATE))
    }

    /// Microseconds that a whole burst takes.
    pub fn depth(self) -> i64 {
        self.interval() * i64::from(self.burst)
    }

    /// What a cost counts as: what would never pass counts as the whole burst.
    pub fn cost(self, requests: u32) -> i64 {
        self.interval() * i64::from(requests.min(self.burst))
    }

    /// A request of this cost at `now`, from a client whose number is `ahead`. Both are microseconds since 1970. Gives the client's number from now on.
    pub(crate) fn take(self, ahead: Option<i64>, now: i64, requests: u32) -> (i64, Standing) {
        // A clock that was put back, or a burst that got smaller, must not lock anyone out for longer than a burst.
        let ahead = ahead.unwrap_or(now).clamp(now, now + self.depth());
        let after = ahead + self.cost(requests);
        let passes_after = (after - now - self.depth()).max(0);
        let ahead = if passes_after == 0 { after } else { ahead };
        (ahead, Standing { rate: self, full_after: ahead - now, passes_after })
    }
}

impl Standing {
    /// Whether it has passed.
    pub fn has_passed(&self) -> bool {
        self.passes_after == 0
    }

    /// Requests that would pass now.
    pub fn remaining(&self) -> u64 {
        u64::try_from((self.rate.depth() - self.full_after) / self.rate.interval()).unwrap_or(0)
    }

    /// Whole seconds, at least 1.
    pub fn retry_after_seconds(&self) -> u64 {
        seconds(self.passes_after).max(1)
    }

    /// Whole seconds until the whole burst is there again.
    pub fn full_after_seconds(&self) -> u64 {
        seconds(self.full_after)
    }
}

fn seconds(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0).div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;
    const NOW: i64 = 1_700_000_000 * SECOND;

    /// How many of these requests pass.
    fn passed(rate: Rate, times: impl IntoIterator<Item = i64>) -> i64 {
        let mut ahead = None;
        let passes = times.into_iter().filter(|now| {
            let (after, standing) = rate.take(ahead, *now, 1);
            ahead = Some(after);
            standing.has_passed()
        });
        i64::try_from(passes.count()).unwrap()
    }

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate() {
        let rate = Rate { per_minute: 100, burst: 200 };
        assert_eq!(passed(rate, (0..1000).map(|_| NOW)), 200);
        // A minute of trying every millisecond.
        assert_eq!(passed(rate, (0..60_000).map(|n| NOW + n * 1000)), 200 + 99);
        assert_eq!(passed(rate, (0..=60_000).map(|n| NOW + n * 1000)), 200 + 100);
    }

    #[test]
    fn who_asks_at_the_rate_is_never_refused() {
        let rate = Rate { per_minute: 60, burst: 1 };
        assert_eq!(passed(rate, (0..500).map(|n| NOW + n * SECOND)), 500);
        assert_eq!(passed(rate, (0..500).map(|n| NOW + n * SECOND / 2)), 250);
    }

    #[test]
    fn a_standing_tells_what_is_left_and_when_there_is_more() {
        let rate = Rate { per_minute: 60, burst: 3 };
        let (ahead, first) = rate.take(None, NOW, 1);
        assert_eq!((first.has_passed(), first.remaining(), first.full_after_seconds()), (true, 2, 1));
        let (ahead, both) = rate.take(Some(ahead), NOW, 2);
        assert_eq!((both.remaining(), both.full_after_seconds()), (0, 3));
        let (same, refused) = rate.take(Some(ahead), NOW + SECOND / 4, 1);
        assert_eq!((refused.has_passed(), refused.passes_after, refused.retry_after_seconds()), (false, 3 * SECOND / 4, 1));
        assert_eq!(same, ahead, "what is refused costs nothing");
        assert!(rate.take(Some(ahead), NOW + SECOND, 1).1.has_passed());
    }

    #[test]
    fn more_than_a_burst_counts_as_the_whole_burst() {
        let rate = Rate { per_minute: 60, burst: 5 };
        let (ahead, standing) = rate.take(None, NOW, 100);
        assert_eq!((standing.has_passed(), standing.remaining()), (true, 0));
        assert_eq!(rate.take(Some(ahead), NOW, 100).1.retry_after_seconds(), 5);
    }

    #[test]
    fn a_clock_that_was_put_back_locks_nobody_out_for_longer_than_a_burst() {
        let rate = Rate { per_minute: 60, burst: 5 };
        let (ahead, _) = rate.take(None, NOW, 5);
        assert_eq!(rate.take(Some(ahead), NOW - 3600 * SECOND, 1).1.retry_after_seconds(), 1);
    }

    #[test]
    fn a_burst_is_twice_the_rate_where_nobody_says_another() {
        assert_eq!(Rate::per_minute(100), Rate { per_minute: 100, burst: 200 });
        assert_eq!(Rate::per_minute(u32::MAX), Rate { per_minute: MAX_RATE, burst: MAX_RATE });
    }

    proptest! {
        #[test]
        fn exactly_burst_and_rate_many_pass(per_minute in 1..5_000_u32, burst in 1..500_u32, seconds in 0..300_i64) {
            let rate = Rate { per_minute, burst };
            let (interval, span) = (rate.interval(), seconds * SECOND);
            // As dense as may be: at each moment at which one more could pass, and twice there.
            let moments = (0..).map(|n| n * interval).take_while(|at| *at <= span);
            let times = std::iter::repeat_n(0, burst as usize).chain(moments.flat_map(|at| [at, at])).map(|at| NOW + at);
            prop_assert_eq!(passed(rate, times), i64::from(burst) + span / interval);
        }

        #[test]
        fn whatever_the_times_no_span_has_more_than_burst_and_rate(gaps in prop::collection::vec(0..3_000_000_i64, 1..300)) {
            let rate = Rate { per_minute: 50, burst: 7 };
            let times: Vec<i64> = gaps.iter().scan(NOW, |at, gap| { *at += gap; Some(*at) }).collect();
            let span = times[times.len() - 1] - times[0];
            prop_assert!(passed(rate, times) <= 7 + span / rate.interval());
        }
    }
}
