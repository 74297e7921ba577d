//! The queue in the database: the outbox's rows are the queue, so committing work is all it takes to queue it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use engine::ports::{Clock, Delivery, QueueName, StoreError, Work, WorkQueue};
use parking_lot::Mutex;
use store::JobRows;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// How often a waiting worker looks by itself: work that another process commits isn't announced here, and is seen to there.
const POLL: Duration = Duration::from_secs(5);

/// Hands out the job rows of a database, the longest due first.
#[derive(Clone)]
pub struct RowsWorkQueue {
    rows: Arc<dyn JobRows>,
    clock: Arc<dyn Clock>,
    workers: Arc<Workers>,
}

/// Who waits for which work.
#[derive(Default)]
struct Workers {
    run_task: Waiting,
    deliver_push: Waiting,
}

#[derive(Default)]
struct Waiting {
    wake: Notify,
    /// Before that nothing is due, as far as is known here: looking would only cost the database.
    quiet_until: Mutex<Option<Instant>>,
}

impl Workers {
    fn of(&self, queue: QueueName) -> &Waiting {
        match queue {
            QueueName::RunTask => &self.run_task,
            QueueName::DeliverPush => &self.deliver_push,
        }
    }
}

impl Waiting {
    /// One who waits looks now.
    fn rouse(&self) {
        *self.quiet_until.lock() = None;
        self.wake.notify_one();
    }

    /// Waits until there may be something, or until `give_up`.
    async fn wait(&self, give_up: Instant) {
        let quiet_until = *self.quiet_until.lock();
        if let Some(quiet_until) = quiet_until
            && timeout_at(quiet_until.min(give_up), self.wake.notified()).await.is_ok()
        {
            *self.quiet_until.lock() = None;
        }
    }
}

impl RowsWorkQueue {
    /// Over the rows that the task store commits.
    pub fn new(rows: Arc<dyn JobRows>, clock: Arc<dyn Clock>) -> Self {
        RowsWorkQueue { rows, clock, workers: Arc::default() }
    }

    async fn take(&self, queue: QueueName, max: u32, visibility: Duration) -> Result<Vec<Delivery>, StoreError> {
        let now = self.clock.now();
        let until = after(now, visibility);
        let taken = self.rows.take(queue, max, now, until).await?;
        let delivery =
            |job: store::TakenJob| Delivery { receipt: job.delivery.to_string(), work: job.work, attempt: job.attempt, queued_at: job.queued_at };
        Ok(taken.into_iter().map(delivery).collect())
    }
}

#[async_trait]
impl WorkQueue for RowsWorkQueue {
    async fn announce(&self, work: &[Work]) -> Result<(), StoreError> {
        for work in work {
            self.workers.of(work.queue()).rouse();
        }
        Ok(())
    }

    fn look(&self) {
        self.workers.run_task.rouse();
        self.workers.deliver_push.rouse();
    }

    async fn receive(&self, queue: QueueName, max: u32, visibility: Duration, wait: Duration) -> Result<Vec<Delivery>, StoreError> {
        let waiting = self.workers.of(queue);
        let give_up = Instant::now() + wait;
        loop {
            if !wait.is_zero() {
                waiting.wait(give_up).await;
                if Instant::now() >= give_up {
                    return Ok(Vec::new());
                }
            }
            // Reading first: looking must not cost the writer a transaction.
            let due = self.rows.next_due(queue).await?;
            let until_due = due.map(|due| (due - self.clock.now()).to_std().unwrap_or(Duration::ZERO));
            if until_due == Some(Duration::ZERO) {
                let taken = self.take(queue, max, visibility).await?;
                if !taken.is_empty() {
                    // There may be more than one announcement's worth: who waits looks too.
                    waiting.rouse();
                    return Ok(taken);
                }
            }
            if wait.is_zero() {
                return Ok(Vec::new());
            }
            // At least a moment: another worker may have taken what was due, or the clock may stand still.
            let pause = until_due.unwrap_or(POLL).clamp(Duration::from_millis(1), POLL);
            *waiting.quiet_until.lock() = Some(Instant::now() + pause);
        }
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<(), StoreError> {
        self.rows.extend(&delivery.work, number_of(delivery)?, after(self.clock.now(), visibility)).await
    }

    async fn complete(&self, delivery: &Delivery) -> Result<(), StoreError> {
        if self.rows.finish(&delivery.work, number_of(delivery)?, self.clock.now()).await? {
            self.workers.of(delivery.work.queue()).rouse();
        }
        Ok(())
    }

    async fn retry(&self, delivery: &Delivery, delay: Duration) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.rows.retry(&delivery.work, number_of(delivery)?, now, after(now, delay)).await?;
        self.workers.of(delivery.work.queue()).rouse();
        Ok(())
    }

    async fn park(&self, delivery: &Delivery, reason: &str) -> Result<(), StoreError> {
        self.rows.park(&delivery.work, number_of(delivery)?, self.clock.now(), reason).await?;
        self.workers.of(delivery.work.queue()).rouse();
        Ok(())
    }

    async fn waiting_since(&self, queue: QueueName) -> Result<Option<DateTime<Utc>>, StoreError> {
        let now = self.clock.now();
        Ok(self.rows.next_due(queue).await?.filter(|due| *due <= now))
    }

    async fn depth(&self, queue: QueueName) -> Result<u64, StoreError> {
        self.rows.depth(queue).await
    }
}

fn number_of(delivery: &Delivery) -> Result<u64, StoreError> {
    delivery.receipt.parse().map_err(|_| StoreError::Failed(format!("`{}` is no receipt of this queue", delivery.receipt).into()))
}

fn after(now: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration).ok().and_then(|delta| now.checked_add_signed(delta)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
