//! The highest rate that a server bears: doubled while it does, then halved in between until two rates lie close together.

use serde::Serialize;

/// Where the search begins if nothing else is said, in requests a second.
pub const FIRST_RATE: f64 = 50.0;
/// The search ends when the lowest rate that is too high is no more than this above the highest that is not.
const PRECISION: f64 = 1.05;
/// A rate below this is none.
const LOWEST_RATE: f64 = 1.0;
/// A rate above this isn't tried: no machine that runs this sends as much.
const HIGHEST_RATE: f64 = 1e6;
/// The server may fall behind the rate by so much.
pub const KEPT_UP: f64 = 0.95;

/// A rate that was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Try {
    /// Requests a second that were due.
    pub rate: f64,
    /// Requests a second that were answered.
    pub answered_per_second: f64,
    pub p99_ms: f64,
    pub success_percent: f64,
    /// Whether the server bore it.
    pub borne: bool,
}

/// Where the search is.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The highest rate that was borne.
    pub borne: Option<f64>,
    /// The lowest that was not.
    too_high: Option<f64>,
}

impl Search {
    /// The rate to try next; `None` when the search is over.
    pub fn next(&self, first: f64) -> Option<f64> {
        match (self.borne, self.too_high) {
            (None, None) => Some(first),
            (Some(borne), None) => Some(borne * 2.0).filter(|rate| *rate <= HIGHEST_RATE),
            (None, Some(too_high)) => Some((too_high / 2.0).max(LOWEST_RATE)).filter(|_| too_high > LOWEST_RATE),
            (Some(borne), Some(too_high)) if too_high > borne * PRECISION => Some((borne * too_high).sqrt()),
            (Some(_), Some(_)) => None,
        }
    }

    /// Learns how a try ended.
    pub fn tried(&mut self, rate: f64, borne: bool) {
        *(if borne { &mut self.borne } else { &mut self.too_high }) = Some(rate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a search ends on a server that bears so much, and how many tries it takes.
    fn search(first: f64, bears: f64) -> (Option<f64>, usize) {
        let (mut search, mut tries) = (Search::default(), 0);
        while let Some(rate) = search.next(first) {
            search.tried(rate, rate <= bears);
            tries += 1;
        }
        (search.borne, tries)
    }

    #[test]
    fn the_highest_rate_is_found_to_five_percent() {
        for bears in [1.5, 30.0, 50.0, 777.0, 12_345.0] {
            let (found, tries) = search(FIRST_RATE, bears);
            let found = found.unwrap();
            assert!(found <= bears && found * PRECISION * 1.001 >= bears, "{found} of {bears}");
            assert!(tries <= 16, "{tries} tries for {bears}");
        }
    }

    #[test]
    fn a_server_that_bears_nothing_ends_the_search_as_one_that_bears_everything_does() {
        assert_eq!(search(FIRST_RATE, 0.0).0, None);
        assert!(search(FIRST_RATE, f64::MAX).0.unwrap() > HIGHEST_RATE / 2.0);
    }
}
