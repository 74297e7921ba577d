//! API keys in a table.

use async_trait::async_trait;
use engine::ports::{ApiKey, KeyStore, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{SqliteDatabase, values::parse};
use crate::values::{milliseconds, time};

const COLUMNS: &str = "id, digest, name, role, created_at, expires_at, revoked_at, rate_limit_per_minute";

#[async_trait]
impl KeyStore for SqliteDatabase {
    async fn add_key(&self, key: &ApiKey) -> Result<bool, StoreError> {
        let key = key.clone();
        self.write(move |connection| {
            let sql = format!("INSERT INTO api_keys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING");
            Ok(put(connection, &sql, &key)? == 1)
        })
        .await
    }

    async fn key_of_digest(&self, digest: &str) -> Result<Option<ApiKey>, StoreError> {
        self.read_here(|connection| {
            let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM api_keys WHERE digest = ?1"))?;
            select.query_row([digest], api_key).optional()
        })
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM api_keys ORDER BY created_at, id"))?;
            select.query_map([], api_key)?.collect()
        })
        .await
    }

    async fn replace_key(&self, digest: &str, new: &ApiKey) -> Result<bool, StoreError> {
        let (digest, new) = (digest.to_owned(), new.clone());
        self.write(move |connection| {
            let sql = "UPDATE api_keys SET digest = ?2, name = ?3, role = ?4, created_at = ?5, expires_at = ?6, revoked_at = ?7,
                       rate_limit_per_minute = ?8 WHERE id = ?1 AND revoked_at IS NULL";
            let expected = connection.prepare_cached("SELECT digest FROM api_keys WHERE id = ?1")?;
            let found: Option<String> = { expected }.query_row([&new.id], |row| row.get(0)).optional()?;
            Ok(found.as_ref() == Some(&digest) && put(connection, sql, &new)? == 1)
        })
        .await
    }
}

/// With the columns of a key as parameters 1 to 8.
fn put(connection: &Connection, sql: &str, key: &ApiKey) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(params![
        key.id,
        key.digest,
        key.name,
        key.role.as_str(),
        milliseconds(key.created_at),
        milliseconds(key.expires_at),
        key.revoked_at.map(milliseconds),
        key.rate_limit_per_minute,
    ])
}

fn api_key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: row.get(0)?,
        digest: row.get(1)?,
        name: row.get(2)?,
        role: parse(row, 3)?,
        created_at: time(row.get(4)?),
        expires_at: time(row.get(5)?),
        revoked_at: row.get::<_, Option<i64>>(6)?.map(time),
        rate_limit_per_minute: row.get(7)?,
    })
}
