//! Remembers what bears on security: a log line for each event at once, and rows in the database soon after, without anybody waiting for them.
//!
//! What is alike becomes one row with a count while it waits, so that a flood costs rows by its variety and not by its length; what waits is
//! bounded, and so is what is written in a second. What can't wait any more is in the log alone, and counted.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use engine::ports::{AuditKind, AuditLevel, AuditLog, AuditOutcome, AuditRecord, Clock, audit_log::MOST_AT_ONCE};
use metrics::counter;
use parking_lot::{Mutex, RwLock};
use telemetry::metric;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

/// Records that wait at most; of more a process keeps the log line alone.
pub const MOST_WAITING: usize = 1_000;
/// How long what is alike becomes one row: a process writes at most [`MOST_AT_ONCE`] rows in this time.
const ALIKE_WITHIN: Duration = Duration::from_secs(1);
/// A caller that comes again from the same address is recorded once in this time by each process.
const SUCCESS_HOLDS: TimeDelta = TimeDelta::minutes(5);
/// Callers and addresses that a process tells apart for that. Where more come within that time, it forgets all of them, and records them anew.
const MOST_SUCCESSES: usize = 10_000;
/// How long one write of a batch may take.
const WRITTEN_WITHIN: Duration = Duration::from_secs(3);
/// Subjects and objects are cut to so many characters.
const MOST_CHARACTERS: usize = 200;

/// Something that happened. Its words are fixed where they aren't names that were checked: nothing of a credential or a message has a place here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AuditEvent {
    /// What it was.
    pub kind: AuditKind,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// How much it matters.
    pub level: AuditLevel,
    /// Who did it: an owner or the id of an API key; `anonymous` where that isn't known.
    pub subject: String,
    /// From where, as API Gateway saw it.
    pub address: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// The method or the place that the request was for.
    pub method: &'static str,
    /// What it was done to: the id of an API key, an address.
    pub object: Option<String>,
    /// More of it.
    pub detail: &'static str,
}

impl AuditEvent {
    /// By nobody known, outside of any request, at the level that such events mostly have.
    pub fn new(kind: AuditKind, outcome: AuditOutcome, detail: &'static str) -> Self {
        let level = match (kind, outcome) {
            (AuditKind::Block, _) => AuditLevel::High,
            (AuditKind::Threat, _) | (AuditKind::Denial, _) => AuditLevel::Medium,
            (_, AuditOutcome::Refused) => AuditLevel::Low,
            _ => AuditLevel::Info,
        };
        AuditEvent { kind, outcome, level, subject: "anonymous".to_owned(), address: None, request_id: None, method: "other", object: None, detail }
    }

    /// Whether it is the same in all but its request.
    fn is_like(&self, other: &AuditRecord) -> bool {
        (self.kind, self.outcome, self.level, self.method, self.detail) == (other.kind, other.outcome, other.level, &*other.method, &*other.detail)
            && (&self.subject, &self.address, &self.object) == (&other.subject, &other.address, &other.object)
    }
}

/// What waits to be written.
#[derive(Default)]
struct Waiting {
    records: Vec<AuditRecord>,
    /// Where in `records` the one of such a hash is.
    places: HashMap<u64, usize>,
    /// The hashes of those of `records`, in their order.
    hashes: Vec<u64>,
    /// What was written in the last second, by its hash: more of it waits until the second is over.
    written: HashMap<u64, DateTime<Utc>>,
    sequence: u32,
}

/// The audit log of a process. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    inner: Arc<Inner>,
}

struct Inner {
    log: Arc<dyn AuditLog>,
    clock: Arc<dyn Clock>,
    waiting: Mutex<Waiting>,
    /// Who was seen lately, by a hash of the caller and the address, and when it was recorded.
    seen: RwLock<HashMap<u64, DateTime<Utc>>>,
    hasher: RandomState,
    /// Tells the ids of this process from those of others.
    process: String,
    something_waits: Notify,
    /// One batch is under way at a time.
    writing: tokio::sync::Mutex<()>,
}

impl Audit {
    /// Writes to this log.
    pub fn new(log: Arc<dyn AuditLog>, clock: Arc<dyn Clock>) -> Self {
        let mut process = uuid::Uuid::new_v4().simple().to_string();
        process.truncate(16);
        Audit {
            inner: Arc::new(Inner {
                log,
                clock,
                waiting: Mutex::default(),
                seen: RwLock::default(),
                hasher: RandomState::new(),
                process,
                something_waits: Notify::new(),
                writing: tokio::sync::Mutex::new(()),
            }),
        }
    }

    /// The log itself, to be read.
    pub fn log(&self) -> &dyn AuditLog {
        &*self.inner.log
    }

    /// Remembers it: waits for nothing and never fails.
    pub fn record(&self, event: AuditEvent) {
        tracing::info!(
            target: "a2a::audit",
            r#type = event.kind.as_str(),
            outcome = event.outcome.as_str(),
            level = event.level.as_str(),
            subject = event.subject,
            address = event.address.as_deref().unwrap_or_default(),
            request_id = event.request_id.as_deref().unwrap_or_default(),
            method = event.method,
            object = event.object.as_deref().unwrap_or_default(),
            detail = event.detail,
        );
        if !self.inner.add(event) {
            counter!(metric::AUDIT_DROPPED).increment(1);
        }
        self.inner.something_waits.notify_one();
    }

    /// Whether somebody whose credentials held is to be recorded: once in five minutes from the same address, because in each request's own line
    /// of the log their name stands anyway.
    pub(crate) fn is_news(&self, subject: &str, address: Option<&str>, now: DateTime<Utc>) -> bool {
        let is_recent = |recorded: &DateTime<Utc>| now - *recorded < SUCCESS_HOLDS;
        let who = self.inner.hasher.hash_one((subject, address));
        if self.inner.seen.read().get(&who).is_some_and(is_recent) {
            return false;
        }
        let seen = &mut *self.inner.seen.write();
        if seen.len() >= MOST_SUCCESSES {
            seen.retain(|_, recorded| is_recent(recorded));
        }
        if seen.len() >= MOST_SUCCESSES {
            seen.clear();
        }
        // Of several requests that come at once, one is told.
        seen.insert(who, now).is_none_or(|recorded| !is_recent(&recorded))
    }

    /// Writes what waits, one batch of it. Nobody is told of a failure but the log: the batch waits for the next time.
    pub async fn write(&self) {
        if self.inner.is_anything_waiting() {
            self.inner.write(true).await;
        }
    }

    /// Writes all that waits, unless the database is away.
    pub async fn drain(&self) {
        while self.inner.write(false).await {}
    }

    /// Writes a batch each second for as long as something waits: for who outlives the answer.
    pub async fn keep_writing(self) {
        loop {
            self.inner.something_waits.notified().await;
            while self.inner.is_anything_waiting() {
                self.write().await;
                sleep(ALIKE_WITHIN).await;
            }
        }
    }
}

impl Inner {
    /// Whether there was room for it.
    fn add(&self, mut event: AuditEvent) -> bool {
        for name in [Some(&mut event.subject), event.object.as_mut(), event.address.as_mut(), event.request_id.as_mut()].into_iter().flatten() {
            cut(name);
        }
        let request_id = event.request_id.take();
        let hash = self.hasher.hash_one(&event);
        let now = self.clock.now();
        let waiting = &mut *self.waiting.lock();
        if let Some(alike) = waiting.places.get(&hash).and_then(|place| waiting.records.get_mut(*place)).filter(|record| event.is_like(record)) {
            alike.count = alike.count.saturating_add(1);
            return true;
        }
        if waiting.records.len() >= MOST_WAITING {
            return false;
        }
        waiting.sequence = waiting.sequence.wrapping_add(1);
        let id = format!("{:08x}{}", waiting.sequence, self.process);
        let AuditEvent { kind, outcome, level, subject, address, request_id: _, method, object, detail } = event;
        // In whole milliseconds, as stores keep it.
        let time = DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now);
        let (method, detail) = (method.into(), detail.into());
        waiting.places.insert(hash, waiting.records.len());
        waiting.hashes.push(hash);
        waiting.records.push(AuditRecord { time, id, kind, level, outcome, subject, address, request_id, method, object, detail, count: 1 });
        true
    }

    fn is_anything_waiting(&self) -> bool {
        !self.waiting.lock().records.is_empty()
    }

    /// Takes a batch; what is like something of the last second stays, if that is asked for.
    fn take(&self, hold_back: bool) -> (Vec<AuditRecord>, Vec<u64>) {
        let now = self.clock.now();
        let waiting = &mut *self.waiting.lock();
        waiting.written.retain(|_, written| (now - *written).to_std().is_ok_and(|since| since < ALIKE_WITHIN));
        let (mut taken, mut taken_hashes) = (Vec::new(), Vec::new());
        let (records, hashes) = (std::mem::take(&mut waiting.records), std::mem::take(&mut waiting.hashes));
        waiting.places.clear();
        for (record, hash) in records.into_iter().zip(hashes) {
            if taken.len() >= MOST_AT_ONCE || (hold_back && waiting.written.contains_key(&hash)) {
                waiting.places.insert(hash, waiting.records.len());
                waiting.records.push(record);
                waiting.hashes.push(hash);
            } else {
                waiting.written.insert(hash, now);
                taken.push(record);
                taken_hashes.push(hash);
            }
        }
        (taken, taken_hashes)
    }

    /// Writes a batch; whether it is worth trying another.
    async fn write(&self, hold_back: bool) -> bool {
        let _one_at_a_time = self.writing.lock().await;
        let (records, hashes) = self.take(hold_back);
        if records.is_empty() {
            return false;
        }
        let failure = match timeout(WRITTEN_WITHIN, self.log.record(&records)).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {WRITTEN_WITHIN:?}"),
        };
        tracing::error!(records = records.len(), error = failure, "audit records are not in the database yet");
        self.put_back(records, hashes);
        false
    }

    /// What wasn't written waits again, as far as there is room.
    fn put_back(&self, records: Vec<AuditRecord>, hashes: Vec<u64>) {
        let waiting = &mut *self.waiting.lock();
        let room = MOST_WAITING.saturating_sub(waiting.records.len());
        counter!(metric::AUDIT_DROPPED).increment(u64::try_from(records.len().saturating_sub(room)).unwrap_or(0));
        for (record, hash) in records.into_iter().zip(hashes).take(room) {
            // What is like it came later, and is a row of its own.
            waiting.places.entry(hash).or_insert(waiting.records.len());
            waiting.written.remove(&hash);
            waiting.hashes.push(hash);
            waiting.records.push(record);
        }
    }
}

fn cut(name: &mut String) {
    if let Some((end, _)) = name.char_indices().nth(MOST_CHARACTERS) {
        name.truncate(end);
    }
}

#[cfg(test)]
mod tests;
