//! The audit log in a table.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{AuditCount, AuditFilter, AuditLog, AuditPage, AuditPlace, AuditRecord, AuditSummary, StoreError};
use sqlx::{AssertSqlSafe, Row, postgres::PgRow, query};

use super::{PostgresDatabase, store_error, values::parse};
use crate::{
    audit::{Bound, COLUMNS, conditions, level_number, level_of, page},
    values::{milliseconds, milliseconds_not_before, time},
};

#[async_trait]
impl AuditLog for PostgresDatabase {
    async fn record(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        // A column in each parameter: one statement, however many rows.
        let sql = "INSERT INTO audit (at, id, kind, level, outcome, subject, address, request_id, method, object, detail, count)
                   SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::text[],
                                        $9::text[], $10::text[], $11::text[], $12::bigint[]) ON CONFLICT DO NOTHING";
        let texts = |of: fn(&AuditRecord) -> &str| records.iter().map(of).collect::<Vec<_>>();
        let options = |of: fn(&AuditRecord) -> Option<&str>| records.iter().map(of).collect::<Vec<_>>();
        let insert = || {
            query(sql)
                .bind(records.iter().map(|record| milliseconds(record.time)).collect::<Vec<_>>())
                .bind(texts(|record| &record.id))
                .bind(texts(|record| record.kind.as_str()))
                .bind(records.iter().map(|record| level_number(record.level)).collect::<Vec<_>>())
                .bind(texts(|record| record.outcome.as_str()))
                .bind(texts(|record| &record.subject))
                .bind(options(|record| record.address.as_deref()))
                .bind(options(|record| record.request_id.as_deref()))
                .bind(texts(|record| &record.method))
                .bind(options(|record| record.object.as_deref()))
                .bind(texts(|record| &record.detail))
                .bind(records.iter().map(|record| i64::from(record.count)).collect::<Vec<_>>())
        };
        self.again(|| async { insert().execute(self.pool().await?).await.map_err(store_error) }).await.map(drop)
    }

    async fn list(&self, filter: &AuditFilter, after: Option<&AuditPlace>, limit: u32) -> Result<AuditPage, StoreError> {
        let (conditions, mut bound) = conditions(filter, after, |number| format!("${number}"));
        bound.push(Bound::Number(i64::from(limit) + 1));
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE {conditions} ORDER BY at DESC, id DESC LIMIT ${}", bound.len());
        // Only what is written in this crate is in the statement; what comes from outside is bound.
        let select = || {
            bound.iter().fold(query(AssertSqlSafe(sql.clone())), |select, value| match value {
                Bound::Number(number) => select.bind(*number),
                Bound::Text(text) => select.bind((*text).to_owned()),
            })
        };
        let rows = self.again(|| async { select().fetch_all(self.pool().await?).await.map_err(store_error) }).await?;
        Ok(page(rows.iter().map(record).collect::<Result<_, _>>()?, limit))
    }

    async fn summary(&self, from: DateTime<Utc>, addresses: u32) -> Result<AuditSummary, StoreError> {
        let from = milliseconds_not_before(from);
        let sql = "SELECT kind, detail, level, outcome, sum(count)::bigint FROM audit WHERE at >= $1 AND level > 0 GROUP BY 1, 2, 3, 4";
        let counts = self.again(|| async { query(sql).bind(from).fetch_all(self.pool().await?).await.map_err(store_error) });
        let sql = "SELECT address, sum(count)::bigint FROM audit WHERE at >= $1 AND level > 0 AND address IS NOT NULL
                   GROUP BY address ORDER BY 2 DESC, 1 LIMIT $2";
        let most = i64::from(addresses);
        let most = self.again(|| async { query(sql).bind(from).bind(most).fetch_all(self.pool().await?).await.map_err(store_error) });
        let mut counts = counts.await?.iter().map(count).collect::<Result<Vec<_>, _>>()?;
        counts.sort();
        let address = |row: &PgRow| Ok((get(row, 0)?, number(row, 1)?));
        Ok(AuditSummary { counts, addresses: most.await?.iter().map(address).collect::<Result<_, StoreError>>()? })
    }

    async fn delete_before(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let before = milliseconds_not_before(before);
        let sql = "DELETE FROM audit WHERE (at, id) IN (SELECT at, id FROM audit WHERE at < $1 ORDER BY at, id LIMIT $2)";
        let limit = i64::from(limit);
        let delete = self.again(|| async { query(sql).bind(before).bind(limit).execute(self.pool().await?).await.map_err(store_error) });
        Ok(delete.await?.rows_affected())
    }
}

fn record(row: &PgRow) -> Result<AuditRecord, StoreError> {
    Ok(AuditRecord {
        time: time(get(row, 0)?),
        id: get(row, 1)?,
        kind: parse(row, 2)?,
        level: level_of(get(row, 3)?)?,
        outcome: parse(row, 4)?,
        subject: get(row, 5)?,
        address: get(row, 6)?,
        request_id: get(row, 7)?,
        method: get::<String>(row, 8)?.into(),
        object: get(row, 9)?,
        detail: get::<String>(row, 10)?.into(),
        count: u32::try_from(get::<i64>(row, 11)?).unwrap_or(u32::MAX),
    })
}

fn count(row: &PgRow) -> Result<AuditCount, StoreError> {
    Ok(AuditCount { kind: parse(row, 0)?, detail: get(row, 1)?, level: level_of(get(row, 2)?)?, outcome: parse(row, 3)?, count: number(row, 4)? })
}

fn get<'r, T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>>(row: &'r PgRow, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(store_error)
}

fn number(row: &PgRow, column: usize) -> Result<u64, StoreError> {
    Ok(u64::try_from(get::<i64>(row, column)?).unwrap_or(0))
}
