//! A database in a file of this machine. What is deployed is built without it (feature `sqlite`): no other function would see such a file.

use std::{path::Path, sync::Arc};

use anyhow::Result;
use engine::ports::{AuditLog, BlockStore, DocumentStore, KeyStore, TaskStore};
use store::JobRows;

/// The file, open.
pub(crate) trait FileDatabase: Send + Sync {
    fn tasks(&self) -> Arc<dyn TaskStore>;
    fn documents(&self) -> Arc<dyn DocumentStore>;
    fn keys(&self) -> Arc<dyn KeyStore>;
    fn jobs(&self) -> Arc<dyn JobRows>;
    fn audit_log(&self) -> Arc<dyn AuditLog>;
    fn blocks(&self) -> Arc<dyn BlockStore>;
}

#[cfg(feature = "sqlite")]
impl FileDatabase for store::SqliteDatabase {
    fn tasks(&self) -> Arc<dyn TaskStore> {
        Arc::new(store::SqliteTaskStore::new(self.clone()))
    }

    fn documents(&self) -> Arc<dyn DocumentStore> {
        Arc::new(store::SqliteDocumentStore::new(self.clone()))
    }

    fn keys(&self) -> Arc<dyn KeyStore> {
        Arc::new(self.clone())
    }

    fn jobs(&self) -> Arc<dyn JobRows> {
        Arc::new(self.clone())
    }

    fn audit_log(&self) -> Arc<dyn AuditLog> {
        Arc::new(self.clone())
    }

    fn blocks(&self) -> Arc<dyn BlockStore> {
        Arc::new(self.clone())
    }
}

/// The file at this path, made if there is none.
#[cfg(feature = "sqlite")]
pub(crate) fn open(path: &Path) -> Result<Box<dyn FileDatabase>> {
    use anyhow::Context as _;

    let database = store::SqliteDatabase::open(path);
    Ok(Box::new(database.with_context(|| format!("the database `{}` (A2A_DATABASE_URL)", path.display()))?))
}

/// Says that there is no SQLite in this program.
#[cfg(not(feature = "sqlite"))]
pub(crate) fn open(path: &Path) -> Result<Box<dyn FileDatabase>> {
    anyhow::bail!("A2A_DATABASE_URL is `sqlite://{}`: this program was built for deployment, without SQLite (feature `sqlite`)", path.display())
}
