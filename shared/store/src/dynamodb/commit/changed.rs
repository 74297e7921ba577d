//! What a change makes of a task, as the writes of its transaction.

use std::collections::BTreeMap;

use engine::ports::{Change, Expect, LeaseChange, NewTask, StoreError};

use super::{
    super::{
        attributes::failed,
        blobs::{Settled, Texts},
        jobs,
        known::{Known, KnownArtifact},
        places, push_configs,
        remembered::{self, Stale},
        transaction::Write,
    },
    children::Children,
    row::RowTexts,
};
use crate::values::{milliseconds, state_number};

/// A change, ready to be written.
pub(super) struct Changed {
    /// The row's comes first.
    pub(super) writes: Vec<Write>,
    pub(super) texts: Settled,
    pub(super) after: Known,
    /// Numbers and generations of artifacts that it replaces.
    pub(super) stale_artifacts: Vec<(u32, u32)>,
}

impl Changed {
    /// An error where the change doesn't follow what the row says, which would be a bug of the engine.
    pub(super) fn new(change: &Change, before: Option<&Known>, stale: Option<&Stale>) -> Result<Self, StoreError> {
        let mut after = match (&change.expect, before) {
            (Expect::New(task), _) => nothing(task),
            (Expect::Version(_), Some(before)) => before.clone(),
            (Expect::Version(_), None) => return Err(failed("a change of a task that isn't known")),
        };
        let stale_artifacts = advance(&mut after, change)?;

        let mut texts = Texts::default();
        let row = RowTexts::new(change, &after, &mut texts)?;
        let children = Children::new(change, &after, &mut texts)?;
        let mut texts = texts.settle(&change.task_id);

        let digest = change.remember.as_ref().map(|message| remembered::digest(&after.owner, message));
        let mut writes = vec![row.into_write(change, before, &mut after, &mut texts, digest.as_deref())];
        if let (Some(message), Some(digest)) = (&change.remember, &digest) {
            writes.push(remembered::remember(digest, message, &change.task_id, change.now, stale));
        }
        places::change(&mut writes, &change.task_id, before, Some(&after));
        children.write(&mut writes, &mut texts);
        for config in &change.push_configs {
            writes.push(push_configs::put(config)?);
        }
        writes.extend(jobs::enqueue_all(change, after.version)?);
        writes.extend(texts.keep());
        Ok(Changed { writes, texts, after, stale_artifacts })
    }
}

/// A task before it is made.
fn nothing(task: &NewTask) -> Known {
    Known {
        made: uuid::Uuid::new_v4().simple().to_string(),
        version: 0,
        owner: task.owner.clone(),
        agent: task.agent.clone(),
        context_id: task.context_id.clone(),
        state: 0,
        status_at: 0,
        last_sequence: 0,
        message_count: 0,
        artifacts: Vec::new(),
        lease_until: None,
        webhooks: Vec::new(),
        blobs: BTreeMap::new(),
    }
}

/// Brings what is known to where it is after the change; says which artifacts it replaces.
fn advance(task: &mut Known, change: &Change) -> Result<Vec<(u32, u32)>, StoreError> {
    if change.events.first().is_some_and(|event| event.sequence != task.last_sequence + 1) {
        return Err(out_of_order("events"));
    }
    if !change.messages.is_empty() && change.first_message_number != task.message_count {
        return Err(out_of_order("messages"));
    }
    let stale_artifacts = count_chunks(&mut task.artifacts, change)?;
    task.version += 1;
    task.state = state_number(&change.status.state);
    task.status_at = milliseconds(change.status.timestamp.unwrap_or(change.now));
    task.last_sequence += change.events.len() as u64;
    task.message_count += change.messages.len() as u64;
    match &change.lease {
        LeaseChange::Hold { until, .. } => task.lease_until = Some(milliseconds(*until)),
        LeaseChange::Release => task.lease_until = None,
        LeaseChange::Keep => {}
    }
    for id in change.push_configs.iter().filter_map(|config| config.config.id.as_ref()) {
        if let Err(place) = task.webhooks.binary_search(id) {
            task.webhooks.insert(place, id.clone());
        }
    }
    Ok(stale_artifacts)
}

fn count_chunks(artifacts: &mut Vec<KnownArtifact>, change: &Change) -> Result<Vec<(u32, u32)>, StoreError> {
    let known_before = artifacts.len();
    let mut replaced = BTreeMap::new();
    for chunk in &change.chunks {
        let index = usize::try_from(chunk.artifact_number).unwrap_or(usize::MAX);
        let known = artifacts.len();
        match artifacts.get_mut(index) {
            Some(artifact) if chunk.chunk_number == 0 => {
                if index < known_before {
                    replaced.entry(chunk.artifact_number).or_insert(artifact.generation);
                }
                *artifact = KnownArtifact { id: chunk.artifact.artifact_id.clone(), chunks: 1, generation: artifact.generation + 1 };
            }
            Some(artifact) if chunk.chunk_number == artifact.chunks => artifact.chunks += 1,
            None if chunk.chunk_number == 0 && index == known => {
                artifacts.push(KnownArtifact { id: chunk.artifact.artifact_id.clone(), chunks: 1, generation: 0 });
            }
            _ => return Err(out_of_order("artifact chunks")),
        }
    }
    Ok(replaced.into_iter().collect())
}

fn out_of_order(what: &str) -> StoreError {
    failed(format!("the change's {what} don't follow the task's"))
}
