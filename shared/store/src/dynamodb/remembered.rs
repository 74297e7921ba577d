//! Messages that clients sent in the last day, so that a retry is recognised.

use chrono::{DateTime, Utc};
use engine::ports::{RememberedMessage, StoreError};
use protocol::types::TaskState;
use sha2::{Digest, Sha256};

use super::{
    attributes::{Attributes, number, text},
    database::DynamoDbDatabase,
    keys,
    schema::EXPIRES,
    transaction::Write,
};
use crate::values::{milliseconds, state_number};

/// How long after it counts no more a message is deleted at the earliest: clocks differ.
const SPARE_SECONDS: i64 = 3600;

/// What there is about a message.
pub(super) enum Found {
    /// It went to this task, which is still in the turn that it began.
    Task(String),
    /// It went somewhere once, and that counts no more.
    Stale(Stale),
    Nothing,
}

/// What is remembered of a message that may be sent as a new one.
pub(super) struct Stale {
    task_id: String,
    remembered_at: i64,
}

/// What a message is found by.
pub(super) fn digest(owner: &str, message: &RememberedMessage) -> String {
    let mut hash = Sha256::new();
    for text in [owner, &message.message_id, &message.fingerprint] {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    keys::hex(&hash.finalize()[..16])
}

/// The write that remembers a message, and fails where it is remembered already. It takes the place of what is `stale`.
pub(super) fn remember(digest: &str, message: &RememberedMessage, task_id: &str, now: DateTime<Utc>, stale: Option<&Stale>) -> Write {
    let expires = now.timestamp() + (now - message.forget_before).num_seconds() + SPARE_SECONDS;
    let mut item = keys::sent(digest);
    item.insert("task_id".to_owned(), text(task_id));
    item.insert("remembered_at".to_owned(), number(milliseconds(now)));
    item.insert(EXPIRES.to_owned(), number(expires));
    let write = Write::put(item);
    match stale {
        None => write
            .when("attribute_not_exists(#pk) OR #remembered_at < :forget_before", [(":forget_before", number(milliseconds(message.forget_before)))]),
        Some(stale) => write.when(
            "attribute_not_exists(#pk) OR (#task_id = :stale_task AND #remembered_at = :stale_time)",
            [(":stale_task", text(&stale.task_id)), (":stale_time", number(stale.remembered_at))],
        ),
    }
}

/// Looks a message up. A client that sent the task another message, or canceled it, has had its answer: the same message after that is
/// a new one.
pub(super) async fn find(database: &DynamoDbDatabase, owner: &str, message: &RememberedMessage) -> Result<Found, StoreError> {
    let digest = digest(owner, message);
    let Some(item) = database.get(keys::sent(&digest)).await? else { return Ok(Found::Nothing) };
    let stale = Stale { task_id: item.text("task_id")?.to_owned(), remembered_at: item.number("remembered_at")? };
    if stale.remembered_at < milliseconds(message.forget_before) {
        return Ok(Found::Stale(stale));
    }
    let row = database.get(keys::row(&stale.task_id)).await?.unwrap_or_default();
    let in_turn = row.text_if_any("turn_message") == Some(&digest) && row.number_if_any("state") != Some(state_number(&TaskState::Canceled));
    Ok(if in_turn { Found::Task(stale.task_id) } else { Found::Stale(stale) })
}
