//! What calls functions without a client: queues and the clock, as the template describes them.

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use anyhow::{Result, bail};
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use chrono::{DateTime, SecondsFormat, Utc};
use edge::App;
use engine::ports::{Delivery, QueueName};
use futures::FutureExt;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    functions::{Handler, QueueHandler, ScheduleHandler},
    template::{Event, Function, Template},
};

/// How long one look at an empty queue lasts; a drain waits as long.
const WAIT: Duration = Duration::from_secs(1);
/// How long work is hidden from others before its worker says again that it lives: so soon after a crash it goes on.
const HIDDEN: Duration = Duration::from_secs(15);
/// How often a worker says so.
const BEAT: Duration = Duration::from_secs(5);
/// After a queue or a sweep failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the next lease to run out is asked for: other processes over the same data take leases too.
const LOOK: Duration = Duration::from_secs(5);
/// How soon work is seen that a function in a process of its own commits.
const LOOK_WHILE_FUNCTIONS_RUN: Duration = Duration::from_millis(50);
/// A lease is looked at when it has surely run out.
const LEASE_MARGIN: Duration = Duration::from_millis(50);

/// Starts a poller for each queue and a clock for each schedule. They end soon after `stop`; [`JoinSet::join_next`] says when.
///
/// # Errors
/// Name a function or a queue that isn't there.
pub fn start(app: &Arc<App>, template: &Template, functions: impl Fn(&str) -> Option<Handler>, stop: &CancellationToken) -> Result<JoinSet<()>> {
    let mut workers = JoinSet::new();
    for function in &template.functions {
        for event in &function.events {
            match (event, functions(&function.name)) {
                (Event::Route(_), _) => {}
                (Event::Queue { queue, batch_size, max_concurrency }, Some(Handler::Queue { handle, leaves_messages })) => {
                    let poller = Poller {
                        queue: queue_name(queue)?,
                        batch_size: *batch_size,
                        slots: Arc::new(Semaphore::new(*max_concurrency)),
                        function: function.clone(),
                        handle,
                        leaves_messages,
                        app: app.clone(),
                    };
                    workers.spawn(poller.run(stop.clone()));
                }
                (Event::Schedule { every }, Some(Handler::Schedule(handle))) => {
                    workers.spawn(keep_time(app.clone(), function.clone(), handle, *every, stop.clone()));
                }
                _ => bail!("this server has no function `{}` that takes the events which the template gives it", function.name),
            }
        }
    }
    Ok(workers)
}

/// Has the pollers look for work that functions commit in processes of their own: again and again while one runs, and when it has ended.
pub async fn look_while_functions_run(app: Arc<App>, mut running: watch::Receiver<usize>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let none_runs = *running.borrow_and_update() == 0;
        app.engine.ports().queue.look();
        tokio::select! {
            () = sleep(LOOK_WHILE_FUNCTIONS_RUN) => {}
            () = stop.cancelled() => {}
        }
        if none_runs {
            tokio::select! {
                _ = running.changed() => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

fn queue_name(name: &str) -> Result<QueueName> {
    match [QueueName::RunTask, QueueName::DeliverPush].into_iter().find(|queue| queue.as_str() == name) {
        Some(queue) => Ok(queue),
        None => bail!("there is no queue `{name}`"),
    }
}

/// Hands batches of a queue to a function, so many at a time.
struct Poller {
    app: Arc<App>,
    queue: QueueName,
    batch_size: u32,
    slots: Arc<Semaphore>,
    function: Function,
    handle: QueueHandler,
    leaves_messages: bool,
}

impl Poller {
    async fn run(self, stop: CancellationToken) {
        let mut running = JoinSet::new();
        let Ok(slots) = u32::try_from(self.slots.available_permits()) else { return };
        while !stop.is_cancelled() {
            let slot = tokio::select! {
                slot = self.slots.clone().acquire_owned() => slot,
                () = stop.cancelled() => break,
            };
            match self.app.engine.ports().queue.receive(self.queue, self.batch_size, HIDDEN, WAIT).await {
                Ok(batch) if batch.is_empty() => {}
                Ok(batch) => {
                    let alive = keep_hidden(self.app.clone(), batch.clone());
                    let work = call(self.app.clone(), self.handle.clone(), self.leaves_messages, self.queue, batch);
                    let (name, limit) = (self.function.name.clone(), self.function.timeout);
                    running.spawn(async move {
                        let work = timeout(limit, AssertUnwindSafe(work).catch_unwind());
                        let ended = tokio::select! {
                            ended = work => ended,
                            never = alive => match never {},
                        };
                        match ended {
                            Ok(Ok(())) => {}
                            Ok(Err(_)) => tracing::error!(function = name, "panicked; its batch comes again"),
                            Err(_) => tracing::warn!(function = name, "killed at its timeout; its batch comes again"),
                        }
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(queue = self.queue.as_str(), %error, "the queue can't be read");
                    sleep(PAUSE).await;
                }
            }
            while running.try_join_next().is_some() {}
        }
        // All slots free: everything that was taken is done.
        let _ = self.slots.acquire_many(slots).await;
    }
}

/// Says again and again that a batch is being worked on; what of it is done already isn't touched by that.
async fn keep_hidden(app: Arc<App>, batch: Vec<Delivery>) -> Infallible {
    loop {
        sleep(BEAT).await;
        for delivery in &batch {
            if let Err(error) = app.engine.ports().queue.extend(delivery, HIDDEN).await {
                // Then it comes again while it runs, which changes nothing.
                tracing::debug!(%error, "work in progress can't be kept hidden");
            }
        }
    }
}

async fn call(app: Arc<App>, handle: QueueHandler, leaves_messages: bool, queue: QueueName, mut batch: Vec<Delivery>) {
    let event = batch_event(queue, &batch);
    for failure in handle(app.clone(), event).await.batch_item_failures {
        // Whoever failed has said why.
        tracing::debug!(queue = queue.as_str(), message = failure.item_identifier, "comes again");
        batch.retain(|delivery| delivery.receipt != failure.item_identifier);
    }
    for delivery in batch.iter().filter(|_| leaves_messages) {
        if let Err(error) = app.engine.ports().queue.complete(delivery).await {
            tracing::warn!(queue = queue.as_str(), %error, "work that is done comes again");
        }
    }
}

/// A batch as Lambda gets it from SQS.
fn batch_event(queue: QueueName, batch: &[Delivery]) -> SqsEvent {
    let mut event = SqsEvent::default();
    event.records = batch.iter().map(|delivery| message(queue, delivery)).collect();
    event
}

fn message(queue: QueueName, delivery: &Delivery) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(delivery.receipt.clone());
    message.receipt_handle = Some(delivery.receipt.clone());
    message.body = serde_json::to_string(&delivery.work).ok();
    message.attributes.insert("ApproximateReceiveCount".into(), delivery.attempt.to_string());
    message.attributes.insert("SentTimestamp".into(), delivery.queued_at.timestamp_millis().to_string());
    message.event_source = Some("aws:sqs".into());
    message.event_source_arn = Some(format!("arn:aws:sqs:local:000000000000:{}", queue.as_str()));
    message.aws_region = Some("local".into());
    message
}

/// Calls a function now, after each interval, and sooner when the next lease runs out: what a killed process left goes on within seconds.
async fn keep_time(app: Arc<App>, function: Function, handle: ScheduleHandler, every: Duration, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let event = serde_json::json!({
            "version": "0",
            "id": uuid::Uuid::new_v4().to_string(),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "000000000000",
            "time": app.engine.ports().clock.now().to_rfc3339_opts(SecondsFormat::Secs, true),
            "region": "local",
            "resources": [],
            "detail": {},
        });
        match timeout(function.timeout, AssertUnwindSafe(handle(app.clone(), event)).catch_unwind()).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => tracing::error!(function = function.name, "panicked"),
            Err(_) => tracing::warn!(function = function.name, "killed at its timeout"),
        }
        tokio::select! {
            () = next_time(&app, every) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Waits until a lease has run out, and for an interval at the longest.
async fn next_time(app: &App, every: Duration) {
    let end = Instant::now() + every;
    loop {
        let next_lease_expiry = app.engine.ports().tasks.next_lease_expiry().await.ok().flatten();
        let pause = until_next(next_lease_expiry, app.engine.ports().clock.now(), end.saturating_duration_since(Instant::now()));
        sleep(pause.min(LOOK)).await;
        if pause <= LOOK {
            return;
        }
    }
}

/// A lease that has run out already is looked at again after a pause.
fn until_next(lease_expiry: Option<DateTime<Utc>>, now: DateTime<Utc>, every: Duration) -> Duration {
    let left = lease_expiry.map(|expiry| (expiry - now).to_std().unwrap_or_default());
    left.map_or(every, |left| (left + LEASE_MARGIN).max(PAUSE).min(every))
}

#[cfg(test)]
mod tests {
    use engine::ports::Work;

    use super::*;

    #[test]
    fn a_batch_has_the_shape_of_sqs() {
        let delivery = Delivery {
            receipt: "row-7".into(),
            work: Work::RunTask { task_id: "t1".into() },
            attempt: 2,
            queued_at: chrono::DateTime::from_timestamp_millis(1_700_000_000_000).unwrap(),
        };
        let json = serde_json::to_value(batch_event(QueueName::RunTask, &[delivery])).unwrap();
        let record = &json["Records"][0];
        assert_eq!(record["receiptHandle"], "row-7");
        assert_eq!(record["eventSource"], "aws:sqs");
        assert_eq!(record["attributes"], serde_json::json!({"ApproximateReceiveCount": "2", "SentTimestamp": "1700000000000"}));
        assert_eq!(serde_json::from_str::<Work>(record["body"].as_str().unwrap()).unwrap(), Work::RunTask { task_id: "t1".into() });
    }

    #[test]
    fn a_lease_that_runs_out_sooner_is_waited_for() {
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let (minute, at) = (Duration::from_secs(60), |seconds| DateTime::from_timestamp(seconds, 0));
        assert_eq!(until_next(None, now, minute), minute);
        assert_eq!(until_next(at(1_014), now, minute), Duration::from_secs(14) + LEASE_MARGIN);
        assert_eq!(until_next(at(2_000), now, minute), minute);
        assert_eq!(until_next(at(900), now, minute), PAUSE);
    }

    #[test]
    fn the_queues_of_the_template_are_the_queues_of_the_store() {
        assert_eq!(queue_name("run-task").unwrap(), QueueName::RunTask);
        assert_eq!(queue_name("deliver-push").unwrap(), QueueName::DeliverPush);
        assert_eq!(queue_name("other").unwrap_err().to_string(), "there is no queue `other`");
    }
}
