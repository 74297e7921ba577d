//! What runs without a client: queued work and the sweep.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsMessage;
pub use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use chrono::{DateTime, Utc};
use engine::{
    SweepReport, WorkOutcome,
    ports::{Delivery, Work},
};
use futures::future::join_all;
use metrics::counter;
use serde::{Deserialize, Serialize};
use telemetry::metric;

use crate::App;

/// Audit records that are deleted at once, and so often in one sweep.
const RECORDS_AT_ONCE: u32 = 500;
const ROUNDS: u32 = 20;

/// What a schedule sends: nothing of it is needed.
pub type ScheduledEvent = serde_json::Value;

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Tasks whose runner was lost and that run again.
    pub requeued: u64,
    /// Tasks whose runner was lost too often.
    pub failed: u64,
    /// Finished tasks past their retention that were deleted.
    pub deleted: u64,
    /// When the next runner would count as lost; `None` where no task runs.
    pub next_lease_expiry: Option<DateTime<Utc>>,
}

/// Does the work of all messages at once, so that none waits for a slow one; those that failed are named, so that only they come again.
pub async fn work(app: Arc<App>, event: SqsEvent) -> SqsBatchResponse {
    let app = &app;
    let works = event.records.into_iter().map(|message| async move {
        let id = message.message_id.clone().unwrap_or_default();
        (id, done(app, message).await)
    });
    let mut response = SqsBatchResponse::default();
    for (id, _) in join_all(works).await.into_iter().filter(|(_, done)| !done) {
        response.add_failure(id);
    }
    response
}

/// Sweeps once. A sweep that fails is logged and told as one that did nothing: the next one is a minute away.
pub async fn sweep(app: Arc<App>, _event: ScheduledEvent) -> Swept {
    forget(&app).await;
    let swept = swept(&app).await;
    // In Lambda nobody else looks each minute.
    crate::measure(&app).await;
    swept
}

async fn swept(app: &App) -> Swept {
    match app.engine.sweep().await {
        Ok(SweepReport { requeued, failed, deleted, next_lease_expiry }) => {
            if requeued + failed + deleted > 0 {
                tracing::info!(requeued, failed, deleted, "swept");
            }
            Swept { requeued, failed, deleted, next_lease_expiry }
        }
        Err(error) => {
            tracing::error!(%error, "the sweep failed");
            Swept::default()
        }
    }
}

/// Deletes audit records past their retention. What one sweep doesn't get to, the next does.
async fn forget(app: &App) {
    let before = app.ports.clock.now() - app.settings.audit_retention;
    for _ in 0..ROUNDS {
        match app.audit.log().delete_before(before, RECORDS_AT_ONCE).await {
            Ok(deleted) if deleted < u64::from(RECORDS_AT_ONCE) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "old audit records were not deleted");
                return;
            }
        }
    }
}

/// Whether the message needn't come again.
async fn done(app: &App, message: SqsMessage) -> bool {
    let Some(delivery) = delivery(&message, app.ports.clock.now()) else { return put_away(app, &message).await };
    let (queue, outcome) = (delivery.work.queue().as_str(), app.engine.work(&delivery).await);
    let label = match &outcome {
        Ok(WorkOutcome::Done) => "done",
        Ok(WorkOutcome::Retry { .. }) => "retry",
        Ok(WorkOutcome::Park { reason }) => {
            tracing::warn!(work = delivery.work.key(), reason, "work was given up");
            "park"
        }
        Err(error) => {
            tracing::error!(work = delivery.work.key(), %error, "work failed");
            "error"
        }
    };
    counter!(metric::WORK, "queue" => queue, "outcome" => label).increment(1);
    matches!(outcome, Ok(WorkOutcome::Done | WorkOutcome::Park { .. }))
}

/// Where someone will look, if no version of this function can read it. Whether it needn't come again.
async fn put_away(app: &App, message: &SqsMessage) -> bool {
    let queue = message.event_source_arn.as_deref().and_then(|arn| arn.rsplit(':').next()).unwrap_or_default();
    tracing::error!(queue, "a message of the queue is no work");
    let (receipt, body) = (message.receipt_handle.as_deref().unwrap_or_default(), message.body.as_deref().unwrap_or_default());
    app.ports.queue.put_away(queue, receipt, body, attempt(message)).await.unwrap_or_else(|error| {
        tracing::error!(queue, %error, "a message can't be put away; it comes again");
        false
    })
}

fn delivery(message: &SqsMessage, now: DateTime<Utc>) -> Option<Delivery> {
    let work: Work = serde_json::from_str(message.body.as_deref()?).ok()?;
    Some(Delivery {
        receipt: message.receipt_handle.clone().unwrap_or_default(),
        work,
        attempt: attempt(message),
        queued_at: attribute(message, "SentTimestamp").and_then(DateTime::from_timestamp_millis).unwrap_or(now),
    })
}

/// How often it was handed out, from 1.
fn attempt(message: &SqsMessage) -> u32 {
    attribute(message, "ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok()).unwrap_or(1)
}

fn attribute(message: &SqsMessage, name: &str) -> Option<i64> {
    message.attributes.get(name).and_then(|text| text.parse().ok())
}
