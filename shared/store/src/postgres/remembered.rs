//! Messages that clients sent in the last day, so that a retry is recognised: each task's row has the one that began its present turn.

use engine::ports::{RememberedMessage, StoreError};
use sha2::{Digest, Sha256};

use super::{names, store_error};
use crate::values::milliseconds;

/// What a message is found by, among its owner's.
pub(super) type MessageDigest = [u8; 16];

/// Of message id and fingerprint.
pub(super) fn digest(message: &RememberedMessage) -> MessageDigest {
    let hash = Sha256::new().chain_update(message.message_id.len().to_le_bytes()).chain_update(&message.message_id);
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.chain_update(&message.fingerprint).finalize()[..16]);
    digest
}

/// As the port's `remembered`. The digest alone leads there: see [`super::read::in_scope`].
pub(super) async fn find(pool: &super::Connections, owner: &str, message: &RememberedMessage) -> Result<Option<String>, StoreError> {
    let found: Option<String> = sqlx::query_scalar("SELECT id FROM tasks WHERE turn_message = $1 AND owner || '' = $2 AND turn_at >= $3")
        .bind(digest(message))
        .bind(names::column(owner))
        .bind(milliseconds(message.forget_before))
        .fetch_optional(pool)
        .await
        .map_err(store_error)?;
    Ok(found.map(|id| names::name(&id)))
}

/// Makes room for a message that is too old to be recognised, and was sent again.
pub(super) async fn forget(pool: &super::Connections, owner: &str, digest: &MessageDigest, before_milliseconds: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE tasks SET turn_message = NULL WHERE turn_message = $1 AND owner || '' = $2 AND turn_at < $3")
        .bind(digest)
        .bind(owner)
        .bind(before_milliseconds)
        .execute(pool)
        .await
        .map_err(store_error)?;
    Ok(())
}
