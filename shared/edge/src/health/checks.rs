//! The checks themselves: all at once, each with an end.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use engine::ports::{QueueName, StoreError};
use telemetry::{availability, resources};

use super::report::{Check, Level, Report, Status, Thresholds};
use crate::App;

/// A part that takes longer is as good as away.
const PATIENCE: Duration = Duration::from_secs(2);
/// A runner that is silent for so long since its lease ran out should have been replaced by now: the sweep runs each minute.
const STUCK_AFTER: TimeDelta = TimeDelta::seconds(90);
/// So many stuck tasks are counted; more make it no worse.
const STUCK_COUNTED: u32 = 100;
/// Fewer turns say nothing of how available agents are.
const FEWEST_TURNS: u64 = 10;

const PERCENT: Thresholds = Thresholds { unit: "%", levels: [80.0, 90.0, 95.0] };
const ROUND_TRIP: Thresholds = Thresholds { unit: "ms", levels: [250.0, 1000.0, 2000.0] };
const DEPTH: Thresholds = Thresholds { unit: "pieces of work", levels: [100.0, 1000.0, 10_000.0] };
const WAITING: Thresholds = Thresholds { unit: "s", levels: [10.0, 60.0, 300.0] };
const AVAILABILITY: Thresholds = Thresholds { unit: "%", levels: [90.0, 80.0, 70.0] };
const STUCK: Thresholds = Thresholds { unit: "tasks", levels: [1.0, 10.0, 100.0] };

/// What a part answers, if it does so in time; else why it is as good as away.
pub(crate) async fn in_time<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// How long a round trip to the store takes, or why there is none.
pub(crate) async fn answers(app: &App) -> Result<Duration, String> {
    let asked = Instant::now();
    in_time(app.ports.tasks.ping()).await.map(|()| asked.elapsed())
}

/// All checks, as long as the slowest takes.
pub(super) async fn report(app: &App) -> Report {
    let (database, redis, (queue, depths), (tasks, active_tasks)) =
        tokio::join!(timed(database(app)), timed(redis(app)), queue(app), task_processing(app));
    let checks = vec![
        ("resources", timed(async { machine(app) }).await),
        ("database", database),
        ("redis", redis),
        ("queue", queue),
        ("agents", timed(async { agents(app) }).await),
        ("task_processing", tasks),
        ("network", timed(async { network() }).await),
    ];
    let level_of = |wanted: &str| checks.iter().find(|(name, _)| *name == wanted).map_or(Level::Unavailable, |(_, check)| check.level);
    let status = match checks.iter().map(|(_, check)| check.level).max() {
        _ if level_of("database") == Level::Unavailable => Status::Unhealthy,
        Some(level) if level > Level::Warning => Status::Degraded,
        _ => Status::Healthy,
    };
    Report { status, checked_at: app.ports.clock.now(), checks, active_tasks, depths }
}

/// Fills in how long it took.
async fn timed(check: impl Future<Output = Check>) -> Check {
    let began = Instant::now();
    let check = check.await;
    Check { took: began.elapsed(), ..check }
}

fn check(level: Level, message: String, values: Vec<(&'static str, f64, Thresholds)>) -> Check {
    Check { level, message, took: Duration::ZERO, values }
}

async fn database(app: &App) -> Check {
    match answers(app).await {
        Ok(took) => {
            let milliseconds = took.as_secs_f64() * 1000.0;
            let message = format!("a round trip takes {milliseconds:.1} ms");
            check(ROUND_TRIP.level(milliseconds), message, vec![("round_trip", milliseconds, ROUND_TRIP)])
        }
        Err(reason) => check(Level::Unavailable, reason, Vec::new()),
    }
}

/// Others poll the database while it is away, so that is no reason to serve nobody.
async fn redis(app: &App) -> Check {
    if !app.ports.events.is_shared() {
        return check(Level::Healthy, "not used: signals stay within the process".into(), Vec::new());
    }
    let asked = Instant::now();
    match in_time(app.ports.events.ping()).await {
        Ok(()) => {
            let milliseconds = asked.elapsed().as_secs_f64() * 1000.0;
            let message = format!("a round trip takes {milliseconds:.1} ms");
            check(ROUND_TRIP.level(milliseconds), message, vec![("round_trip", milliseconds, ROUND_TRIP)])
        }
        Err(reason) => check(Level::Unavailable, format!("signals stay within the process: {reason}"), Vec::new()),
    }
}

/// None where nothing waits.
fn seconds_since(since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> f64 {
    since.map_or(0.0, |since| ((now - since).num_milliseconds() as f64 / 1000.0).max(0.0))
}

async fn queue(app: &App) -> (Check, Vec<(QueueName, u64)>) {
    let began = Instant::now();
    let of = |queue| async move { tokio::join!(in_time(app.ports.queue.depth(queue)), in_time(app.ports.queue.waiting_since(queue))) };
    let both = tokio::join!(of(QueueName::RunTask), of(QueueName::DeliverPush));
    let now = app.ports.clock.now();
    let (mut level, mut messages, mut values, mut depths) = (Level::Healthy, Vec::new(), Vec::new(), Vec::new());
    let names = [(QueueName::RunTask, "run-task", "run-task waiting"), (QueueName::DeliverPush, "deliver-push", "deliver-push waiting")];
    for ((queue, name, waiting_name), (depth, waiting)) in names.into_iter().zip([both.0, both.1]) {
        match (depth, waiting) {
            (Ok(depth), Ok(since)) => {
                let waiting = seconds_since(since, now);
                level = level.max(DEPTH.level(depth as f64)).max(WAITING.level(waiting));
                messages.push(format!("{name}: {depth} wait or run, the next for {waiting:.0} s"));
                values.extend([(name, depth as f64, DEPTH), (waiting_name, waiting, WAITING)]);
                depths.push((queue, depth));
            }
            (Err(reason), _) | (_, Err(reason)) => {
                level = Level::Unavailable;
                messages.push(format!("{name}: {reason}"));
            }
        }
    }
    (Check { took: began.elapsed(), ..check(level, messages.join("; "), values) }, depths)
}

/// Tasks that wait for a runner, whatever the queue is that should bring them one, and tasks whose runner is gone and that nobody takes up.
async fn task_processing(app: &App) -> (Check, Option<u64>) {
    let began = Instant::now();
    let (tasks, now) = (&app.ports.tasks, app.ports.clock.now());
    let stuck = tasks.expired_leases(now - STUCK_AFTER, STUCK_COUNTED);
    let (active, waiting, stuck) = tokio::join!(in_time(tasks.active_tasks()), in_time(tasks.waiting_since()), in_time(stuck));
    let checked = match (&active, waiting, stuck) {
        (Ok(active), Ok(since), Ok(stuck)) => {
            let waiting = seconds_since(since, now);
            let stuck = stuck.len();
            let more = if stuck as u32 == STUCK_COUNTED { " or more" } else { "" };
            let message = format!(
                "{active} active; the longest wait for a runner is {waiting:.0} s; {stuck}{more} stuck: theirs is gone for more than {} s",
                STUCK_AFTER.num_seconds()
            );
            let level = STUCK.level(stuck as f64).max(WAITING.level(waiting));
            check(level, message, vec![("stuck", stuck as f64, STUCK), ("waiting", waiting, WAITING)])
        }
        (Err(reason), ..) => check(Level::Unavailable, reason.clone(), Vec::new()),
        (_, Err(reason), _) | (.., Err(reason)) => check(Level::Unavailable, reason, Vec::new()),
    };
    (Check { took: began.elapsed(), ..checked }, active.ok())
}

fn agents(app: &App) -> Check {
    let served = app.engine.agents().count();
    let turns = availability::turns();
    let percent = availability::share() * 100.0;
    let level = match served {
        0 => Level::Critical,
        _ if turns < FEWEST_TURNS => Level::Healthy,
        _ => AVAILABILITY.level(percent),
    };
    let message = format!("{served} served; {turns} turns ended here in the last 5 minutes, {percent:.0} % of them without a failure");
    check(level, message, vec![("availability", percent, AVAILABILITY)])
}

/// What the process takes of its machine. A processor that is busy serves, if slowly: that alone is worth no more than a warning.
fn machine(app: &App) -> Check {
    let cpu = resources::cpu_percent();
    let memory = resources::memory().map(resources::Memory::percent);
    let disk = resources::disk_percent(app.settings.data_directory.as_deref().unwrap_or(Path::new("/tmp")));
    let level = |percent: Option<f64>| percent.map_or(Level::Healthy, |percent| PERCENT.level(percent));
    let said = |percent: Option<f64>| percent.map_or_else(|| "unknown".to_owned(), |percent| format!("{percent:.1} %"));
    let message = format!("processors {}, memory {}, disk {}", said(cpu), said(memory), said(disk));
    let values = [("cpu", cpu), ("memory", memory), ("disk", disk)];
    check(
        level(cpu).min(Level::Warning).max(level(memory)).max(level(disk)),
        message,
        values.into_iter().filter_map(|(name, percent)| Some((name, percent?, PERCENT))).collect(),
    )
}

/// Connections, which are files to the system: at its limit nobody gets in or out.
fn network() -> Check {
    let Some(files) = resources::open_files() else {
        return check(Level::Healthy, "the system doesn't say how many connections there are".into(), Vec::new());
    };
    let percent = files.open as f64 * 100.0 / files.limit.max(1) as f64;
    let message = format!("{} connections and files are open of {}", files.open, files.limit);
    check(PERCENT.level(percent), message, vec![("open", percent, PERCENT)])
}
