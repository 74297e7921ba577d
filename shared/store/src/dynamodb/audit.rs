//! The audit log: one partition, in the order of time. What a filter leaves out is read all the same, so a page looks at a bounded number of items.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use engine::ports::{AuditCount, AuditFilter, AuditLevel, AuditLog, AuditPage, AuditPlace, AuditRecord, AuditSummary, StoreError};

use super::{
    DynamoDbDatabase,
    attributes::{Attributes, failed, from_json, text, to_json},
    database::Query,
    keys::{self, Item, sortable},
};
use crate::values::{milliseconds, milliseconds_not_before, time};

const PARTITION: &str = "audit";
/// Items in one request that reads them.
const READ_AT_ONCE: usize = 1_000;
/// Items that a page looks at before it ends with fewer records than it may have.
const LOOKED_AT: usize = 10_000;
/// Items in one request that writes them: DynamoDB's limit.
const WRITTEN_AT_ONCE: usize = 25;
/// What sorts after all places: `:` follows the digits.
const END: &str = ":";

const WITHIN: &str = "#pk = :pk AND #sk BETWEEN :first AND :last";

#[async_trait]
impl AuditLog for DynamoDbDatabase {
    async fn record(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        self.put_all(records.iter().map(item).collect::<Result<_, _>>()?, WRITTEN_AT_ONCE).await
    }

    async fn list(&self, filter: &AuditFilter, after: Option<&AuditPlace>, limit: u32) -> Result<AuditPage, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let to = filter.to.map_or_else(|| END.to_owned(), |to| sortable(milliseconds_not_before(to)));
        let last = after.map_or_else(|| to.clone(), |after| before(after).min(to.clone()));
        let first = filter.from.map_or_else(String::new, |from| sortable(milliseconds_not_before(from)));
        let mut page = AuditPage::default();
        if last < first {
            return Ok(page);
        }
        let mut values = within(first, last);
        let (filtered, at_once) = match (filter.kind, &filter.subject) {
            (None, None) => (None, limit.saturating_add(1)),
            (Some(_), None) => (Some("#kind = :kind"), READ_AT_ONCE),
            (None, Some(_)) => (Some("#subject = :subject"), READ_AT_ONCE),
            (Some(_), Some(_)) => (Some("#kind = :kind AND #subject = :subject"), READ_AT_ONCE),
        };
        values.extend(filter.kind.map(|kind| (":kind", text(kind.as_str()))));
        values.extend(filter.subject.as_ref().map(|subject| (":subject", text(subject))));
        let query = Query { keys: WITHIN, values, filter: filtered, backwards: true, limit: Some(at_once), ..Query::default() };
        let (mut start, mut looked_at) = (None, 0);
        loop {
            let (items, next) = self.page(&query, start).await?;
            page.records.extend(items.iter().map(record).collect::<Result<Vec<_>, _>>()?);
            looked_at += at_once;
            if page.records.len() > limit {
                page.records.truncate(limit);
                page.next = page.records.last().map(AuditRecord::place);
                return Ok(page);
            }
            match next {
                None => return Ok(page),
                Some(key) if looked_at >= LOOKED_AT => {
                    page.next = Some(place(key.text("sk")?)?);
                    return Ok(page);
                }
                next => start = next,
            }
        }
    }

    async fn summary(&self, from: DateTime<Utc>, addresses: u32) -> Result<AuditSummary, StoreError> {
        let mut counts: BTreeMap<_, u64> = BTreeMap::new();
        let mut by_address: HashMap<String, u64> = HashMap::new();
        let mut values = within(sortable(milliseconds_not_before(from)), END.to_owned());
        values.push((":info", text(AuditLevel::Info.as_str())));
        let query = Query { keys: WITHIN, values, filter: Some("#level <> :info"), ..Query::default() };
        let mut start = None;
        loop {
            let (items, next) = self.page(&query, start).await?;
            for item in &items {
                let AuditRecord { kind, detail, level, outcome, address, count, .. } = record(item)?;
                *counts.entry((kind, detail.into_owned(), level, outcome)).or_default() += u64::from(count);
                if let Some(address) = address {
                    *by_address.entry(address).or_default() += u64::from(count);
                }
            }
            start = next;
            if start.is_none() {
                break;
            }
        }
        let counts = counts.into_iter().map(|((kind, detail, level, outcome), count)| AuditCount { kind, detail, level, outcome, count });
        let mut most: Vec<(String, u64)> = by_address.into_iter().collect();
        most.sort_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
        most.truncate(usize::try_from(addresses).unwrap_or(usize::MAX));
        Ok(AuditSummary { counts: counts.collect(), addresses: most })
    }

    async fn delete_before(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let values = vec![(":pk", text(PARTITION)), (":before", text(sortable(milliseconds_not_before(before))))];
        let limit = usize::try_from(limit).ok();
        let old = self.query(Query { keys: "#pk = :pk AND #sk < :before", values, only: Some("#pk, #sk"), limit, ..Query::default() }).await?;
        let count = u64::try_from(old.len()).unwrap_or(0);
        self.delete_all(old).await?;
        Ok(count)
    }
}

fn item(record: &AuditRecord) -> Result<Item, StoreError> {
    let mut item = keys::key(PARTITION, format!("{}/{}", sortable(milliseconds(record.time)), record.id));
    item.insert("kind".to_owned(), text(record.kind.as_str()));
    item.insert("level".to_owned(), text(record.level.as_str()));
    item.insert("subject".to_owned(), text(&record.subject));
    item.insert("record".to_owned(), text(to_json(record)?));
    Ok(item)
}

fn record(item: &Item) -> Result<AuditRecord, StoreError> {
    from_json(item.text("record")?)
}

fn within(first: String, last: String) -> Vec<(&'static str, AttributeValue)> {
    vec![(":pk", text(PARTITION)), (":first", text(if first.is_empty() { "0".to_owned() } else { first })), (":last", text(last))]
}

/// The greatest key that comes before a place: ids are hexadecimal digits, and what ends earlier sorts before what goes on.
fn before(place: &AuditPlace) -> String {
    let key = format!("{}/{}", sortable(milliseconds(place.time)), place.id);
    let mut bytes = key.into_bytes();
    if let Some(last) = bytes.last_mut() {
        *last -= 1;
    }
    let mut key = String::from_utf8_lossy(&bytes).into_owned();
    key.push('~');
    key
}

/// The opposite of a key.
fn place(sk: &str) -> Result<AuditPlace, StoreError> {
    let parsed = sk.split_once('/').and_then(|(at, id)| Some(AuditPlace { time: time(at.parse().ok()?), id: id.to_owned() }));
    parsed.ok_or_else(|| failed(format!("`{sk}` is no place in the audit log")))
}
