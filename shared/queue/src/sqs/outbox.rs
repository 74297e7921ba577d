//! The way from the job rows to the queue: rows are taken, sent, and then gone.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use chrono::{DateTime, TimeDelta, Utc};
use engine::ports::{QueueName, StoreError, Work};
use store::TakenJob;
use tokio::time::timeout;

use super::{MESSAGES_AT_ONCE, Queue, SqsWorkQueue, store_error};

/// A row is hidden for so long while it is sent: then whoever took it is dead, and another carries it.
const CARRIED_WITHIN: TimeDelta = TimeDelta::seconds(30);
/// A request that committed work waits no longer than this for SQS to take it.
const SENT_WITHIN: Duration = Duration::from_secs(5);
/// Rows that a sweep takes at once.
const ROWS_AT_ONCE: u32 = 100;
/// So many times in one sweep, so that it ends.
const ROUNDS: u32 = 100;

/// What became of one message.
enum Sent {
    Yes,
    /// Worth another try.
    NotYet(StoreError),
    /// SQS will never take it.
    Never(String),
}

impl SqsWorkQueue {
    /// When a row that is taken now comes back by itself.
    pub(super) fn carried_until(&self) -> DateTime<Utc> {
        self.clock.now() + CARRIED_WITHIN
    }

    /// Sends what a crash or a failure left in the outbox.
    pub(super) async fn carry_what_is_due(&self) -> Result<(), StoreError> {
        for queue in [QueueName::RunTask, QueueName::DeliverPush] {
            for _ in 0..ROUNDS {
                let taken = self.rows.take(queue, ROWS_AT_ONCE, self.clock.now(), self.carried_until()).await?;
                if taken.is_empty() {
                    break;
                }
                // What was queued again meanwhile is due already: the next round takes it.
                self.carry(taken).await?;
            }
        }
        Ok(())
    }

    /// Sends taken rows and ends those that were sent; the others wait again. Gives what was queued again meanwhile.
    ///
    /// # Errors
    /// The first that kept a row from being sent, when all were tried or put back.
    pub(super) async fn carry(&self, taken: Vec<TakenJob>) -> Result<Vec<Work>, StoreError> {
        let (mut again, mut failure) = (Vec::new(), None);
        let (run_task, deliver_push): (Vec<_>, Vec<_>) = taken.into_iter().partition(|job| job.work.queue() == QueueName::RunTask);
        for jobs in [run_task, deliver_push] {
            for batch in jobs.chunks(MESSAGES_AT_ONCE as usize) {
                // With one failure SQS is most likely away: what follows is put back without waiting for it each time.
                let outcomes = match &failure {
                    None => self.send(self.carrier(&batch[0].work), batch).await,
                    Some(_) => batch.iter().map(|_| Sent::NotYet(away("not tried"))).collect(),
                };
                for (job, outcome) in batch.iter().zip(outcomes) {
                    match outcome {
                        Sent::Yes => {
                            if self.rows.finish(&job.work, job.delivery, self.clock.now()).await? {
                                again.push(job.work.clone());
                            }
                        }
                        Sent::NotYet(error) => {
                            let now = self.clock.now();
                            self.rows.retry(&job.work, job.delivery, now, now).await?;
                            failure.get_or_insert(error);
                        }
                        Sent::Never(reason) => {
                            tracing::error!(work = job.work.key(), reason, "the queue will never take this work");
                            self.rows.park(&job.work, job.delivery, self.clock.now(), &reason).await?;
                        }
                    }
                }
            }
        }
        failure.map_or(Ok(again), Err)
    }

    /// Sends a batch; says for each what became of it.
    async fn send(&self, queue: &Queue, batch: &[TakenJob]) -> Vec<Sent> {
        let mut request = self.client().await.send_message_batch().queue_url(&queue.url);
        let mut outcomes: Vec<Sent> = Vec::new();
        for (index, job) in batch.iter().enumerate() {
            let entry = body(&job.work).map(|body| SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body).build());
            match entry {
                Ok(Ok(entry)) => {
                    request = request.entries(entry);
                    outcomes.push(Sent::Yes);
                }
                Ok(Err(error)) => outcomes.push(Sent::Never(error.to_string())),
                Err(error) => outcomes.push(Sent::Never(error.to_string())),
            }
        }
        let answer = match timeout(SENT_WITHIN, request.send()).await {
            Ok(answer) => answer.map_err(|error| store_error(&queue.url, error)),
            Err(_) => Err(away(&format!("the queue `{}` took nothing within {SENT_WITHIN:?}", queue.url))),
        };
        match answer {
            Ok(answer) => {
                for failed in answer.failed {
                    let place = failed.id.parse::<usize>().ok().and_then(|index| outcomes.get_mut(index));
                    let reason = format!("{}: {}", failed.code, failed.message.unwrap_or_default());
                    if let Some(outcome) = place {
                        *outcome = if failed.sender_fault { Sent::Never(reason) } else { Sent::NotYet(away(&reason)) };
                    }
                }
                outcomes
            }
            Err(error) => {
                let reason = error.to_string();
                std::iter::once(Sent::NotYet(error)).chain((1..batch.len()).map(|_| Sent::NotYet(away(&reason)))).collect()
            }
        }
    }
}

/// A message's body: which work there is.
pub(super) fn body(work: &Work) -> Result<String, StoreError> {
    serde_json::to_string(work).map_err(|error| StoreError::Failed(error.into()))
}

fn away(reason: &str) -> StoreError {
    StoreError::Unavailable(reason.into())
}
