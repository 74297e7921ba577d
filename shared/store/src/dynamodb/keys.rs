//! How the table's keys are spelled.

use std::{borrow::Cow, collections::HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use engine::ports::{QueueName, ReadyPost, Work};
use sha2::{Digest, Sha256};

/// An item, or its key.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Sort key of a task's row: after its messages, so that reading backwards gives the row first.
pub(super) const ROW: &str = "task";

/// Ranges of the index are cut into so many, so that busy ones spread over partitions.
pub(super) const INDEX_SHARDS: u8 = 4;
/// So many items share the counts of an owner's tasks of one agent: commits at once rarely meet in one.
pub(super) const COUNT_SHARDS: u8 = 8;

/// Longer parts of keys are hashed: a sort key may have 1,024 bytes.
const LONGEST_PART: usize = 300;

/// The key of an item.
pub(super) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), AttributeValue::S(pk.into())), ("sk".to_owned(), AttributeValue::S(sk.into()))])
}

/// A text as a part of a key: without the separator, neither empty nor long.
fn part(text: &str) -> Cow<'_, str> {
    if text.len() > LONGEST_PART {
        return format!("%sha256-{}", hex(&Sha256::digest(text))).into();
    }
    if text.contains(['%', '/']) { text.replace('%', "%25").replace('/', "%2F").into() } else { text.into() }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The partition of a task.
pub(super) fn task(task_id: &str) -> String {
    format!("task/{}", part(task_id))
}

pub(super) fn row(task_id: &str) -> Item {
    key(task(task_id), ROW)
}

/// Of the item whose last message, event or chunk has that number.
pub(super) fn numbered(kind: &str, last: u64) -> String {
    format!("{kind}/{last:020}")
}

pub(super) fn artifact(number: u32, generation: u32, last_chunk: u32) -> String {
    format!("{}/{last_chunk:010}", artifact_generation(number, generation))
}

pub(super) fn artifact_generation(number: u32, generation: u32) -> String {
    format!("artifact/{number:010}/{generation:010}")
}

/// Of an item with chunks of several artifacts.
pub(super) fn mixed_artifacts(version: u64, number: usize) -> String {
    format!("artifact/mixed/{version:020}/{number:04}")
}

pub(super) fn webhook(config_id: &str) -> String {
    format!("webhook/{}", part(config_id))
}

pub(super) fn blob(place: &str) -> String {
    format!("blob/{place}")
}

/// The place of a text in a set.
pub(super) fn blob_text(set: &str, text: usize) -> String {
    format!("{set}/{text:04}")
}

pub(super) fn blob_piece(set: &str, text: usize, piece: usize) -> String {
    format!("blob/{}/{piece:04}", blob_text(set, text))
}

pub(super) fn job(work: &Work) -> Item {
    match work {
        Work::RunTask { task_id } => key(task(task_id), "job/run-task"),
        Work::DeliverPush { task_id, config_id } => key(task(task_id), format!("job/deliver-push/{}", part(config_id))),
        Work::PostWebhook(ReadyPost { task_id, config_id, sequence, .. }) => {
            key(task(task_id), format!("job/post-webhook/{}/{sequence}", part(config_id)))
        }
    }
}

/// The tasks of an owner, agent and state.
pub(super) fn list(owner: &str, agent: &str, state: i16) -> String {
    format!("list/{}/{}/{state}", part(owner), part(agent))
}

/// A task's place in a list: the time first.
pub(super) fn place(status_at: i64, task_id: &str) -> String {
    format!("{}/{}", sortable(status_at), part(task_id))
}

/// Milliseconds so that texts sort as times do; what is before 1970 sorts as 1970.
pub(super) fn sortable(milliseconds: i64) -> String {
    format!("{:016}", milliseconds.max(0))
}

pub(super) fn context(owner: &str, context_id: &str) -> String {
    format!("context/{}/{}", part(owner), part(context_id))
}

/// A task's place in its context.
pub(super) fn in_context(owner: &str, context_id: &str, task_id: &str) -> Item {
    key(context(owner, context_id), format!("task/{}", part(task_id)))
}

pub(super) fn counts(owner: &str) -> String {
    format!("counts/{}", part(owner))
}

/// The shard of its owner's counts in which a task is counted.
pub(super) fn count_shard(agent: &str, task_id: &str) -> String {
    format!("{}/{}", part(agent), spread(task_id, COUNT_SHARDS))
}

pub(super) fn sent(digest: &str) -> Item {
    key(format!("sent/{digest}"), "sent")
}

/// Of work that is too much for the transaction of its commit.
pub(super) fn bundle(task_id: &str, version: u64) -> Item {
    key(task(task_id), numbered("job/bundle", version))
}

pub(super) fn dead_letters(queue: QueueName) -> String {
    format!("dead/{}", queue.as_str())
}

/// The documents of a corpus.
pub(super) fn documents(corpus: &str) -> String {
    format!("documents/{}", part(corpus))
}

/// A piece of what one put brought.
pub(super) fn pack_piece(set: &str, piece: usize) -> String {
    format!("pack/{set}/{piece:06}")
}

/// A range of the index for things of one task.
pub(super) fn due(what: &str, task_id: &str) -> String {
    format!("{what}/{}", spread(task_id, INDEX_SHARDS))
}

/// All ranges of the index for such things.
pub(super) fn due_shards(what: &str) -> impl Iterator<Item = String> + '_ {
    (0..INDEX_SHARDS).map(move |shard| format!("{what}/{shard}"))
}

/// The same for the same task in all versions of the program: lists of finished tasks don't need it, but counts stay small by it.
fn spread(task_id: &str, shards: u8) -> u8 {
    task_id.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % shards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_keys_are_told_apart_and_bounded() {
        assert_ne!(list("a/b", "c", 1), list("a", "b/c", 1));
        assert_ne!(list("a%2Fb", "c", 1), list("a/b", "c", 1));
        assert_ne!(context("", "x"), context("x", ""));
        let long = "ä".repeat(5000);
        assert!(place(1, &long).len() < 1024 && task(&long).len() < 1024);
        assert_ne!(task(&long), task(&format!("{long}x")));
    }

    #[test]
    fn places_sort_by_time() {
        assert!(place(9, "z") < place(10, "a"));
        assert!(place(-5, "a") < place(1, "a"));
        assert!(numbered("event", 9) < numbered("event", 10));
    }
}
