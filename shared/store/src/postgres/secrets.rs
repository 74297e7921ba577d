//! Secrets in a table.

use async_trait::async_trait;
use engine::ports::StoreError;
use sqlx::{PgConnection, query, query_scalar};

use super::{PostgresDatabase, store_error};
use crate::SharedSecrets;

#[async_trait]
impl SharedSecrets for PostgresDatabase {
    async fn shared_secret(&self, name: &str, new: String) -> Result<String, StoreError> {
        let mut connection = self.connection().await?;
        if let Some(kept) = kept(&mut connection, name).await? {
            return Ok(kept);
        }
        query("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(new)
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
        kept(&mut connection, name).await?.ok_or_else(|| StoreError::Failed(format!("the secret `{name}` was deleted").into()))
    }
}

async fn kept(connection: &mut PgConnection, name: &str) -> Result<Option<String>, StoreError> {
    query_scalar("SELECT value FROM secrets WHERE name = $1").bind(name).fetch_optional(connection).await.map_err(store_error)
}

#[cfg(test)]
mod tests {
    use ::tests::servers::postgres_database;
    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn all_processes_are_told_one_secret() {
        let url = postgres_database().await;
        let processes: Vec<_> = (0..6).map(|_| PostgresDatabase::open(&url, 1).unwrap()).collect();
        processes[0].migrate().await.unwrap();
        let told = join_all(processes.iter().enumerate().map(|(n, process)| process.shared_secret("key", n.to_string()))).await;
        let first = told[0].as_ref().unwrap();
        assert!(told.iter().all(|told| told.as_ref().unwrap() == first));
        assert_eq!(&processes[3].shared_secret("key", "another".into()).await.unwrap(), first);
        assert_eq!(processes[3].shared_secret("other", "another".into()).await.unwrap(), "another");
    }
}
