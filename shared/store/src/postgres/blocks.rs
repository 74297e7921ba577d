//! Blocked addresses, and those that may become so, in a table.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{BlockStore, Offender, StoreError};
use sqlx::{query, query_scalar};

use super::{PostgresDatabase, store_error};
use crate::{blocks, values::milliseconds};

#[async_trait]
impl BlockStore for PostgresDatabase {
    async fn offender(&self, address: &str) -> Result<Option<Offender>, StoreError> {
        let select = "SELECT known FROM offenders WHERE address = $1";
        let known: Option<String> =
            self.again(|| async { query_scalar(select).bind(address).fetch_optional(self.pool().await?).await.map_err(store_error) }).await?;
        known.as_deref().map(blocks::read).transpose()
    }

    async fn put_offender(&self, offender: &Offender, now: DateTime<Utc>) -> Result<bool, StoreError> {
        // The row itself isn't deleted even where it may be: a statement changes no row twice.
        let put = if offender.version == 1 {
            "WITH forgotten AS (DELETE FROM offenders WHERE forget_at < $6 AND address <> $1)
             INSERT INTO offenders (address, version, blocked_until, forget_at, known) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
        } else {
            "WITH forgotten AS (DELETE FROM offenders WHERE forget_at < $6 AND address <> $1)
             UPDATE offenders SET version = $2, blocked_until = $3, forget_at = $4, known = $5 WHERE address = $1 AND version = $2 - 1"
        };
        let put = query(put)
            .bind(&offender.address)
            .bind(i64::try_from(offender.version).unwrap_or(i64::MAX))
            .bind(blocks::blocked_until(offender))
            .bind(milliseconds(offender.forget_at))
            .bind(blocks::written(offender)?)
            .bind(milliseconds(now));
        let done = self.bounded(async { put.execute(self.pool().await?).await.map_err(store_error) }).await?;
        Ok(done.rows_affected() == 1)
    }

    async fn blocked(&self, now: DateTime<Utc>) -> Result<Vec<Offender>, StoreError> {
        let select = "SELECT known FROM offenders WHERE blocked_until > $1";
        let known: Vec<String> =
            self.again(|| async { query_scalar(select).bind(milliseconds(now)).fetch_all(self.pool().await?).await.map_err(store_error) }).await?;
        blocks::latest_first(known.iter().map(|known| blocks::read(known)).collect::<Result<_, _>>()?)
    }

    async fn forget_offender(&self, address: &str) -> Result<bool, StoreError> {
        let delete = query("DELETE FROM offenders WHERE address = $1").bind(address);
        let done = self.bounded(async { delete.execute(self.pool().await?).await.map_err(store_error) }).await?;
        Ok(done.rows_affected() == 1)
    }
}
