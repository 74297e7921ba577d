//! What is reported, in seconds where the report that this one follows had seconds, else in milliseconds.

mod markdown;
mod svg;
mod text;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

pub use self::{markdown::markdown, svg::svg, text::text};
use crate::{
    bounds::Bound,
    options::{LoadOptions, USERS},
    results::{Counted, Latencies},
    run::Loaded,
    saturate::Try,
    scenario::Scenario,
    target::Target,
};

/// The steps of the histogram: so many to each tenfold.
const STEPS_PER_DECADE: i32 = 10;

/// Everything, for people and for programs.
#[derive(Debug, Serialize)]
pub struct Report {
    pub target: TargetReport,
    pub config: Config,
    pub start_time: String,
    pub end_time: String,
    pub test_duration: f64,
    /// Requests that were to be sent, where that was known.
    pub planned_requests: Option<u64>,
    pub total_requests: u64,
    pub successful_requests: u64,
    pub failed_requests: u64,
    /// Seconds, as the next four.
    pub average_response_time: f64,
    pub min_response_time: f64,
    pub max_response_time: f64,
    pub p95_response_time: f64,
    pub p99_response_time: f64,
    pub requests_per_second: f64,
    /// 0 to 1.
    pub error_rate: f64,
    pub errors_by_type: BTreeMap<String, u64>,
    pub scenario_results: BTreeMap<Scenario, ScenarioReport>,
    /// Tasks by the state in which they were answered.
    pub task_states: BTreeMap<String, u64>,
    pub latency_ms: Quantiles,
    /// To the first event of a stream.
    pub first_event_ms: Option<Quantiles>,
    pub histogram: Vec<Step>,
    pub bounds: Vec<Bound>,
    pub saturation: Option<Saturation>,
    pub interrupted: bool,
}

/// Who was loaded.
#[derive(Debug, Serialize)]
pub struct TargetReport {
    pub name: Option<String>,
    pub url: String,
    pub protocol_version: &'static str,
    pub binding: &'static str,
}

/// What was asked for.
#[derive(Debug, Serialize)]
pub struct Config {
    pub base_url: String,
    /// None where requests came at a rate.
    pub concurrent_users: Option<u32>,
    pub rate: Option<f64>,
    pub think_time: Option<f64>,
    pub stream: bool,
    pub seed: u64,
    pub request_timeout: f64,
}

/// A scenario's share. Times are in seconds.
#[derive(Debug, Serialize)]
pub struct ScenarioReport {
    pub total_requests: u64,
    pub successful_requests: u64,
    /// 0 to 1.
    pub success_rate: f64,
    pub average_response_time: f64,
    pub min_response_time: f64,
    pub max_response_time: f64,
    pub p99_response_time: f64,
}

/// Milliseconds.
#[derive(Debug, Serialize)]
pub struct Quantiles {
    pub average: f64,
    pub p50: f64,
    pub p75: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub p99_9: f64,
    pub max: f64,
}

/// So many took at least `from_ms` and less than `to_ms`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub from_ms: f64,
    pub to_ms: f64,
    pub count: u64,
}

/// How the highest rate was found.
#[derive(Debug, Serialize)]
pub struct Saturation {
    /// Requests a second; none if not even the lowest was borne.
    pub highest_rate: Option<f64>,
    pub tries: Vec<Try>,
}

impl Report {
    /// All there is to say.
    pub fn new(
        options: &LoadOptions,
        target: &Target,
        begun: DateTime<Utc>,
        whole: Duration,
        loaded: &Loaded,
        bounds: Vec<Bound>,
        interrupted: bool,
    ) -> Self {
        let (results, all) = (&loaded.results, &loaded.results.all);
        let elapsed = loaded.elapsed.as_secs_f64();
        let at_rate = options.rate.is_some() || options.saturate;
        let highest = loaded.tries.iter().filter(|tried| tried.borne).map(|tried| tried.rate).max_by(f64::total_cmp);
        let latencies = &all.latencies;
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        Report {
            target: TargetReport {
                name: target.name.clone(),
                url: target.endpoint.to_string(),
                protocol_version: target.version.as_str(),
                binding: target.binding.as_str(),
            },
            config: Config {
                base_url: options.url.to_string(),
                concurrent_users: if at_rate { None } else { Some(options.users.unwrap_or(USERS)) },
                rate: if options.saturate { highest } else { options.rate },
                think_time: if at_rate { None } else { Some(options.think_time.as_secs_f64()) },
                stream: options.stream,
                seed: options.seed,
                request_timeout: options.timeout.as_secs_f64(),
            },
            start_time: time(begun),
            end_time: time(begun + whole),
            test_duration: elapsed,
            planned_requests: loaded.planned,
            total_requests: all.requests(),
            successful_requests: all.requests() - all.failed,
            failed_requests: all.failed,
            average_response_time: latencies.mean_ms() / 1e3,
            min_response_time: latencies.min_ms() / 1e3,
            max_response_time: latencies.max_ms() / 1e3,
            p95_response_time: latencies.quantile_ms(0.95) / 1e3,
            p99_response_time: latencies.quantile_ms(0.99) / 1e3,
            requests_per_second: if elapsed > 0.0 { all.requests() as f64 / elapsed } else { 0.0 },
            error_rate: if all.requests() > 0 { all.failed as f64 / all.requests() as f64 } else { 0.0 },
            errors_by_type: results.errors.clone(),
            scenario_results: results
                .scenarios
                .iter()
                .filter(|(_, counted)| counted.requests() > 0)
                .map(|(scenario, counted)| (*scenario, ScenarioReport::new(counted)))
                .collect(),
            task_states: results.states.clone(),
            latency_ms: Quantiles::new(latencies),
            first_event_ms: (results.first_events.count() > 0).then(|| Quantiles::new(&results.first_events)),
            histogram: histogram(latencies),
            bounds,
            saturation: options.saturate.then(|| Saturation { highest_rate: highest, tries: loaded.tries.clone() }),
            interrupted,
        }
    }

    /// Of a hundred.
    pub fn success_percent(&self) -> f64 {
        (1.0 - self.error_rate) * 100.0
    }
}

impl ScenarioReport {
    fn new(counted: &Counted) -> Self {
        let latencies = &counted.latencies;
        ScenarioReport {
            total_requests: counted.requests(),
            successful_requests: counted.requests() - counted.failed,
            success_rate: counted.success_percent() / 100.0,
            average_response_time: latencies.mean_ms() / 1e3,
            min_response_time: latencies.min_ms() / 1e3,
            max_response_time: latencies.max_ms() / 1e3,
            p99_response_time: latencies.quantile_ms(0.99) / 1e3,
        }
    }
}

impl Quantiles {
    fn new(latencies: &Latencies) -> Self {
        let quantile = |quantile| latencies.quantile_ms(quantile);
        Quantiles {
            average: latencies.mean_ms(),
            p50: quantile(0.5),
            p75: quantile(0.75),
            p90: quantile(0.9),
            p95: quantile(0.95),
            p99: quantile(0.99),
            p99_9: quantile(0.999),
            max: latencies.max_ms(),
        }
    }
}

/// Steps that grow evenly on a logarithmic scale, from the one of the shortest latency to the one of the longest.
fn histogram(latencies: &Latencies) -> Vec<Step> {
    if latencies.count() == 0 {
        return Vec::new();
    }
    let edge = |step: i32| 10_f64.powf(f64::from(step) / f64::from(STEPS_PER_DECADE));
    let step_of = |ms: f64| (ms.log10() * f64::from(STEPS_PER_DECADE)).floor() as i32;
    let micros = |ms: f64| (ms * 1e3).ceil() as u64;
    let (first, last) = (step_of(latencies.min_ms()), step_of(latencies.max_ms()));
    let steps = (first..=last).map(|step| {
        // Rounding must not lose those at the ends.
        let from = if step == first { 0 } else { micros(edge(step)) };
        let to = if step == last { u64::MAX } else { micros(edge(step + 1)) };
        Step { from_ms: edge(step), to_ms: edge(step + 1), count: latencies.between(from, to) }
    });
    steps.collect()
}

/// For programs.
///
/// # Errors
/// None in practice.
pub fn json(report: &Report) -> Result<String> {
    serde_json::to_string_pretty(report).map(|json| json + "\n").context("the report as JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        bounds::bounds,
        options::tests::options,
        results::tests::results,
        target::{Binding, Version},
    };

    /// A report of such requests.
    pub fn report(arguments: &[&str], outcomes: &[(u64, Option<&str>)]) -> Report {
        let url = "http://127.0.0.1:1/".parse().unwrap();
        let target = Target {
            name: Some("<A & B>".into()),
            endpoint: url,
            version: Version::V1_0,
            binding: Binding::JsonRpc,
            tenant: None,
            health: "http://h".parse().unwrap(),
        };
        let results = results(outcomes);
        let options = options(arguments);
        let bounds = bounds(&options, &results.all);
        let tries = vec![
            Try { rate: 50.0, answered_per_second: 50.0, p99_ms: 9.0, success_percent: 100.0, borne: true },
            Try { rate: 100.0, answered_per_second: 60.0, p99_ms: 900.0, success_percent: 98.0, borne: false },
        ];
        let loaded = Loaded { results, elapsed: Duration::from_secs(2), planned: Some(4), tries };
        Report::new(&options, &target, DateTime::UNIX_EPOCH, Duration::from_secs(3), &loaded, bounds, false)
    }

    pub const OUTCOMES: [(u64, Option<&str>); 4] = [(10, None), (20, None), (30, None), (1000, Some("task failed"))];

    #[test]
    fn programs_read_the_names_that_they_know() {
        let report: Value = serde_json::from_str(&json(&report(&["--max-p99-ms", "9"], &OUTCOMES)).unwrap()).unwrap();
        assert_eq!((&report["total_requests"], &report["successful_requests"], &report["failed_requests"]), (&4.into(), &3.into(), &1.into()));
        assert_eq!((&report["error_rate"], &report["requests_per_second"]), (&0.25.into(), &2.0.into()));
        assert_eq!(report["errors_by_type"]["task failed"], 1);
        assert_eq!(report["scenario_results"]["document_search"]["success_rate"], 0.75);
        assert!(report["scenario_results"].get("health_check").is_none(), "what was never asked is not reported");
        let average = report["average_response_time"].as_f64().unwrap();
        assert!((average - 0.265).abs() < 0.001, "{average}");
        assert_eq!(report["bounds"][0]["met"], false);
        assert_eq!((&report["config"]["concurrent_users"], &report["end_time"]), (&20.into(), &"1970-01-01T00:00:03.000Z".into()));
    }

    #[test]
    fn a_histogram_holds_every_answer_once() {
        let outcomes: Vec<_> = (0..=2000).map(|ms| (ms, None)).collect();
        let steps = report(&[], &outcomes).histogram;
        assert_eq!(steps.iter().map(|step| step.count).sum::<u64>(), 2001);
        assert!(steps.windows(2).all(|pair| pair[0].to_ms == pair[1].from_ms), "{steps:?}");
        assert!(report(&[], &[]).histogram.is_empty());
    }
}
