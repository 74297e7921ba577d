//! What the checks of a moment found, kept for a second: many may ask, and the parts are asked once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use engine::ports::QueueName;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::checks;
use crate::App;

/// So long a report is good.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// How everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// As it should be.
    Healthy,
    /// It serves, but a part is not well.
    Degraded,
    /// Nothing can be served.
    Unhealthy,
}

impl Status {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Status::Healthy => "healthy",
            Status::Degraded => "degraded",
            Status::Unhealthy => "unhealthy",
        }
    }
}

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Healthy,
    /// Worth a look; everything is served as it should be.
    Warning,
    Error,
    Critical,
    /// It doesn't answer.
    Unavailable,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Level::Healthy => "healthy",
            Level::Warning => "warning",
            Level::Error => "error",
            Level::Critical => "critical",
            Level::Unavailable => "unavailable",
        }
    }
}

/// Where each level begins, in some unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Thresholds {
    pub unit: &'static str,
    /// Warning, error, critical: rising where much is bad, falling where little is.
    pub levels: [f64; 3],
}

impl Thresholds {
    /// What a number means.
    pub fn level(&self, value: f64) -> Level {
        let [warning, error, critical] = self.levels;
        let passed = |threshold: f64| if warning < critical { value >= threshold } else { value < threshold };
        match () {
            () if passed(critical) => Level::Critical,
            () if passed(error) => Level::Error,
            () if passed(warning) => Level::Warning,
            () => Level::Healthy,
        }
    }

    fn to_json(self) -> Value {
        let [warning, error, critical] = self.levels;
        json!({"unit": self.unit, "warning": warning, "error": error, "critical": critical})
    }
}

/// What a check found.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub level: Level,
    /// For people.
    pub message: String,
    pub took: Duration,
    /// The number that was looked at and its thresholds, by its name; none where there is only yes or no.
    pub values: Vec<(&'static str, f64, Thresholds)>,
}

impl Check {
    pub fn to_json(&self) -> Value {
        let values = self.values.iter().map(|(name, value, _)| ((*name).to_owned(), rounded(*value)));
        let thresholds = self.values.iter().map(|(name, _, thresholds)| ((*name).to_owned(), thresholds.to_json()));
        json!({
            "status": self.level.as_str(),
            "message": self.message,
            "duration_ms": rounded(self.took.as_secs_f64() * 1000.0),
            "values": values.collect::<serde_json::Map<_, _>>(),
            "thresholds": thresholds.collect::<serde_json::Map<_, _>>(),
        })
    }
}

/// To thousandths, which is plenty.
fn rounded(value: f64) -> Value {
    json!((value * 1000.0).round() / 1000.0)
}

/// All checks of a moment.
#[derive(Debug)]
pub(super) struct Report {
    pub status: Status,
    pub checked_at: DateTime<Utc>,
    pub checks: Vec<(&'static str, Check)>,
    /// `None` where the store doesn't answer.
    pub active_tasks: Option<u64>,
    pub depths: Vec<(QueueName, u64)>,
}

/// The latest report. Whoever asks while it is being made waits for it.
#[derive(Default)]
pub(crate) struct LatestReport {
    latest: Mutex<Option<(Instant, Arc<Report>)>>,
}

impl LatestReport {
    pub(super) async fn of(&self, app: &App) -> Arc<Report> {
        let mut latest = self.latest.lock().await;
        if let Some((made, report)) = &*latest
            && made.elapsed() < GOOD_FOR
        {
            return report.clone();
        }
        let report = Arc::new(checks::report(app).await);
        super::show(&report);
        *latest = Some((Instant::now(), report.clone()));
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_begins_at_its_threshold() {
        let memory = Thresholds { unit: "%", levels: [80.0, 90.0, 95.0] };
        let levels = [79.9, 80.0, 90.0, 95.0].map(|percent| memory.level(percent));
        assert_eq!(levels, [Level::Healthy, Level::Warning, Level::Error, Level::Critical]);
        let availability = Thresholds { unit: "%", levels: [90.0, 80.0, 70.0] };
        let levels = [90.0, 89.9, 79.9, 69.9].map(|percent| availability.level(percent));
        assert_eq!(levels, [Level::Healthy, Level::Warning, Level::Error, Level::Critical]);
    }
}
