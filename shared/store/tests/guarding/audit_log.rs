//! What every audit log must do.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::ports::{
    AuditCount, AuditFilter, AuditKind, AuditLevel, AuditLog, AuditOutcome, AuditPlace, AuditRecord, AuditSummary, audit_log::MOST_AT_ONCE,
};

/// The log under test.
type Store = Arc<dyn AuditLog>;

every_backend! {
    records_are_listed_the_latest_first_as_they_were_written,
    a_record_that_is_written_twice_is_there_once,
    a_filter_leaves_out_what_it_does_not_apply_to,
    pages_have_every_record_once,
    a_page_of_a_filter_says_where_the_next_begins,
    a_summary_counts_what_is_not_as_it_should_be,
    old_records_are_deleted_and_no_others,
    a_whole_batch_is_written_at_once,
}

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000 + milliseconds).unwrap()
}

/// With all that a record can have.
fn record(milliseconds: i64, id: &str) -> AuditRecord {
    AuditRecord {
        time: at(milliseconds),
        id: id.into(),
        kind: AuditKind::KeyCreated,
        level: AuditLevel::Info,
        outcome: AuditOutcome::Done,
        subject: "zoë".into(),
        address: Some("2001:db8::1".into()),
        request_id: Some("request-1".into()),
        method: "Admin".into(),
        object: Some("0123456789ab".into()),
        detail: "over HTTP".into(),
        count: u32::MAX,
    }
}

/// With as little as a record can have.
fn failure(milliseconds: i64, id: &str, address: &str, count: u32) -> AuditRecord {
    AuditRecord {
        kind: AuditKind::Authentication,
        level: AuditLevel::Low,
        outcome: AuditOutcome::Refused,
        subject: "anonymous".into(),
        address: Some(address.into()).filter(|address: &String| !address.is_empty()),
        request_id: None,
        object: None,
        detail: "no credentials".into(),
        count,
        ..record(milliseconds, id)
    }
}

async fn all(store: &Store, filter: &AuditFilter) -> Vec<String> {
    let page = store.list(filter, None, 100).await.unwrap();
    assert_eq!(page.next, None);
    page.records.into_iter().map(|record| record.id).collect()
}

async fn records_are_listed_the_latest_first_as_they_were_written(store: Store) {
    assert_eq!(store.list(&AuditFilter::default(), None, 10).await.unwrap().records, []);
    let records = [record(5, "a1"), failure(7, "a0", "", 1), record(7, "a2")];
    store.record(&records).await.unwrap();
    let page = store.list(&AuditFilter::default(), None, 10).await.unwrap();
    let [first, second, third] = records;
    assert_eq!((page.records, page.next), (vec![third, second, first], None));
}

async fn a_record_that_is_written_twice_is_there_once(store: Store) {
    store.record(&[record(1, "a")]).await.unwrap();
    store.record(&[record(1, "a"), record(2, "b")]).await.unwrap();
    store.record(&[]).await.unwrap();
    assert_eq!(all(&store, &AuditFilter::default()).await, ["b", "a"]);
}

async fn a_filter_leaves_out_what_it_does_not_apply_to(store: Store) {
    store.record(&[record(10, "a"), failure(20, "b", "192.0.2.1", 1), record(30, "c"), failure(40, "d", "192.0.2.2", 1)]).await.unwrap();
    let none = AuditFilter::default();
    let filter = |from: i64, to: i64| AuditFilter { from: Some(at(from)), to: Some(at(to)), ..none.clone() };
    assert_eq!(all(&store, &filter(20, 40)).await, ["c", "b"], "the end isn't part of it");
    assert_eq!(all(&store, &filter(41, 40)).await, Vec::<String>::new());
    assert_eq!(all(&store, &AuditFilter { from: Some(at(31)), ..none.clone() }).await, ["d"]);
    assert_eq!(all(&store, &AuditFilter { to: Some(at(11)), ..none.clone() }).await, ["a"]);
    let failures = AuditFilter { kind: Some(AuditKind::Authentication), ..none.clone() };
    assert_eq!(all(&store, &failures).await, ["d", "b"]);
    assert_eq!(all(&store, &AuditFilter { subject: Some("zoë".into()), ..none.clone() }).await, ["c", "a"]);
    assert_eq!(all(&store, &AuditFilter { subject: Some("zo_".into()), ..none }).await, Vec::<String>::new());
    assert_eq!(all(&store, &AuditFilter { subject: Some("zoë".into()), ..failures.clone() }).await, Vec::<String>::new());
    assert_eq!(all(&store, &AuditFilter { subject: Some("anonymous".into()), from: Some(at(40)), ..failures }).await, ["d"]);
}

async fn pages_have_every_record_once(store: Store) {
    let records: Vec<AuditRecord> = (0..25).map(|number| record(number / 4, &format!("{number:02x}"))).collect();
    store.record(&records).await.unwrap();
    let (mut seen, mut after): (Vec<AuditRecord>, Option<AuditPlace>) = (Vec::new(), None);
    loop {
        let page = store.list(&AuditFilter::default(), after.as_ref(), 10).await.unwrap();
        assert!(page.records.len() <= 10);
        seen.extend(page.records);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, records.into_iter().rev().collect::<Vec<_>>());
}

async fn a_page_of_a_filter_says_where_the_next_begins(store: Store) {
    let records: Vec<AuditRecord> =
        (0..20).map(|number| if number % 2 == 0 { record(number, "a") } else { failure(number, "b", "192.0.2.1", 1) }).collect();
    store.record(&records).await.unwrap();
    let failures = AuditFilter { kind: Some(AuditKind::Authentication), from: Some(at(5)), ..AuditFilter::default() };
    let first = store.list(&failures, None, 5).await.unwrap();
    assert_eq!(first.next, Some(AuditPlace { time: at(11), id: "b".into() }));
    let second = store.list(&failures, first.next.as_ref(), 5).await.unwrap();
    assert_eq!(second.records.iter().map(|record| record.time).collect::<Vec<_>>(), [at(9), at(7), at(5)]);
    assert_eq!(second.next, None);
}

async fn a_summary_counts_what_is_not_as_it_should_be(store: Store) {
    assert_eq!(store.summary(at(0), 10).await.unwrap(), AuditSummary::default());
    let threat = AuditRecord { kind: AuditKind::Threat, level: AuditLevel::High, detail: "log4shell".into(), ..failure(20, "d", "192.0.2.3", 2) };
    let early = failure(0, "e", "192.0.2.9", 100);
    let records = [failure(10, "a", "192.0.2.1", 3), failure(20, "b", "192.0.2.2", 4), failure(30, "c", "192.0.2.1", 5), threat, early];
    store.record(&[&records[..], &[record(30, "f"), failure(30, "0", "", 1)]].concat()).await.unwrap();
    let summary = store.summary(at(10), 2).await.unwrap();
    let count = |kind, detail: &str, level, count| AuditCount { kind, detail: detail.into(), level, outcome: AuditOutcome::Refused, count };
    let failures = count(AuditKind::Authentication, "no credentials", AuditLevel::Low, 13);
    assert_eq!(summary.counts, [failures, count(AuditKind::Threat, "log4shell", AuditLevel::High, 2)]);
    assert_eq!(summary.addresses, [("192.0.2.1".to_owned(), 8), ("192.0.2.2".to_owned(), 4)], "the two that most came from");
}

async fn old_records_are_deleted_and_no_others(store: Store) {
    store.record(&(0..6).map(|number| record(number, "a")).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(store.delete_before(at(4), 3).await.unwrap(), 3);
    assert_eq!(store.delete_before(at(4), 3).await.unwrap(), 1);
    assert_eq!(store.delete_before(at(4), 3).await.unwrap(), 0);
    let left = store.list(&AuditFilter::default(), None, 10).await.unwrap().records;
    assert_eq!(left.iter().map(|record| record.time).collect::<Vec<_>>(), [at(5), at(4)]);
}

async fn a_whole_batch_is_written_at_once(store: Store) {
    let records: Vec<AuditRecord> = (0..MOST_AT_ONCE).map(|number| record(1, &format!("{number:04x}"))).collect();
    store.record(&records).await.unwrap();
    assert_eq!(store.list(&AuditFilter::default(), None, 1_000).await.unwrap().records.len(), MOST_AT_ONCE);
}
