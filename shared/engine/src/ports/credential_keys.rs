//! Keys that seal what clients entrust to a store: the credentials of their webhooks.

use std::sync::Arc;

use async_trait::async_trait;

use super::StoreError;
use crate::CredentialKey;

/// Brings keys, wherever they are kept. They are few, and change now and then.
#[async_trait]
pub trait CredentialKeys: Send + Sync + 'static {
    /// The key that seals from now on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it is kept by somebody who doesn't answer; [`StoreError::Failed`] where it is no key.
    async fn newest(&self) -> Result<Arc<CredentialKey>, StoreError>;

    /// The key that sealed something; `None` where it is gone.
    ///
    /// # Errors
    /// As [`Self::newest`].
    async fn of_id(&self, id: &str) -> Result<Option<Arc<CredentialKey>>, StoreError>;
}
