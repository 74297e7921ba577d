//! From the options to the report: finds the target, loads it in the way that was asked for, and says how it went.

use std::{
    io::{self, IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    arrivals::Arrivals,
    bounds::bounds,
    client::Client,
    generator::Generator,
    options::{Form, LoadOptions, MOST_AT_ONCE, RAMP_UP, USERS},
    report::{self, Report},
    results::Results,
    saturate::{FIRST_RATE, KEPT_UP, Search, Try},
    scenario::{Mix, Scenario},
    schedule::Schedule,
    users::Users,
};

/// How long each rate is tried when the highest is looked for.
const TRY: Duration = Duration::from_secs(5);
/// The p99 that the highest rate may have, where none is given.
const TRY_P99_MS: f64 = 50.0;
/// Of a hundred requests at the highest rate, so many succeed, where nothing is given.
const TRY_SUCCESS: f64 = 99.9;
/// How long after a try's end answers are waited for at least.
const TRY_PATIENCE: Duration = Duration::from_secs(1);

/// Loads a server, and prints and writes the report. `begun` is now, for the report alone.
///
/// # Errors
/// Where there is nothing to load, nothing was answered, a bound was missed, or it was interrupted; the report is there all the same, if anything was sent.
pub async fn run(options: LoadOptions, begun: DateTime<Utc>) -> Result<()> {
    let client = Arc::new(Client::new(&options).await?);
    let mix = mix(&options, &client).await?;
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        }
    });
    let load = Load { options, client, mix, stop };
    let clock = Instant::now();
    let loaded = if load.options.saturate { load.saturate().await? } else { load.once().await? };
    let Load { options, client, stop, .. } = load;

    let interrupted = stop.is_cancelled();
    let bounds = bounds(&options, &loaded.results.all);
    let target = &client.target;
    let report = Report::new(&options, target, begun, clock.elapsed(), &loaded, bounds, interrupted);
    // If nobody reads it, that is no reason to fail.
    let _ = io::stdout().lock().write_all(report::text(&report).as_bytes());
    for file in &options.report {
        let written = match file.form {
            Form::Json => report::json(&report)?,
            Form::Markdown => report::markdown(&report, &options.report),
            Form::Svg => report::svg(&report),
        };
        std::fs::write(&file.path, written).with_context(|| format!("can't write `{}`", file.path.display()))?;
    }
    ensure!(!interrupted, "interrupted");
    ensure!(report.total_requests > 0, "nothing was sent");
    ensure!(report.successful_requests > 0, "none of {} requests succeeded", report.total_requests);
    let missed: Vec<_> = report.bounds.iter().filter(|bound| !bound.met).map(ToString::to_string).collect();
    ensure!(missed.is_empty(), "{}", missed.join("; "));
    Ok(())
}

/// What came of it.
pub struct Loaded {
    pub results: Results,
    /// How long it took, from the first request to the last answer.
    pub elapsed: Duration,
    /// Requests that were to be sent, where that was known.
    pub planned: Option<u64>,
    /// The rates that were tried, where the highest was looked for.
    pub tries: Vec<Try>,
}

struct Load {
    options: LoadOptions,
    client: Arc<Client>,
    mix: Mix,
    stop: CancellationToken,
}

impl Load {
    async fn once(&self) -> Result<Loaded> {
        let (requests, duration) = self.options.ends();
        match self.options.rate {
            Some(per_second) => {
                let ramp_up = self.options.ramp_up.unwrap_or_default();
                let schedule = Schedule { per_second, ramp_up, duration, requests };
                self.at_rate(schedule, self.options.timeout, &bar(schedule.count())).await
            }
            None => {
                let count = self.options.users.unwrap_or(USERS);
                let ramp_up = self.options.ramp_up.unwrap_or(RAMP_UP);
                let users = Users { count, requests, duration, ramp_up, think_time: self.options.think_time };
                let generator = self.generator(&bar(requests))?;
                let begun = Instant::now();
                users.run(generator.clone()).await;
                Ok(Loaded { results: generator.results(), elapsed: begun.elapsed(), planned: requests, tries: Vec::new() })
            }
        }
    }

    async fn at_rate(&self, schedule: Schedule, patience: Duration, bar: &ProgressBar) -> Result<Loaded> {
        let most_at_once = self.options.users.map_or(MOST_AT_ONCE, |users| users as usize);
        let generator = self.generator(bar)?;
        let begun = Instant::now();
        Arrivals { schedule, most_at_once, patience }.run(generator.clone()).await?;
        Ok(Loaded { results: generator.results(), elapsed: begun.elapsed(), planned: schedule.count(), tries: Vec::new() })
    }

    /// Tries rates; what the highest of those that were borne came to is what is reported.
    async fn saturate(&self) -> Result<Loaded> {
        let (mut search, mut tries, mut best) = (Search::default(), Vec::new(), None);
        let p99_ms = self.options.max_p99_ms.unwrap_or(TRY_P99_MS);
        while let Some(rate) = search.next(self.options.rate.unwrap_or(FIRST_RATE)) {
            // One hiccup of a machine is no proof.
            let mut outcome = self.try_rate(rate, p99_ms).await?;
            if !outcome.0.borne && !self.stop.is_cancelled() {
                outcome = self.try_rate(rate, p99_ms).await?;
            }
            if self.stop.is_cancelled() {
                break;
            }
            let (tried, loaded) = outcome;
            search.tried(rate, tried.borne);
            if tried.borne || best.is_none() {
                best = Some(loaded);
            }
            tries.push(tried);
        }
        let best = best.context("interrupted before a rate was tried")?;
        if search.borne.is_none() && !self.stop.is_cancelled() {
            bail!("no rate is borne with a p99 of {p99_ms} ms: {}", tries.last().map_or_else(String::new, ToString::to_string));
        }
        Ok(Loaded { tries, ..best })
    }

    async fn try_rate(&self, rate: f64, p99_ms: f64) -> Result<(Try, Loaded)> {
        let duration = self.options.duration.unwrap_or(TRY);
        let schedule = Schedule { per_second: rate, ramp_up: Duration::ZERO, duration: Some(duration), requests: self.options.requests };
        let patience = TRY_PATIENCE.max(Duration::from_secs_f64(p99_ms / 1e3 * 2.0)).min(self.options.timeout);
        let bar = bar(schedule.count());
        bar.set_prefix(format!("{rate:.0}/s "));
        let loaded = self.at_rate(schedule, patience, &bar).await?;
        let all = &loaded.results.all;
        let answered_per_second = (all.requests() - all.failed) as f64 / loaded.elapsed.as_secs_f64();
        let (p99, success_percent) = (all.latencies.quantile_ms(0.99), all.success_percent());
        let is_well = p99 <= p99_ms && success_percent >= self.options.min_success_percent.unwrap_or(TRY_SUCCESS);
        // The last answer comes after the last request: short tries take longer than they should.
        let due_for = duration.as_secs_f64().max(loaded.elapsed.as_secs_f64() - p99_ms / 1e3);
        let kept_up = all.requests() as f64 / due_for >= rate * KEPT_UP || self.options.requests.is_some();
        let tried = Try { rate, answered_per_second, p99_ms: p99, success_percent, borne: is_well && kept_up };
        bar.suspend(|| eprintln!("{tried}"));
        Ok((tried, loaded))
    }

    fn generator(&self, bar: &ProgressBar) -> Result<Arc<Generator>> {
        let Load { options, client, mix, stop } = self;
        Generator::new(client.clone(), mix.clone(), options.text.clone(), options.seed, bar.clone(), stop.clone()).map(Arc::new)
    }
}

impl std::fmt::Display for Try {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Try { rate, answered_per_second, p99_ms, success_percent, borne } = self;
        let verdict = if *borne { "borne" } else { "too much" };
        write!(f, "{rate:.1}/s: {verdict} ({answered_per_second:.1}/s answered, p99 {p99_ms:.2} ms, {success_percent:.2} % succeeded)")
    }
}

/// What is asked; servers of others have no page of their health.
async fn mix(options: &LoadOptions, client: &Client) -> Result<Mix> {
    if options.text.is_some() {
        return Ok(Mix::only(Scenario::Message));
    }
    let asks_for_health = options.scenarios.scenarios().any(|scenario| scenario == Scenario::HealthCheck);
    if !asks_for_health || client.has_health().await {
        return Ok(options.scenarios.clone());
    }
    eprintln!("{} is not there: health_check is left out", client.target.health);
    options.scenarios.without(Scenario::HealthCheck).with_context(|| format!("{} is not there", client.target.health))
}

/// Shown on terminals only.
fn bar(requests: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match requests {
        Some(requests) => (ProgressBar::new(requests), "{prefix}{bar:40} {pos}/{len} {per_sec} {msg} {eta}"),
        None => (ProgressBar::new_spinner(), "{prefix}{spinner} {pos} {per_sec} {msg} {elapsed}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
