//! The row of a task: what a change writes into it.

use aws_sdk_dynamodb::types::AttributeValue;
use engine::ports::{Change, Expect, LeaseChange, NewTask, StoreError};

use super::super::{
    attributes::{number, text, to_json},
    blobs::{self, IN_ROW, Settled, Slot, Texts},
    keys,
    known::Known,
    places,
    transaction::Write,
};
use crate::values::milliseconds;

/// Those of the row's texts that a change gives a new value.
pub(super) struct RowTexts(Vec<(&'static str, Slot)>);

impl RowTexts {
    pub(super) fn new(change: &Change, after: &Known, texts: &mut Texts) -> Result<Self, StoreError> {
        let mut new = vec![("status", texts.add(to_json(&change.status)?, IN_ROW))];
        if !change.chunks.is_empty() {
            new.push(("artifacts", texts.add(to_json(&after.artifacts)?, IN_ROW)));
        }
        if !change.push_configs.is_empty() {
            new.push(("webhooks", texts.add(to_json(&after.webhooks)?, IN_ROW)));
        }
        if let Some(metadata) = &change.request_metadata {
            new.push(("metadata", texts.add(to_json(metadata)?, IN_ROW)));
        }
        Ok(RowTexts(new))
    }

    /// The write of the row, conditional on what the change expects. Notes in `after` where large texts lie.
    pub(super) fn into_write(self, change: &Change, before: Option<&Known>, after: &mut Known, texts: &mut Settled, digest: Option<&str>) -> Write {
        let mut write = match (&change.expect, before) {
            (Expect::Version(version), Some(before)) => Write::update(keys::row(&change.task_id))
                .when("#version = :expected AND #made = :expected_made", [(":expected", number(version)), (":expected_made", text(&before.made))]),
            _ => Write::update(keys::row(&change.task_id)).when("attribute_not_exists(#pk)", []),
        };
        if let Expect::New(task) = &change.expect {
            write = fixed(write, &change.task_id, task, after);
        }
        for (name, slot) in self.0 {
            let value = texts.take(slot);
            match blobs::place(&value) {
                Some(place) => after.blobs.insert(name, place),
                None => after.blobs.remove(name),
            };
            write = write.set(name, value);
        }
        write = write
            .set("version", number(after.version))
            .set("state", number(after.state))
            .set("status_at", number(after.status_at))
            .set("last_sequence", number(after.last_sequence))
            .set("message_count", number(after.message_count))
            .set("attempts", number(change.attempts))
            .set("cancel_requested", AttributeValue::Bool(change.cancel_requested));
        if let Some(digest) = digest {
            write = write.set("turn_message", text(digest));
        }
        write = match &change.lease {
            LeaseChange::Hold { runner, until } => write.set("lease_runner", text(runner)).set("lease_until", number(milliseconds(*until))),
            LeaseChange::Release if before.is_some_and(|before| before.lease_until.is_some()) => write.remove("lease_runner").remove("lease_until"),
            LeaseChange::Release | LeaseChange::Keep => write,
        };
        match places::in_index(&change.task_id, after) {
            Some((queue, due)) => write.set("queue", text(queue)).set("due", number(due)),
            None if before.is_some() => write.remove("queue").remove("due"),
            None => write,
        }
    }
}

fn fixed(write: Write, task_id: &str, task: &NewTask, after: &Known) -> Write {
    write
        .set("id", text(task_id))
        .set("made", text(&after.made))
        .set("owner", text(&task.owner))
        .set("agent", text(&task.agent))
        .set("context_id", text(&task.context_id))
        .set("dialect", text(task.dialect.as_str()))
        .set("caller_role", text(&task.caller_role))
}
