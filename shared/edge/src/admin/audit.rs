//! The audit log, as admins read it: record by record, and what it says of threats in sum.

use std::{collections::BTreeMap, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use engine::ports::{AuditFilter, AuditKind, AuditPlace, AuditRecord, AuditSummary, StoreError};
use protocol::A2aError;
use serde_json::{Map, Value, json};

use super::RETRY_AFTER_SECONDS;
use crate::{App, Response, exchange::Exchange, respond};

/// Records on a page where nobody says how many, and at most.
const PAGE_SIZE: u32 = 50;
const MAX_PAGE_SIZE: u32 = 200;
/// Hours in the past that are summed up where nobody says how many, and at most.
const HOURS: u32 = 24;
const MAX_HOURS: u32 = 30 * 24;
/// Addresses that a summary names.
const MOST_ADDRESSES: u32 = 100;

/// A page of records, the latest first.
pub(super) async fn list(app: &App, exchange: &Exchange<'_>) -> Result<Response, A2aError> {
    let asked = Asked::of(exchange, &["from", "to", "type", "subject", "pageSize", "pageToken"])?;
    let filter = AuditFilter {
        from: asked.read("from", time)?,
        to: asked.read("to", time)?,
        kind: asked.read("type", AuditKind::from_str)?,
        subject: asked.get("subject").map(str::to_owned),
    };
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && from > to
    {
        return Err(A2aError::invalid("from", "is later than `to`"));
    }
    let limit = asked.number("pageSize", MAX_PAGE_SIZE)?.unwrap_or(PAGE_SIZE);
    let after = asked.read("pageToken", |token| place_of(token).ok_or_else(|| "is not a token of this list".to_owned()))?;
    let page = app.audit.log().list(&filter, after.as_ref(), limit).await.map_err(away)?;
    let mut body = json!({"records": page.records.iter().map(shown).collect::<Vec<_>>()});
    if let Some(next) = &page.next {
        body["nextPageToken"] = token_of(next).into();
    }
    Ok(respond::json(body.to_string()))
}

/// What happened in the last hours that wasn't as it should be, counted by type, level, outcome and address.
pub(super) async fn threats(app: &App, exchange: &Exchange<'_>) -> Result<Response, A2aError> {
    let asked = Asked::of(exchange, &["hours"])?;
    let hours = asked.number("hours", MAX_HOURS)?.unwrap_or(HOURS);
    let to = app.ports.clock.now();
    let from = to - TimeDelta::hours(i64::from(hours));
    let AuditSummary { counts, addresses } = app.audit.log().summary(from, MOST_ADDRESSES).await.map_err(away)?;
    let mut by_type: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut by_level, mut by_outcome) = (by_type.clone(), by_type.clone());
    for count in &counts {
        // Threats are told apart by what was attempted.
        let name = if count.kind == AuditKind::Threat { &*count.detail } else { count.kind.as_str() };
        for (sums, name) in [(&mut by_type, name), (&mut by_level, count.level.as_str()), (&mut by_outcome, count.outcome.as_str())] {
            *sums.entry(name).or_default() += count.count;
        }
    }
    let total: u64 = counts.iter().map(|count| count.count).sum();
    let addresses: Vec<Value> = addresses.iter().map(|(address, count)| json!({"address": address, "count": count})).collect();
    let body = json!({
        "from": timestamp(from),
        "to": timestamp(to),
        "total": total,
        "byType": by_type,
        "byLevel": by_level,
        "byOutcome": by_outcome,
        "byAddress": addresses,
    });
    Ok(respond::json(body.to_string()))
}

/// The query's parameters, of which each is known and there once.
struct Asked<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Asked<'a> {
    fn of(exchange: &Exchange<'a>, known: &[&str]) -> Result<Self, A2aError> {
        let mut asked: Vec<(&str, &str)> = Vec::new();
        for (name, value) in exchange.query {
            if !known.contains(&name.as_str()) {
                return Err(A2aError::invalid(name.as_str(), format!("is none of the parameters {}", known.join(", "))));
            }
            if asked.iter().any(|(had, _)| had == name) {
                return Err(A2aError::invalid(name.as_str(), "is there more than once"));
            }
            asked.push((name, value));
        }
        Ok(Asked(asked))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn read<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, A2aError> {
        self.get(name).map(read).transpose().map_err(|problem| A2aError::invalid(name, problem))
    }

    fn number(&self, name: &str, most: u32) -> Result<Option<u32>, A2aError> {
        let is_allowed = |number: &u32| (1..=most).contains(number);
        self.read(name, |text| text.parse().ok().filter(is_allowed).ok_or_else(|| format!("takes a whole number from 1 to {most}")))
    }
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|_| "takes a time such as 2026-01-31T12:00:00Z".to_owned())?;
    Ok(time.to_utc())
}

fn shown(record: &AuditRecord) -> Value {
    let AuditRecord { time, id, kind, level, outcome, subject, address, request_id, method, object, detail, count } = record;
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("time", timestamp(*time).into());
    put("id", id.as_str().into());
    put("type", kind.as_str().into());
    put("level", level.as_str().into());
    put("outcome", outcome.as_str().into());
    put("subject", subject.as_str().into());
    put("address", address.as_deref().into());
    put("requestId", request_id.as_deref().into());
    put("method", method.as_ref().into());
    put("object", object.as_deref().into());
    put("detail", detail.as_ref().into());
    put("count", (*count).into());
    Value::Object(shown)
}

fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A place as text that says nothing to a client.
fn token_of(place: &AuditPlace) -> String {
    URL_SAFE_NO_PAD.encode([&place.time.timestamp_millis().to_be_bytes()[..], place.id.as_bytes()].concat())
}

fn place_of(token: &str) -> Option<AuditPlace> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (time, id) = bytes.split_first_chunk::<8>()?;
    let is_id = !id.is_empty() && id.len() <= 64 && id.iter().all(u8::is_ascii_hexdigit);
    let id = String::from_utf8(id.to_vec()).ok().filter(|_| is_id)?;
    Some(AuditPlace { time: DateTime::from_timestamp_millis(i64::from_be_bytes(*time))?, id })
}

fn away(error: StoreError) -> A2aError {
    tracing::error!(%error, "the audit log can't be read");
    A2aError::Unavailable { retry_after_seconds: RETRY_AFTER_SECONDS }
}
