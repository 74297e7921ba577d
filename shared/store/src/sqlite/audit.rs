//! The audit log in a table.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{AuditCount, AuditFilter, AuditLevel, AuditLog, AuditPage, AuditPlace, AuditRecord, AuditSummary, StoreError};
use rusqlite::{Row, ToSql, params, params_from_iter, types::ToSqlOutput};

use super::{SqliteDatabase, values::parse};
use crate::{
    audit::{Bound, COLUMNS, conditions, level_number, level_of, page},
    values::{milliseconds, milliseconds_not_before, time},
};

#[async_trait]
impl AuditLog for SqliteDatabase {
    async fn record(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let records: Arc<[AuditRecord]> = records.into();
        self.write(move |connection| {
            let sql = format!("INSERT INTO audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING");
            let mut insert = connection.prepare_cached(&sql)?;
            for record in &*records {
                insert.execute(params![
                    milliseconds(record.time),
                    record.id,
                    record.kind.as_str(),
                    level_number(record.level),
                    record.outcome.as_str(),
                    record.subject,
                    record.address,
                    record.request_id,
                    record.method,
                    record.object,
                    record.detail,
                    record.count,
                ])?;
            }
            Ok(())
        })
        .await
    }

    async fn list(&self, filter: &AuditFilter, after: Option<&AuditPlace>, limit: u32) -> Result<AuditPage, StoreError> {
        let (filter, after) = (filter.clone(), after.cloned());
        let records = self.read(move |connection| {
            let (conditions, mut bound) = conditions(&filter, after.as_ref(), |number| format!("?{number}"));
            bound.push(Bound::Number(i64::from(limit) + 1));
            let sql = format!("SELECT {COLUMNS} FROM audit WHERE {conditions} ORDER BY at DESC, id DESC LIMIT ?{}", bound.len());
            connection.prepare_cached(&sql)?.query_map(params_from_iter(bound), record)?.collect()
        });
        Ok(page(records.await?, limit))
    }

    async fn summary(&self, from: DateTime<Utc>, addresses: u32) -> Result<AuditSummary, StoreError> {
        let from = milliseconds_not_before(from);
        self.read(move |connection| {
            let mut select = connection
                .prepare_cached("SELECT kind, detail, level, outcome, sum(count) FROM audit WHERE at >= ?1 AND level > 0 GROUP BY 1, 2, 3, 4")?;
            let counts = select.query_map([from], |row| {
                Ok(AuditCount { kind: parse(row, 0)?, detail: row.get(1)?, level: level(row, 2)?, outcome: parse(row, 3)?, count: row.get(4)? })
            })?;
            let mut counts = counts.collect::<rusqlite::Result<Vec<_>>>()?;
            counts.sort();
            let mut select = connection.prepare_cached(
                "SELECT address, sum(count) FROM audit WHERE at >= ?1 AND level > 0 AND address IS NOT NULL
                 GROUP BY address ORDER BY 2 DESC, 1 LIMIT ?2",
            )?;
            let addresses = select.query_map(params![from, addresses], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
            Ok(AuditSummary { counts, addresses })
        })
        .await
    }

    async fn delete_before(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let before = milliseconds_not_before(before);
        self.write(move |connection| {
            let mut delete =
                connection.prepare_cached("DELETE FROM audit WHERE (at, id) IN (SELECT at, id FROM audit WHERE at < ?1 ORDER BY at, id LIMIT ?2)")?;
            Ok(u64::try_from(delete.execute(params![before, limit])?).unwrap_or(0))
        })
        .await
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Bound::Number(number) => number.to_sql(),
            Bound::Text(text) => text.to_sql(),
        }
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<AuditRecord> {
    Ok(AuditRecord {
        time: time(row.get(0)?),
        id: row.get(1)?,
        kind: parse(row, 2)?,
        level: level(row, 3)?,
        outcome: parse(row, 4)?,
        subject: row.get(5)?,
        address: row.get(6)?,
        request_id: row.get(7)?,
        method: row.get::<_, String>(8)?.into(),
        object: row.get(9)?,
        detail: row.get::<_, String>(10)?.into(),
        count: row.get(11)?,
    })
}

fn level(row: &Row<'_>, column: usize) -> rusqlite::Result<AuditLevel> {
    level_of(row.get(column)?).map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Integer, Box::new(error)))
}
