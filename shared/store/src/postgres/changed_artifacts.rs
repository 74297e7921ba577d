//! What a change does to a task's artifacts.

use std::collections::BTreeMap;

use engine::ports::{ArtifactChunk, StoreError};
use protocol::types::Artifact;

use super::{names, values::to_json};

/// The chunks of one change by their artifacts.
pub(super) struct ChangedArtifacts<'a> {
    chunks: &'a [ArtifactChunk],
    by_number: BTreeMap<u32, Changed<'a>>,
}

struct Changed<'a> {
    id: &'a str,
    /// How many chunks it must have before; 0 where the change makes or replaces it.
    before: u32,
    after: u32,
    /// Where in the change the chunks begin that stay.
    kept_from: usize,
}

impl<'a> ChangedArtifacts<'a> {
    /// Fails where the chunks of an artifact don't follow each other, which would be a bug of the engine.
    pub(super) fn of(chunks: &'a [ArtifactChunk]) -> Result<Self, StoreError> {
        let mut by_number: BTreeMap<u32, Changed<'a>> = BTreeMap::new();
        for (index, chunk) in chunks.iter().enumerate() {
            let (id, number) = (chunk.artifact.artifact_id.as_str(), chunk.chunk_number);
            match by_number.get_mut(&chunk.artifact_number) {
                Some(changed) if number == 0 => *changed = Changed { id, before: 0, after: 1, kept_from: index },
                Some(changed) if number == changed.after => changed.after += 1,
                Some(_) => return Err(StoreError::Failed("the change's artifact chunks don't follow each other".into())),
                None => {
                    by_number.insert(chunk.artifact_number, Changed { id, before: number, after: number + 1, kept_from: index });
                }
            }
        }
        Ok(ChangedArtifacts { chunks, by_number })
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    /// Whether these can be all artifacts of a task.
    pub(super) fn are_all(&self) -> bool {
        self.by_number.iter().zip(0..).all(|((number, changed), place)| *number == place && changed.before == 0)
    }

    /// What `tasks.artifacts` must contain before; `None` where anything will do.
    pub(super) fn before(&self) -> Result<Option<String>, StoreError> {
        let known: BTreeMap<u32, [u32; 1]> =
            self.by_number.iter().filter(|(_, changed)| changed.before > 0).map(|(number, changed)| (*number, [changed.before])).collect();
        if known.is_empty() { Ok(None) } else { to_json(&known).map(Some) }
    }

    /// What `tasks.artifacts` has of these afterwards; `None` where no artifact changes.
    pub(super) fn after(&self) -> Result<Option<String>, StoreError> {
        if self.is_empty() {
            return Ok(None);
        }
        let after: BTreeMap<u32, _> = self.by_number.iter().map(|(number, changed)| (*number, (names::column(changed.id), changed.after))).collect();
        to_json(&after).map(Some)
    }

    /// The chunks that nothing in the same change replaces, in order.
    pub(super) fn kept(&self) -> impl Iterator<Item = &'a ArtifactChunk> {
        let kept =
            |(index, chunk): &(usize, &ArtifactChunk)| self.by_number.get(&chunk.artifact_number).is_some_and(|changed| *index >= changed.kept_from);
        self.chunks.iter().enumerate().filter(kept).map(|(_, chunk)| chunk)
    }

    /// As `tasks.chunks`.
    pub(super) fn inline(&self) -> Result<Option<String>, StoreError> {
        let chunks: Vec<(u32, &Artifact)> = self.kept().map(|chunk| (chunk.artifact_number, &chunk.artifact)).collect();
        if chunks.is_empty() { Ok(None) } else { to_json(&chunks).map(Some) }
    }
}
