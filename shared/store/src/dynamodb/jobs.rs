//! Rows of background work: put in by commits, handed out by the queue or carried on by it.
//!
//! A job that is `hidden_until` a time is in a worker's hands; it was `handed` out at that generation. The index finds jobs by when they are
//! due and brings all that handing out takes; the table's own conditions decide.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{Change, QueueName, ReadyPost, StoreError, Work};
use futures::future::try_join_all;

use super::{
    DynamoDbDatabase,
    attributes::{Attributes, from_json, number, text, to_json},
    database::Query,
    keys::{self, Item},
    read::key_of,
    transaction::{Transacted, Write},
};
use crate::{
    JobRows, TakenJob,
    values::{milliseconds, time},
};

/// Jobs that one transaction queues beside all else that it writes.
const MOST_JOBS: usize = 20;
/// Jobs that one transaction queues by itself.
const UNPACKED_AT_ONCE: usize = 50;

const IS_THIS_DELIVERY: &str = "#delivery = :this AND attribute_exists(#hidden_until)";
const AS_HANDED_OUT: &str = "#delivery = :this AND attribute_exists(#hidden_until) AND #handed = #generation";
const QUEUED_ANEW: &str = "#delivery = :this AND attribute_exists(#hidden_until) AND #handed <> #generation";

/// Queues work. Work that is queued already becomes due now, with its attempts counted anew, unless it [`Work::keeps_its_pause`]; work that
/// is in progress comes once more when it is done.
fn enqueue(work: &Work, now_milliseconds: i64) -> Result<Write, StoreError> {
    let now = number(now_milliseconds);
    // For work in progress that is too soon: whoever finds it puts that right.
    let due = if work.keeps_its_pause() { "if_not_exists(#due, :due)" } else { ":due" };
    Ok(Write::update(keys::job(work))
        .set("work", text(to_json(work)?))
        .set("queue", text(keys::due(work.queue().as_str(), task_of(work))))
        .set_to("due", due, now.clone())
        .set_to("queued_at", "if_not_exists(#queued_at, :queued_at)", now)
        .add("generation", number(1)))
}

/// Queues all the work of one commit. What is more than a transaction takes is one item, which becomes jobs when a worker finds it.
pub(super) fn enqueue_all(change: &Change, version: u64) -> Result<Vec<Write>, StoreError> {
    let now = milliseconds(change.now);
    let mut queued = HashSet::new();
    let work: Vec<&Work> = change.work.iter().filter(|work| queued.insert(work.key())).collect();
    let (single, together): (Vec<&Work>, Vec<&Work>) =
        if work.len() <= MOST_JOBS { (work, Vec::new()) } else { work.into_iter().partition(|work| work.queue() != QueueName::DeliverPush) };
    let mut writes = single.into_iter().map(|work| enqueue(work, now)).collect::<Result<Vec<_>, _>>()?;
    if !together.is_empty() {
        let mut item = keys::bundle(&change.task_id, version);
        item.insert("bundle".to_owned(), text(to_json(&together)?));
        item.insert("queue".to_owned(), text(keys::due(QueueName::DeliverPush.as_str(), &change.task_id)));
        item.insert("due".to_owned(), number(now));
        writes.push(Write::put(item));
    }
    Ok(writes)
}

fn task_of(work: &Work) -> &str {
    match work {
        Work::RunTask { task_id } | Work::DeliverPush { task_id, .. } | Work::PostWebhook(ReadyPost { task_id, .. }) => task_id,
    }
}

#[async_trait]
impl JobRows for DynamoDbDatabase {
    async fn next_due(&self, queue: QueueName) -> Result<Option<DateTime<Utc>>, StoreError> {
        let first = keys::due_shards(queue.as_str()).map(|shard| async move {
            let query = Query { keys: "#queue = :queue", values: vec![(":queue", text(shard))], index: true, limit: Some(1), ..Query::default() };
            self.query(query).await
        });
        let due = try_join_all(first).await?.into_iter().flatten().map(|job| job.number("due")).collect::<Result<Vec<i64>, _>>()?;
        Ok(due.into_iter().min().map(time))
    }

    async fn take(&self, queue: QueueName, max: u32, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<TakenJob>, StoreError> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let mut jobs = self.due(queue, max, now).await?;
        let bundles: Vec<Item> = jobs.iter().filter(|job| !job.contains_key("work")).cloned().collect();
        if !bundles.is_empty() {
            try_join_all(bundles.into_iter().map(|bundle| self.unpack(bundle))).await?;
            jobs = self.due(queue, max, now).await?;
        }
        let taken = jobs.into_iter().filter(|job| job.contains_key("work")).map(|job| async move {
            if job.number_if_any("hidden_until").is_some_and(|until: i64| until > milliseconds(now)) {
                return self.hide_again(job).await.map(|()| None);
            }
            self.take_job(job, until).await
        });
        Ok(try_join_all(taken).await?.into_iter().flatten().collect())
    }

    async fn take_these(&self, work: &[Work], until: DateTime<Utc>) -> Result<Vec<TakenJob>, StoreError> {
        let mut named = HashSet::new();
        let work: Vec<&Work> = work.iter().filter(|work| named.insert(work.key())).collect();
        if work.len() > MOST_JOBS {
            let tasks: HashSet<&str> = work.iter().map(|work| task_of(work)).collect();
            try_join_all(tasks.into_iter().map(|task_id| self.unpack_all_of(task_id))).await?;
        }
        let waiting = self.get_all(work.into_iter().map(keys::job).collect()).await?.into_iter().filter(|job| !job.contains_key("hidden_until"));
        Ok(try_join_all(waiting.map(|job| self.take_job(job, until))).await?.into_iter().flatten().collect())
    }

    async fn extend(&self, work: &Work, delivery: u64, until: DateTime<Utc>) -> Result<(), StoreError> {
        let until = number(milliseconds(until));
        let job = Write::update(keys::job(work)).set("hidden_until", until.clone()).set("due", until);
        self.write(job.when(IS_THIS_DELIVERY, [(":this", number(delivery))])).await.map(drop)
    }

    async fn finish(&self, work: &Work, delivery: u64, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done = self.write(Write::delete(keys::job(work)).when(AS_HANDED_OUT, [(":this", number(delivery))])).await?;
        Ok(!done && self.write(begin_anew(work, delivery, now)).await?)
    }

    async fn retry(&self, work: &Work, delivery: u64, now: DateTime<Utc>, due: DateTime<Utc>) -> Result<(), StoreError> {
        let condition = if work.keeps_its_pause() { IS_THIS_DELIVERY } else { AS_HANDED_OUT };
        let later = Write::update(keys::job(work)).remove("hidden_until").set("due", number(milliseconds(due)));
        if !self.write(later.when(condition, [(":this", number(delivery))])).await? {
            self.write(begin_anew(work, delivery, now)).await?;
        }
        Ok(())
    }

    async fn park(&self, work: &Work, delivery: u64, now: DateTime<Utc>, reason: &str) -> Result<(), StoreError> {
        let place = format!("{}/{}", keys::sortable(milliseconds(now)), uuid::Uuid::now_v7().simple());
        let mut letter = keys::key(keys::dead_letters(work.queue()), place);
        letter.insert("work".to_owned(), text(to_json(work)?));
        letter.insert("reason".to_owned(), text(reason));
        let gone = Write::delete(keys::job(work)).when(AS_HANDED_OUT, [(":this", number(delivery))]);
        for end in [gone, begin_anew(work, delivery, now)] {
            if self.transact(vec![Write::put(letter.clone()), end]).await? == Transacted::Done {
                break;
            }
        }
        Ok(())
    }

    async fn depth(&self, queue: QueueName) -> Result<u64, StoreError> {
        let shards = keys::due_shards(queue.as_str())
            .map(|shard| self.count(Query { keys: "#queue = :queue", values: vec![(":queue", text(shard))], index: true, ..Query::default() }));
        Ok(try_join_all(shards).await?.into_iter().sum())
    }

    async fn dead_letters(&self, queue: QueueName, limit: u32) -> Result<Vec<(Work, String)>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let values = vec![(":pk", text(keys::dead_letters(queue)))];
        let letters = self.query(Query { keys: "#pk = :pk", values, backwards: true, limit: Some(limit), ..Query::default() }).await?;
        letters.iter().map(|letter| Ok((from_json(letter.text("work")?)?, letter.text("reason")?.to_owned()))).collect()
    }
}

/// Due at once, as if it had just been queued.
fn begin_anew(work: &Work, delivery: u64, now: DateTime<Utc>) -> Write {
    let now = number(milliseconds(now));
    Write::update(keys::job(work))
        .remove("hidden_until")
        .set("attempts", number(0))
        .set("due", now.clone())
        .set("queued_at", now)
        .when(QUEUED_ANEW, [(":this", number(delivery))])
}

impl DynamoDbDatabase {
    /// At most `max` of what the index has as due, the longest due first.
    async fn due(&self, queue: QueueName, max: usize, now: DateTime<Utc>) -> Result<Vec<Item>, StoreError> {
        let due = keys::due_shards(queue.as_str()).map(|shard| async move {
            let values = vec![(":queue", text(shard)), (":now", number(milliseconds(now)))];
            self.query(Query { keys: "#queue = :queue AND #due <= :now", values, index: true, limit: Some(max), ..Query::default() }).await
        });
        let mut jobs: Vec<Item> = try_join_all(due).await?.into_iter().flatten().collect();
        jobs.sort_by_key(|job| job.number_if_any::<i64>("due"));
        jobs.truncate(max);
        Ok(jobs)
    }

    /// Takes a job as it was seen; `None` if it isn't so any more.
    async fn take_job(&self, job: Item, until: DateTime<Utc>) -> Result<Option<TakenJob>, StoreError> {
        let work: Work = from_json(job.text("work")?)?;
        let generation: u64 = job.number("generation")?;
        let delivery: u64 = job.number_if_any("delivery").unwrap_or(0);
        let attempts: u32 = job.number_if_any("attempts").unwrap_or(0);
        let queued_again = job.number_if_any("handed") != Some(generation);
        // Work that was queued again while it waited, or while its worker died, begins anew.
        let attempt = if queued_again && (job.contains_key("hidden_until") || !work.keeps_its_pause()) { 1 } else { attempts + 1 };
        let queued_at = time(job.number("queued_at")?);
        let until = number(milliseconds(until));
        let take = Write::update(key_of(job))
            .set("handed", number(generation))
            .set("delivery", number(delivery + 1))
            .set("attempts", number(attempt))
            .set("hidden_until", until.clone())
            .set("due", until);
        let seen = [(":seen", number(generation)), (":delivered", number(delivery))];
        let as_seen = if delivery == 0 {
            take.when("#generation = :seen AND attribute_not_exists(#delivery)", [(":seen", number(generation))])
        } else {
            take.when("#generation = :seen AND #delivery = :delivered", seen)
        };
        let taken = self.write(as_seen).await?;
        Ok(taken.then_some(TakenJob { work, delivery: delivery + 1, attempt, queued_at }))
    }

    /// Makes jobs of a commit's work that was one item. Done twice it queues the work twice, which is the same piece.
    async fn unpack(&self, found: Item) -> Result<(), StoreError> {
        let key = key_of(found);
        let Some(bundle) = self.get(key.clone()).await? else { return Ok(()) };
        let work: Vec<Work> = from_json(bundle.text("bundle")?)?;
        let due: i64 = bundle.number("due")?;
        for some in work.chunks(UNPACKED_AT_ONCE) {
            self.transact(some.iter().map(|work| enqueue(work, due)).collect::<Result<_, _>>()?).await?;
        }
        self.write(Write::delete(key)).await.map(drop)
    }

    async fn unpack_all_of(&self, task_id: &str) -> Result<(), StoreError> {
        let values = vec![(":pk", text(keys::task(task_id))), (":prefix", text("job/bundle/"))];
        let bundles =
            self.query(Query { keys: "#pk = :pk AND begins_with(#sk, :prefix)", values, only: Some("#pk, #sk"), ..Query::default() }).await?;
        try_join_all(bundles.into_iter().map(|bundle| self.unpack(bundle))).await.map(drop)
    }

    /// Hides a job in progress again that was queued anew meanwhile.
    async fn hide_again(&self, job: Item) -> Result<(), StoreError> {
        let delivery: u64 = job.number("delivery")?;
        let until: i64 = job.number("hidden_until")?;
        let hide = Write::update(key_of(job)).set("due", number(until));
        let condition = "#delivery = :this AND #hidden_until = :due";
        self.write(hide.when(condition, [(":this", number(delivery))])).await.map(drop)
    }
}
