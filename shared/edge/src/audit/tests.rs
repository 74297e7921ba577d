//! The writer of the audit log over a log and a clock that tests hold in their hands.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use async_trait::async_trait;
use engine::ports::{AuditFilter, AuditPage, AuditPlace, AuditSummary, StoreError};

use super::*;

/// A log in memory, perhaps away.
#[derive(Default)]
struct InMemory {
    batches: Mutex<Vec<Vec<AuditRecord>>>,
    is_away: AtomicBool,
}

impl InMemory {
    fn records(&self) -> Vec<AuditRecord> {
        self.batches.lock().concat()
    }
}

#[async_trait]
impl AuditLog for InMemory {
    async fn record(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        if self.is_away.load(SeqCst) {
            return Err(StoreError::Unavailable("away".into()));
        }
        self.batches.lock().push(records.to_vec());
        Ok(())
    }

    async fn list(&self, _: &AuditFilter, _: Option<&AuditPlace>, _: u32) -> Result<AuditPage, StoreError> {
        Ok(AuditPage::default())
    }

    async fn summary(&self, _: DateTime<Utc>, _: u32) -> Result<AuditSummary, StoreError> {
        Ok(AuditSummary::default())
    }

    async fn delete_before(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// A clock that stands until it is moved.
struct Standing(Mutex<DateTime<Utc>>);

impl Clock for Standing {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock()
    }
}

struct World {
    audit: Audit,
    log: Arc<InMemory>,
    clock: Arc<Standing>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(Standing(Mutex::new(DateTime::from_timestamp(1_000, 123_456_789).unwrap())));
        let log = Arc::new(InMemory::default());
        World { audit: Audit::new(log.clone(), clock.clone()), log, clock }
    }

    fn pass(&self, seconds: i64) {
        *self.clock.0.lock() += TimeDelta::seconds(seconds);
    }

    fn fail_from(&self, address: &str) {
        let event = AuditEvent::new(AuditKind::Authentication, AuditOutcome::Refused, "no credentials");
        self.audit.record(AuditEvent { address: Some(address.to_owned()), request_id: Some("r".to_owned()), ..event });
    }
}

#[tokio::test]
async fn what_is_alike_is_one_row_with_a_count() {
    let world = World::new();
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1"] {
        world.fail_from(address);
    }
    world.audit.write().await;
    let records = world.log.records();
    assert_eq!(records.iter().map(|record| record.count).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(records[0].time.timestamp_micros(), 1_000_123_000, "in whole milliseconds");
    assert_eq!((records[0].level, records[0].request_id.as_deref()), (AuditLevel::Low, Some("r")));
    assert!(records[0].id < records[1].id);
}

#[tokio::test]
async fn more_of_the_same_waits_for_a_second() {
    let world = World::new();
    world.fail_from("192.0.2.1");
    world.audit.write().await;
    for _ in 0..50 {
        world.fail_from("192.0.2.1");
        world.audit.write().await;
    }
    assert_eq!(world.log.records().len(), 1);
    world.pass(1);
    world.audit.write().await;
    assert_eq!(world.log.records().iter().map(|record| record.count).collect::<Vec<_>>(), [1, 50]);
}

#[tokio::test]
async fn what_still_waits_at_the_end_is_written_then() {
    let world = World::new();
    world.fail_from("192.0.2.1");
    world.audit.write().await;
    for number in 0..250 {
        world.fail_from(&format!("192.0.2.{number}"));
    }
    world.audit.drain().await;
    assert_eq!(world.log.records().iter().map(|record| record.count).sum::<u32>(), 251);
    assert_eq!(world.log.batches.lock().iter().map(Vec::len).collect::<Vec<_>>(), [1, 100, 100, 50]);
}

#[tokio::test]
async fn what_waits_is_bounded() {
    let world = World::new();
    for number in 0..MOST_WAITING + 7 {
        world.fail_from(&number.to_string());
    }
    world.fail_from("0");
    world.audit.drain().await;
    let records = world.log.records();
    assert_eq!(records.len(), MOST_WAITING);
    assert_eq!(records[0].count, 2, "what is alike always has room");
}

#[tokio::test]
async fn while_the_database_is_away_records_wait() {
    let world = World::new();
    world.log.is_away.store(true, SeqCst);
    world.fail_from("192.0.2.1");
    world.audit.drain().await;
    world.fail_from("192.0.2.1");
    world.fail_from("192.0.2.2");
    world.log.is_away.store(false, SeqCst);
    world.audit.drain().await;
    assert_eq!(world.log.records().iter().map(|record| record.count).sum::<u32>(), 3);
}

#[tokio::test]
async fn a_caller_is_news_once_in_five_minutes_from_each_address() {
    let world = World::new();
    let is_news = |subject, address| world.audit.is_news(subject, Some(address), world.audit.inner.clock.now());
    assert!(is_news("ada", "192.0.2.1") && is_news("ada", "192.0.2.2") && is_news("bob", "192.0.2.1"));
    world.pass(299);
    assert!(!is_news("ada", "192.0.2.1"));
    world.pass(1);
    assert!(is_news("ada", "192.0.2.1"));
    assert!(!is_news("ada", "192.0.2.1"));
}

#[tokio::test]
async fn no_more_than_ten_thousand_callers_are_remembered_as_no_news() {
    let world = World::new();
    let now = world.audit.inner.clock.now();
    for caller in 0..MOST_SUCCESSES + 10 {
        assert!(world.audit.is_news(&format!("sub:{caller}"), None, now));
    }
    assert_eq!((MOST_SUCCESSES, world.audit.inner.seen.read().len()), (10_000, 10));
    assert!(!world.audit.is_news("sub:10009", None, now) && world.audit.is_news("sub:1", None, now));
}

#[tokio::test(start_paused = true)]
async fn a_writer_in_the_background_writes_at_most_a_batch_a_second() {
    let world = World::new();
    let writer = tokio::spawn(world.audit.clone().keep_writing());
    for number in 0..250 {
        world.fail_from(&number.to_string());
    }
    for batches in 1..=3 {
        tokio::time::sleep(Duration::from_millis(999)).await;
        assert_eq!(world.log.batches.lock().len(), batches);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(world.log.records().len(), 250);
    world.fail_from("later");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.log.records().len(), 251);
    writer.abort();
}

#[test]
fn names_are_cut() {
    let world = World::new();
    let event = AuditEvent::new(AuditKind::Limit, AuditOutcome::Refused, "x");
    world.audit.record(AuditEvent { subject: "ä".repeat(5_000), ..event });
    assert_eq!(world.audit.inner.waiting.lock().records[0].subject.chars().count(), MOST_CHARACTERS);
}
