//! What audit logs in SQL have in common: which rows a list has, and what their words and numbers mean.

use engine::ports::{AuditFilter, AuditLevel, AuditPage, AuditPlace, AuditRecord, StoreError};

use crate::values::milliseconds_not_before;

/// The columns of a record, in the order in which they are bound and read.
pub(crate) const COLUMNS: &str = "at, id, kind, level, outcome, subject, address, request_id, method, object, detail, count";

/// A value for a parameter.
pub(crate) enum Bound<'a> {
    Number(i64),
    Text(&'a str),
}

/// The conditions of a list and their parameters, where `parameter` spells the parameter of a number (from 1).
pub(crate) fn conditions<'a>(
    filter: &'a AuditFilter,
    after: Option<&'a AuditPlace>,
    parameter: impl Fn(usize) -> String,
) -> (String, Vec<Bound<'a>>) {
    let (mut conditions, mut bound) = (vec!["1 = 1".to_owned()], Vec::new());
    let mut next = |value| {
        bound.push(value);
        parameter(bound.len())
    };
    if let Some(from) = filter.from {
        conditions.push(format!("at >= {}", next(Bound::Number(milliseconds_not_before(from)))));
    }
    if let Some(to) = filter.to {
        conditions.push(format!("at < {}", next(Bound::Number(milliseconds_not_before(to)))));
    }
    if let Some(kind) = filter.kind {
        conditions.push(format!("kind = {}", next(Bound::Text(kind.as_str()))));
    }
    if let Some(subject) = &filter.subject {
        conditions.push(format!("subject = {}", next(Bound::Text(subject))));
    }
    if let Some(AuditPlace { time, id }) = after {
        let time = next(Bound::Number(time.timestamp_millis()));
        conditions.push(format!("(at, id) < ({time}, {})", next(Bound::Text(id))));
    }
    (conditions.join(" AND "), bound)
}

/// The page of a list that was read to one record more than it may have.
pub(crate) fn page(mut records: Vec<AuditRecord>, limit: u32) -> AuditPage {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = records.len() > limit;
    records.truncate(limit);
    AuditPage { next: records.last().filter(|_| more).map(AuditRecord::place), records }
}

/// A level as a number that sorts.
pub(crate) const fn level_number(level: AuditLevel) -> i16 {
    match level {
        AuditLevel::Info => 0,
        AuditLevel::Low => 1,
        AuditLevel::Medium => 2,
        AuditLevel::High => 3,
    }
}

/// The opposite.
pub(crate) fn level_of(number: i16) -> Result<AuditLevel, StoreError> {
    let level = AuditLevel::ALL.iter().copied().find(|level| level_number(*level) == number);
    level.ok_or_else(|| StoreError::Failed(format!("`{number}` is no level of an audit record").into()))
}
