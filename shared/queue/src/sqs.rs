//! SQS: committed work is carried from the job rows, its outbox, to a queue that wakes functions.
//!
//! - A crash between the commit and the send loses nothing: the row waits, and [`WorkQueue::recover`] carries it. A crash between the send
//!   and the end of the row sends twice, which changes nothing.
//! - Standard queues do: messages may come twice and in any order. A task's lease and version let one runner in at a time, and a webhook is
//!   told in the order of its cursor, whatever message wakes the worker. A FIFO queue would add its price and limits to that, and nothing else.
//! - A message says which work there is, never what was to be done when it was sent: a late one finds nothing left to do.

mod dead_letters;
mod outbox;
mod posts;

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::{
    Client, Config,
    config::timeout::TimeoutConfig,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    types::{Message, MessageSystemAttributeName, QueueAttributeName},
};
use chrono::{DateTime, Utc};
use engine::ports::{Clock, Delivery, HandedOver, QueueName, ReadyPost, StoreError, Work, WorkQueue};
use futures::future::BoxFuture;
use store::JobRows;
use tokio::{sync::OnceCell, time::Instant};

/// SQS keeps a message hidden for 12 hours at most, counted from when it was received; one hour of them is for the work itself.
const LONGEST_HIDDEN: Duration = Duration::from_secs(11 * 3600);
/// SQS waits for so long at most.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// SQS takes and gives so many messages at once at most.
const MESSAGES_AT_ONCE: u32 = 10;
/// A message that can't be read comes so often, in case that a deployment is under way and another version of the function can read it.
const UNREAD_RECEIPTS: u32 = 3;
/// So long after each time: longer than two versions take turns.
const UNREAD_PAUSE: Duration = Duration::from_secs(20 * 60);
/// What SQS doesn't answer in this time is asked again or given up: longer than it waits for messages.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// Hands out the messages of SQS queues, and carries committed work to them.
pub struct SqsWorkQueue {
    config: Box<dyn Fn() -> BoxFuture<'static, SdkConfig> + Send + Sync>,
    /// Made when it is first needed: most functions never queue anything.
    client: OnceCell<Client>,
    run_task: Queue,
    /// `None` where the other queue carries both.
    deliver_push: Option<Queue>,
    rows: Arc<dyn JobRows>,
    clock: Arc<dyn Clock>,
}

struct Queue {
    url: String,
    /// Looked up when first needed; `None` where the queue has none.
    dead_letters: OnceCell<Option<String>>,
}

impl Queue {
    fn new(url: String) -> Self {
        Queue { url, dead_letters: OnceCell::new() }
    }

    /// SQS says so in the name.
    fn is_fifo(&self) -> bool {
        self.url.ends_with(".fifo")
    }
}

impl SqsWorkQueue {
    /// Over the queues at these URLs, with credentials, region and HTTP client as `config` says, which is asked once at most. Without a queue of
    /// their own, webhooks travel in the first; then [`QueueName::RunTask`] stands for both kinds of work, and nothing comes of
    /// [`QueueName::DeliverPush`]. Where their own is a FIFO queue, it takes the posts that are ready, for a worker that reaches nothing but the
    /// webhooks; what is to be made ready travels in the first.
    pub fn new<F>(
        config: impl Fn() -> F + Send + Sync + 'static,
        run_task: String,
        deliver_push: Option<String>,
        rows: Arc<dyn JobRows>,
        clock: Arc<dyn Clock>,
    ) -> Self
    where
        F: Future<Output = SdkConfig> + Send + 'static,
    {
        let config = Box::new(move || -> BoxFuture<'static, SdkConfig> { Box::pin(config()) });
        let (run_task, deliver_push) = (Queue::new(run_task), deliver_push.map(Queue::new));
        SqsWorkQueue { config, client: OnceCell::new(), run_task, deliver_push, rows, clock }
    }

    async fn client(&self) -> &Client {
        let make = async || {
            let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ANSWERED_WITHIN).build();
            Client::from_conf(Config::new(&(self.config)().await).to_builder().timeout_config(timeouts).build())
        };
        self.client.get_or_init(make).await
    }

    /// Where work travels.
    fn carrier(&self, work: &Work) -> &Queue {
        match (work, &self.deliver_push) {
            (Work::PostWebhook(_), Some(queue)) => queue,
            (Work::DeliverPush { .. }, Some(queue)) if !queue.is_fifo() => queue,
            _ => &self.run_task,
        }
    }

    /// The queue of that name, if it isn't the other one too.
    fn own(&self, name: QueueName) -> Option<&Queue> {
        match name {
            QueueName::RunTask => Some(&self.run_task),
            QueueName::DeliverPush => self.deliver_push.as_ref(),
        }
    }

    /// One look at a queue, which waits for the first message. Messages that are no work are put away.
    async fn look(&self, queue: &Queue, max: u32, visibility: Duration, wait: Duration) -> Result<Vec<Delivery>, StoreError> {
        let received = self
            .client()
            .await
            .receive_message()
            .queue_url(&queue.url)
            .max_number_of_messages(max.clamp(1, MESSAGES_AT_ONCE) as i32)
            .visibility_timeout(whole_seconds(visibility.min(LONGEST_HIDDEN)))
            .wait_time_seconds(whole_seconds(wait.min(LONGEST_WAIT)))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .send()
            .await
            .map_err(|error| store_error(&queue.url, error))?;
        let mut deliveries = Vec::new();
        for message in received.messages.unwrap_or_default() {
            match delivery(&message, self.clock.now()) {
                Some(delivery) => deliveries.push(delivery),
                None => drop(self.bury_unread(queue, message.receipt_handle().unwrap_or_default(), message.body().unwrap_or_default()).await?),
            }
        }
        Ok(deliveries)
    }

    /// Hides a message from now on; what is gone or out again by another receipt is left as it is.
    async fn hide(&self, queue: &Queue, receipt: &str, time: Duration) -> Result<(), StoreError> {
        let seconds = whole_seconds(time.min(LONGEST_HIDDEN));
        let change = self.client().await.change_message_visibility().queue_url(&queue.url).receipt_handle(receipt).visibility_timeout(seconds);
        unless_gone(&queue.url, change.send().await)
    }

    async fn delete(&self, queue: &Queue, receipt: &str) -> Result<(), StoreError> {
        let delete = self.client().await.delete_message().queue_url(&queue.url).receipt_handle(receipt);
        unless_gone(&queue.url, delete.send().await)
    }

    async fn attributes(&self, queue: &Queue, names: &[QueueAttributeName]) -> Result<HashMap<QueueAttributeName, String>, StoreError> {
        let asked = self.client().await.get_queue_attributes().queue_url(&queue.url).set_attribute_names(Some(names.to_vec()));
        Ok(asked.send().await.map_err(|error| store_error(&queue.url, error))?.attributes.unwrap_or_default())
    }
}

#[async_trait]
impl WorkQueue for SqsWorkQueue {
    async fn announce(&self, work: &[Work]) -> Result<(), StoreError> {
        let mut work = work.to_vec();
        while !work.is_empty() {
            let taken = self.rows.take_these(&work, self.carried_until()).await?;
            // What was queued again while it was on its way has nobody else to carry it: whoever committed it found the row taken.
            work = self.carry(taken).await?;
        }
        Ok(())
    }

    /// Parts of a second count as whole ones; at most 10 pieces come at once.
    async fn receive(&self, queue: QueueName, max: u32, visibility: Duration, wait: Duration) -> Result<Vec<Delivery>, StoreError> {
        let Some(queue) = self.own(queue) else {
            tokio::time::sleep(wait).await;
            return Ok(Vec::new());
        };
        let give_up = Instant::now() + wait;
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            let deliveries = self.look(queue, max, visibility, left).await?;
            if !deliveries.is_empty() || Instant::now() >= give_up {
                return Ok(deliveries);
            }
        }
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<(), StoreError> {
        self.hide(self.carrier(&delivery.work), &delivery.receipt, visibility).await
    }

    async fn complete(&self, delivery: &Delivery) -> Result<(), StoreError> {
        self.delete(self.carrier(&delivery.work), &delivery.receipt).await
    }

    /// After 12 hours at most.
    async fn retry(&self, delivery: &Delivery, delay: Duration) -> Result<(), StoreError> {
        self.hide(self.carrier(&delivery.work), &delivery.receipt, delay).await
    }

    async fn park(&self, delivery: &Delivery, reason: &str) -> Result<(), StoreError> {
        let body = outbox::body(&delivery.work)?;
        self.bury(self.carrier(&delivery.work), &delivery.receipt, body, reason).await.map(drop)
    }

    async fn put_away(&self, queue: &str, receipt: &str, body: &str, attempt: u32) -> Result<bool, StoreError> {
        let named = |known: &&Queue| known.url.rsplit('/').next() == Some(queue);
        let Some(queue) = [Some(&self.run_task), self.deliver_push.as_ref()].into_iter().flatten().find(named) else { return Ok(false) };
        if attempt < UNREAD_RECEIPTS {
            return self.hide(queue, receipt, UNREAD_PAUSE).await.map(|()| false);
        }
        self.bury_unread(queue, receipt, body).await
    }

    async fn hand_over(&self, post: &ReadyPost) -> Result<HandedOver, StoreError> {
        match &self.deliver_push {
            Some(queue) if queue.is_fifo() => self.send_post(queue, post).await,
            _ => Ok(HandedOver::No),
        }
    }

    async fn recover(&self) -> Result<(), StoreError> {
        self.carry_what_is_due().await
    }

    /// Messages and, beside them, what still waits in the outbox. Where one queue carries both kinds, its messages count as tasks to run.
    async fn depth(&self, name: QueueName) -> Result<u64, StoreError> {
        let waiting = self.rows.depth(name).await?;
        let Some(queue) = self.own(name) else { return Ok(waiting) };
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let attributes = self.attributes(queue, &counts).await?;
        Ok(waiting + attributes.values().filter_map(|count| count.parse::<u64>().ok()).sum::<u64>())
    }
}

/// Throttling, timeouts and what never got through may pass; a queue that isn't there or not ours won't.
fn store_error<E>(url: &str, error: SdkError<E>) -> StoreError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let refused = match &error {
        SdkError::ServiceError(refusal) => refusal.raw().status().is_client_error() && !refusal.err().code().is_some_and(is_throttling),
        SdkError::ConstructionFailure(_) => true,
        _ => false,
    };
    let cause = format!("the queue `{url}`: {}", DisplayErrorContext(&error)).into();
    if refused { StoreError::Failed(cause) } else { StoreError::Unavailable(cause) }
}

fn is_throttling(code: &str) -> bool {
    code.contains("Throttl") || code.contains("OverLimit")
}

/// A receipt of a message that was deleted, or that has been handed out again since, is worth nothing: that is no failure.
fn unless_gone<T, E>(url: &str, outcome: Result<T, SdkError<E>>) -> Result<(), StoreError>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let gone = |code: &str| ["MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidParameterValue"].iter().any(|known| code.contains(known));
    match outcome {
        Err(error) if error.code().is_some_and(gone) => Ok(()),
        outcome => outcome.map(drop).map_err(|error| store_error(url, error)),
    }
}

/// `None` for what is no work.
fn delivery(message: &Message, now: DateTime<Utc>) -> Option<Delivery> {
    let attribute = |name: MessageSystemAttributeName| message.attributes.as_ref()?.get(&name)?.parse::<i64>().ok();
    Some(Delivery {
        receipt: message.receipt_handle.clone()?,
        work: serde_json::from_str(message.body.as_deref()?).ok()?,
        attempt: attribute(MessageSystemAttributeName::ApproximateReceiveCount).and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
        queued_at: attribute(MessageSystemAttributeName::SentTimestamp).and_then(DateTime::from_timestamp_millis).unwrap_or(now),
    })
}

/// SQS counts in whole seconds; a part of one counts as one, so that nothing comes too early.
fn whole_seconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}
