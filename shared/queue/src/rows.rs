//! The queue in the database: the outbox's rows are the queue, so committing work is all it takes to queue it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use engine::ports::{Clock, Delivery, QueueName, StoreError, Work, WorkQueue};
use store::{
    SqliteDatabase,
    sqlite::{extend_job, finish_job, job_depth, next_due_job, park_job, retry_job, take_jobs},
};
use tokio::{sync::Notify, time::Instant};

/// How often a waiting worker looks by itself: work that another process commits isn't announced here.
const POLL: Duration = Duration::from_millis(500);

/// Hands out the job rows of a SQLite file, the longest due first.
#[derive(Clone)]
pub struct RowsWorkQueue {
    database: SqliteDatabase,
    clock: Arc<dyn Clock>,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes {
    run_task: Notify,
    deliver_push: Notify,
}

impl Wakes {
    fn of(&self, queue: QueueName) -> &Notify {
        match queue {
            QueueName::RunTask => &self.run_task,
            QueueName::DeliverPush => &self.deliver_push,
        }
    }
}

impl RowsWorkQueue {
    /// Over the file that the task store commits to.
    pub fn new(database: SqliteDatabase, clock: Arc<dyn Clock>) -> Self {
        RowsWorkQueue { database, clock, wakes: Arc::default() }
    }

    async fn take(&self, queue: QueueName, max: u32, visibility: Duration) -> Result<Vec<Delivery>, StoreError> {
        let now = self.clock.now();
        let until = after(now, visibility);
        let taken = self.database.write(move |connection| take_jobs(connection, queue, max, now, until)).await?;
        let delivery = |job: store::sqlite::TakenJob| Delivery {
            receipt: job.delivery.to_string(),
            work: job.work,
            attempt: job.attempt,
            queued_at: job.queued_at,
        };
        Ok(taken.into_iter().map(delivery).collect())
    }
}

#[async_trait]
impl WorkQueue for RowsWorkQueue {
    async fn announce(&self, work: &[Work]) -> Result<(), StoreError> {
        for work in work {
            self.wakes.of(work.queue()).notify_one();
        }
        Ok(())
    }

    async fn receive(&self, queue: QueueName, max: u32, visibility: Duration, wait: Duration) -> Result<Vec<Delivery>, StoreError> {
        let wake = self.wakes.of(queue);
        let give_up = Instant::now() + wait;
        loop {
            // Reading first: looking must not cost the writer a transaction.
            let due = self.database.read_here(|connection| next_due_job(connection, queue))?;
            let until_due = due.map(|due| (due - self.clock.now()).to_std().unwrap_or(Duration::ZERO));
            if until_due == Some(Duration::ZERO) {
                let taken = self.take(queue, max, visibility).await?;
                if !taken.is_empty() {
                    // There may be more than one announcement's worth: who waits looks too.
                    wake.notify_one();
                    return Ok(taken);
                }
            }
            let now = Instant::now();
            if now >= give_up {
                return Ok(Vec::new());
            }
            // At least a moment: another worker may have taken what was due, or the clock may stand still.
            let pause = until_due.unwrap_or(POLL).clamp(Duration::from_millis(1), POLL).min(give_up - now);
            let _ = tokio::time::timeout(pause, wake.notified()).await;
        }
    }

    async fn extend(&self, delivery: &Delivery, visibility: Duration) -> Result<(), StoreError> {
        let (work, number, until) = (delivery.work.clone(), number_of(delivery)?, after(self.clock.now(), visibility));
        self.database.write(move |connection| extend_job(connection, &work, number, until)).await
    }

    async fn complete(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let (work, number, now) = (delivery.work.clone(), number_of(delivery)?, self.clock.now());
        if self.database.write(move |connection| finish_job(connection, &work, number, now)).await? {
            self.wakes.of(delivery.work.queue()).notify_one();
        }
        Ok(())
    }

    async fn retry(&self, delivery: &Delivery, delay: Duration) -> Result<(), StoreError> {
        let (work, number, now) = (delivery.work.clone(), number_of(delivery)?, self.clock.now());
        let due = after(now, delay);
        self.database.write(move |connection| retry_job(connection, &work, number, now, due)).await?;
        self.wakes.of(delivery.work.queue()).notify_one();
        Ok(())
    }

    async fn park(&self, delivery: &Delivery, reason: &str) -> Result<(), StoreError> {
        let (work, number, now, reason) = (delivery.work.clone(), number_of(delivery)?, self.clock.now(), reason.to_owned());
        self.database.write(move |connection| park_job(connection, &work, number, now, &reason)).await?;
        self.wakes.of(delivery.work.queue()).notify_one();
        Ok(())
    }

    async fn depth(&self, queue: QueueName) -> Result<u64, StoreError> {
        self.database.read_here(|connection| job_depth(connection, queue))
    }
}

fn number_of(delivery: &Delivery) -> Result<u64, StoreError> {
    delivery.receipt.parse().map_err(|_| StoreError::Failed(format!("`{}` is no receipt of this queue", delivery.receipt).into()))
}

fn after(now: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration).ok().and_then(|delta| now.checked_add_signed(delta)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
