//! What is counted while the load runs: latencies, by scenario and in all, failures by kind, tasks by state.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use crate::{client::Outcome, scenario::Scenario};

/// The longest latency that is told from longer ones, in microseconds: an hour.
const LONGEST: u64 = 3_600_000_000;
/// Latencies are right to a tenth of a percent.
const DIGITS: u8 = 3;
/// A failure's text is cut there, in characters.
const ERROR_LENGTH: usize = 50;
/// Failures of so many kinds are counted apart, all others together.
const ERROR_KINDS: usize = 20;

/// How long things took.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

/// Requests, and how long they took.
#[derive(Debug, Clone)]
pub struct Counted {
    pub latencies: Latencies,
    pub failed: u64,
}

/// All that came of the requests so far.
#[derive(Debug, Clone)]
pub struct Results {
    pub all: Counted,
    pub scenarios: BTreeMap<Scenario, Counted>,
    /// Of streams.
    pub first_events: Latencies,
    pub errors: BTreeMap<String, u64>,
    pub states: BTreeMap<String, u64>,
}

impl Latencies {
    fn new() -> Result<Self> {
        Histogram::new_with_bounds(1, LONGEST, DIGITS).map(Latencies).context("a histogram")
    }

    fn record(&mut self, latency: Duration) {
        // Nothing takes no time: a logarithm is to be had of each.
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(LONGEST).max(1));
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// In milliseconds; 0 where there are none, as the others.
    pub fn mean_ms(&self) -> f64 {
        self.0.mean() / 1e3
    }

    /// The shortest.
    pub fn min_ms(&self) -> f64 {
        self.0.min() as f64 / 1e3
    }

    /// The longest.
    pub fn max_ms(&self) -> f64 {
        self.0.max() as f64 / 1e3
    }

    /// So large a part of all, 0 to 1, took no longer.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e3
    }

    /// How many took at least `from` and less than `to`, in microseconds.
    pub fn between(&self, from: u64, to: u64) -> u64 {
        self.0
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
            .filter(|(value, _)| (from..to).contains(value))
            .map(|(_, count)| count)
            .sum()
    }
}

impl Counted {
    fn new() -> Result<Self> {
        Ok(Counted { latencies: Latencies::new()?, failed: 0 })
    }

    fn count(&mut self, outcome: &Outcome) {
        self.latencies.record(outcome.latency);
        self.failed += u64::from(outcome.answer.error.is_some());
    }

    /// How many there were.
    pub fn requests(&self) -> u64 {
        self.latencies.count()
    }

    /// Those that didn't fail, of a hundred; 0 where there were none.
    pub fn success_percent(&self) -> f64 {
        if self.requests() == 0 { 0.0 } else { (self.requests() - self.failed) as f64 * 100.0 / self.requests() as f64 }
    }
}

impl Results {
    /// Nothing yet.
    ///
    /// # Errors
    /// Where there is no memory for histograms.
    pub fn new(scenarios: impl IntoIterator<Item = Scenario>) -> Result<Self> {
        let scenarios = scenarios.into_iter().map(|scenario| Ok((scenario, Counted::new()?))).collect::<Result<_>>()?;
        Ok(Results { all: Counted::new()?, scenarios, first_events: Latencies::new()?, errors: BTreeMap::new(), states: BTreeMap::new() })
    }

    /// Counts it.
    pub fn add(&mut self, outcome: Outcome) {
        self.all.count(&outcome);
        if let Some(scenario) = self.scenarios.get_mut(&outcome.scenario) {
            scenario.count(&outcome);
        }
        if let Some(time) = outcome.first_event {
            self.first_events.record(time);
        }
        if let Some(state) = outcome.answer.state {
            *self.states.entry(state).or_default() += 1;
        }
        if let Some(error) = outcome.answer.error {
            let kind: String = error.chars().take(ERROR_LENGTH).collect();
            let is_one_too_many = self.errors.len() >= ERROR_KINDS && !self.errors.contains_key(&kind);
            *self.errors.entry(if is_one_too_many { "other".to_owned() } else { kind }).or_default() += 1;
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::answer::Answer;

    /// One of these milliseconds for each request, and why some failed.
    pub fn results(outcomes: &[(u64, Option<&str>)]) -> Results {
        let mut results = Results::new([Scenario::DocumentSearch, Scenario::HealthCheck]).unwrap();
        for (ms, error) in outcomes {
            let answer = Answer { state: Some("completed".into()), error: error.map(str::to_owned) };
            results.add(Outcome { scenario: Scenario::DocumentSearch, answer, latency: Duration::from_millis(*ms), first_event: None });
        }
        results
    }

    #[test]
    fn latencies_are_right_to_a_tenth_of_a_percent() {
        let results = results(&(1..=1000).map(|ms| (ms, None)).collect::<Vec<_>>());
        let latencies = &results.all.latencies;
        for (quantile, ms) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0), (1.0, 1000.0)] {
            assert!((latencies.quantile_ms(quantile) / ms - 1.0).abs() < 0.001, "{quantile}: {}", latencies.quantile_ms(quantile));
        }
        assert!((latencies.mean_ms() / 500.5 - 1.0).abs() < 0.001);
        assert_eq!(latencies.between(0, u64::MAX), 1000);
        assert_eq!(latencies.between(0, 500_500), 500);
        assert_eq!((latencies.min_ms().round(), latencies.max_ms().round()), (1.0, 1000.0));
    }

    #[test]
    fn failures_are_counted_by_kind_and_there_are_not_too_many_kinds() {
        let kinds: Vec<_> = (0..50).map(|number| format!("kind {number}")).collect();
        let results = results(&kinds.iter().map(|kind| (1, Some(kind.as_str()))).chain([(1, Some("kind 0")), (1, None)]).collect::<Vec<_>>());
        assert_eq!((results.errors.len(), results.errors["kind 0"], results.errors["other"]), (ERROR_KINDS + 1, 2, 30));
        assert_eq!((results.all.requests(), results.all.failed), (52, 51));
        assert_eq!(results.scenarios[&Scenario::HealthCheck].success_percent(), 0.0);
    }

    #[test]
    fn a_long_error_is_cut() {
        let long = "ä".repeat(99);
        assert_eq!(results(&[(1, Some(&long))]).errors.keys().next().unwrap().chars().count(), ERROR_LENGTH);
    }
}
