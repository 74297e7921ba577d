//! API keys in a table.

use async_trait::async_trait;
use engine::ports::{ApiKey, KeyStore, StoreError};
use sqlx::{Row, postgres::PgRow, query};

use super::{PostgresDatabase, store_error};
use crate::values::{milliseconds, time};

#[async_trait]
impl KeyStore for PostgresDatabase {
    async fn add_key(&self, key: &ApiKey) -> Result<bool, StoreError> {
        let sql = "INSERT INTO api_keys (id, digest, name, role, created_at, expires_at, revoked_at, rate_limit_per_minute)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
        self.put(sql, key, None).await
    }

    async fn key_of_digest(&self, digest: &str) -> Result<Option<ApiKey>, StoreError> {
        let sql = "SELECT id, digest, name, role, created_at, expires_at, revoked_at, rate_limit_per_minute FROM api_keys WHERE digest = $1";
        let row = self.again(|| async { query(sql).bind(digest).fetch_optional(self.pool().await?).await.map_err(store_error) }).await?;
        row.as_ref().map(api_key).transpose()
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let sql = "SELECT id, digest, name, role, created_at, expires_at, revoked_at, rate_limit_per_minute FROM api_keys ORDER BY created_at, id";
        let rows = self.again(|| async { query(sql).fetch_all(self.pool().await?).await.map_err(store_error) }).await?;
        rows.iter().map(api_key).collect()
    }

    async fn replace_key(&self, digest: &str, new: &ApiKey) -> Result<bool, StoreError> {
        let sql = "UPDATE api_keys SET digest = $2, name = $3, role = $4, created_at = $5, expires_at = $6, revoked_at = $7,
                   rate_limit_per_minute = $8 WHERE id = $1 AND digest = $9 AND revoked_at IS NULL";
        self.put(sql, new, Some(digest)).await
    }
}

impl PostgresDatabase {
    /// With the columns of a key as parameters 1 to 8, and the digest that is expected as the ninth.
    async fn put(&self, sql: &'static str, key: &ApiKey, expected: Option<&str>) -> Result<bool, StoreError> {
        let put = query(sql)
            .bind(&key.id)
            .bind(&key.digest)
            .bind(&key.name)
            .bind(key.role.as_str())
            .bind(milliseconds(key.created_at))
            .bind(milliseconds(key.expires_at))
            .bind(key.revoked_at.map(milliseconds))
            .bind(key.rate_limit_per_minute.map(i64::from));
        let put = if let Some(expected) = expected { put.bind(expected) } else { put };
        let done = self.bounded(async { put.execute(self.pool().await?).await.map_err(store_error) }).await?;
        Ok(done.rows_affected() == 1)
    }
}

fn api_key(row: &PgRow) -> Result<ApiKey, StoreError> {
    let limit: Option<i64> = row.try_get(7).map_err(store_error)?;
    Ok(ApiKey {
        id: row.try_get(0).map_err(store_error)?,
        digest: row.try_get(1).map_err(store_error)?,
        name: row.try_get(2).map_err(store_error)?,
        role: row.try_get::<String, _>(3).map_err(store_error)?.parse().map_err(|error: String| StoreError::Failed(error.into()))?,
        created_at: time(row.try_get(4).map_err(store_error)?),
        expires_at: time(row.try_get(5).map_err(store_error)?),
        revoked_at: row.try_get::<Option<i64>, _>(6).map_err(store_error)?.map(time),
        rate_limit_per_minute: limit.and_then(|limit| u32::try_from(limit).ok()),
    })
}
