//! Secrets that all processes on one database share.

use async_trait::async_trait;
use engine::ports::StoreError;

/// A database that keeps secrets.
#[async_trait]
pub trait SharedSecrets: Send + Sync + 'static {
    /// The secret of that name; where there is none, `new` becomes it. Of many who bring one at the same time, one is kept and told to all.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the database doesn't answer.
    async fn shared_secret(&self, name: &str, new: String) -> Result<String, StoreError>;
}
