//! Blocked addresses, and those that may become so, in a table.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{BlockStore, Offender, StoreError};
use rusqlite::{OptionalExtension, params};

use super::SqliteDatabase;
use crate::{blocks, values::milliseconds};

#[async_trait]
impl BlockStore for SqliteDatabase {
    async fn offender(&self, address: &str) -> Result<Option<Offender>, StoreError> {
        let address = address.to_owned();
        let known: Option<String> = self
            .read(move |connection| {
                connection.prepare_cached("SELECT known FROM offenders WHERE address = ?1")?.query_row([address], |row| row.get(0)).optional()
            })
            .await?;
        known.as_deref().map(blocks::read).transpose()
    }

    async fn put_offender(&self, offender: &Offender, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let (known, offender) = (blocks::written(offender)?, offender.clone());
        self.write(move |connection| {
            connection.prepare_cached("DELETE FROM offenders WHERE forget_at < ?1")?.execute([milliseconds(now)])?;
            let sql = if offender.version == 1 {
                "INSERT INTO offenders (address, version, blocked_until, forget_at, known) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING"
            } else {
                "UPDATE offenders SET version = ?2, blocked_until = ?3, forget_at = ?4, known = ?5 WHERE address = ?1 AND version = ?2 - 1"
            };
            let (blocked_until, forget_at) = (blocks::blocked_until(&offender), milliseconds(offender.forget_at));
            Ok(connection.prepare_cached(sql)?.execute(params![offender.address, offender.version, blocked_until, forget_at, known])? == 1)
        })
        .await
    }

    async fn blocked(&self, now: DateTime<Utc>) -> Result<Vec<Offender>, StoreError> {
        let known: Vec<String> = self
            .read(move |connection| {
                let mut select = connection.prepare_cached("SELECT known FROM offenders WHERE blocked_until > ?1")?;
                select.query_map([milliseconds(now)], |row| row.get(0))?.collect()
            })
            .await?;
        blocks::latest_first(known.iter().map(|known| blocks::read(known)).collect::<Result<_, _>>()?)
    }

    async fn forget_offender(&self, address: &str) -> Result<bool, StoreError> {
        let address = address.to_owned();
        self.write(move |connection| Ok(connection.prepare_cached("DELETE FROM offenders WHERE address = ?1")?.execute([&address])? == 1)).await
    }
}
