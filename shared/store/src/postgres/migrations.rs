//! Brings a database's schema up to date, one numbered file of `migrations/postgres` after the other.

use engine::ports::StoreError;
use sqlx::{Connection, PgConnection, query, query_scalar, raw_sql};

use super::store_error;

/// In order, with their names; the table `migrations` says which of them a database has. Only ever add at the end.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_tasks", include_str!("../../../../migrations/postgres/0001_tasks.sql")),
    ("0002_documents", include_str!("../../../../migrations/postgres/0002_documents.sql")),
    ("0003_secrets", include_str!("../../../../migrations/postgres/0003_secrets.sql")),
    ("0004_api_keys", include_str!("../../../../migrations/postgres/0004_api_keys.sql")),
    ("0005_audit", include_str!("../../../../migrations/postgres/0005_audit.sql")),
    ("0006_offenders", include_str!("../../../../migrations/postgres/0006_offenders.sql")),
];

/// Whoever holds this lock changes the schema; the number is the software's own, "a2a" and "mig" in ASCII.
const LOCK: i64 = 0x6132_616d_6967;

/// Applies what is missing, all or nothing. Several processes may do so at once: one works, the others wait and find it done.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    let newer = apply(connection, MIGRATIONS).await.map_err(store_error)?;
    match newer {
        None => Ok(()),
        Some(name) => Err(StoreError::Failed(format!("the database has the migration `{name}`, which this version doesn't know").into())),
    }
}

/// Gives the name of a migration that the database has and this version hasn't; then nothing is changed.
async fn apply(connection: &mut PgConnection, migrations: &[(&'static str, &'static str)]) -> sqlx::Result<Option<String>> {
    let mut transaction = connection.begin().await?;
    query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
    // Asked first, because `IF NOT EXISTS` sends a notice each time.
    if query_scalar::<_, Option<String>>("SELECT to_regclass('migrations')::text").fetch_one(&mut *transaction).await?.is_none() {
        raw_sql("CREATE TABLE migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())").execute(&mut *transaction).await?;
    }
    let applied: Vec<String> = query_scalar("SELECT name FROM migrations ORDER BY name").fetch_all(&mut *transaction).await?;
    if let Some(unknown) = applied.iter().find(|name| !migrations.iter().any(|(known, _)| known == name)) {
        return Ok(Some(unknown.clone()));
    }
    for (name, sql) in migrations {
        if !applied.iter().any(|applied| applied == name) {
            raw_sql(*sql).execute(&mut *transaction).await?;
            query("INSERT INTO migrations (name) VALUES ($1)").bind(name).execute(&mut *transaction).await?;
        }
    }
    transaction.commit().await?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use ::tests::servers::postgres_database;
    use futures::future::join_all;

    use super::{super::PostgresDatabase, *};

    const ONE: (&str, &str) = ("0001_one", "CREATE TABLE one (a bigint); INSERT INTO one VALUES (1);");
    const TWO: (&str, &str) = ("0002_two", "INSERT INTO one VALUES (2);");
    const BROKEN: (&str, &str) = ("0003_broken", "INSERT INTO one VALUES (3); INSERT INTO nowhere VALUES (3);");

    async fn database() -> PostgresDatabase {
        PostgresDatabase::open(&postgres_database().await, 10).unwrap()
    }

    async fn rows(database: &PostgresDatabase) -> Vec<i64> {
        query_scalar("SELECT a FROM one ORDER BY a").fetch_all(database.pool().await.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn each_migration_is_applied_once_however_many_processes_start() {
        let database = database().await;
        let start = async || apply(&mut database.connection().await.unwrap(), &[ONE, TWO]).await.unwrap();
        assert!(join_all((0..8).map(|_| start())).await.iter().all(Option::is_none));
        assert_eq!(rows(&database).await, [1, 2]);
    }

    #[tokio::test]
    async fn a_migration_that_fails_leaves_nothing_behind() {
        let database = database().await;
        let mut connection = database.connection().await.unwrap();
        apply(&mut connection, &[ONE]).await.unwrap();
        assert!(apply(&mut connection, &[ONE, TWO, BROKEN]).await.is_err());
        assert_eq!(rows(&database).await, [1]);
    }

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_left_alone() {
        let database = database().await;
        let mut connection = database.connection().await.unwrap();
        apply(&mut connection, &[ONE, TWO]).await.unwrap();
        assert_eq!(apply(&mut connection, &[ONE]).await.unwrap().as_deref(), Some("0002_two"));
    }
}
