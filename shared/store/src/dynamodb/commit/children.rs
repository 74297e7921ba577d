//! What a change appends to a task: messages, events and chunks of artifacts, many small ones in one item.

use std::collections::{BTreeMap, HashMap};

use engine::ports::{Change, StoreError};

use super::super::{
    attributes::{failed, to_json},
    blobs::{IN_ITEM, Settled, Slot, Texts},
    keys::{self, Item},
    known::Known,
    transaction::Write,
};

/// Bytes from which on an item takes no more messages: who reads the latest message reads all of its item.
const MESSAGES_TOGETHER: usize = 32 * 1024;
/// The same for events and chunks, which are read together.
const TOGETHER: usize = 128 * 1024;
/// A change's messages are in about so many items at most, and so are its events, and its chunks: a transaction has 100.
const MOST_ITEMS: usize = 8;
/// Chunks of more artifacts than this share items.
const MOST_ARTIFACTS: usize = 16;

/// Items of a change, in order.
pub(super) struct Children(Vec<(Item, Slot)>);

impl Children {
    pub(super) fn new(change: &Change, after: &Known, texts: &mut Texts) -> Result<Self, StoreError> {
        let pk = keys::task(&change.task_id);
        let mut items = Vec::new();
        let mut add = |sk: String, text: String| items.push((keys::key(&pk, sk), texts.add(text, IN_ITEM)));

        let messages = change.messages.iter().map(to_json).collect::<Result<Vec<_>, _>>()?;
        let mut number = change.first_message_number;
        for (count, text) in together(&messages, MESSAGES_TOGETHER) {
            number += count as u64;
            add(keys::numbered("message", number - 1), text);
        }
        let events = change.events.iter().map(|event| to_json(&event.event)).collect::<Result<Vec<_>, _>>()?;
        let mut sequence = change.events.first().map_or(0, |event| event.sequence);
        for (count, text) in together(&events, TOGETHER) {
            sequence += count as u64;
            add(keys::numbered("event", sequence - 1), text);
        }
        let chunks = last_generations(change, after)?;
        if chunks.len() <= MOST_ARTIFACTS {
            for ((artifact, generation), chunks) in chunks {
                let (numbers, texts): (Vec<u32>, Vec<String>) = chunks.into_iter().unzip();
                let mut done = 0;
                for (count, text) in together(&texts, TOGETHER) {
                    done += count;
                    add(keys::artifact(artifact, generation, numbers[done - 1]), text);
                }
            }
        } else {
            let mixed: Vec<String> = chunks.into_values().flatten().map(|(_, text)| text).collect();
            for (n, (_, text)) in together(&mixed, TOGETHER).into_iter().enumerate() {
                add(keys::mixed_artifacts(after.version, n), text);
            }
        }
        Ok(Children(items))
    }

    pub(super) fn write(self, writes: &mut Vec<Write>, texts: &mut Settled) {
        for (mut item, slot) in self.0 {
            item.insert("text".to_owned(), texts.take(slot));
            writes.push(Write::put(item));
        }
    }
}

/// By artifact and generation, those chunks that the change doesn't replace itself: numbers and texts, which name their place.
#[expect(clippy::type_complexity, reason = "it is local to this file")]
fn last_generations(change: &Change, after: &Known) -> Result<BTreeMap<(u32, u32), Vec<(u32, String)>>, StoreError> {
    let last_firsts: HashMap<u32, usize> =
        change.chunks.iter().enumerate().filter(|(_, chunk)| chunk.chunk_number == 0).map(|(n, chunk)| (chunk.artifact_number, n)).collect();
    let mut kept: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (n, chunk) in change.chunks.iter().enumerate() {
        if last_firsts.get(&chunk.artifact_number).is_some_and(|first| n < *first) {
            continue;
        }
        let artifact = after.artifacts.get(chunk.artifact_number as usize).ok_or_else(|| failed("a chunk of no artifact"))?;
        let text = to_json(&(chunk.artifact_number, artifact.generation, chunk.chunk_number, &chunk.artifact))?;
        kept.entry((chunk.artifact_number, artifact.generation)).or_default().push((chunk.chunk_number, text));
    }
    Ok(kept)
}

/// Neighbours as JSON arrays of some size: how many are in each, and its text.
fn together(texts: &[String], size: usize) -> Vec<(usize, String)> {
    let size = size.max(texts.iter().map(String::len).sum::<usize>() / MOST_ITEMS);
    let mut arrays: Vec<(usize, String)> = Vec::new();
    for text in texts {
        match arrays.last_mut() {
            Some((count, array)) if array.len() + text.len() <= size => {
                array.push(',');
                array.push_str(text);
                *count += 1;
            }
            _ => arrays.push((1, format!("[{text}"))),
        }
    }
    for (_, array) in &mut arrays {
        array.push(']');
    }
    arrays
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_an_item_up_to_its_size() {
        let texts: Vec<String> = ["1", "22", "333"].map(String::from).to_vec();
        assert_eq!(together(&texts, 100), [(3, "[1,22,333]".to_owned())]);
        assert_eq!(together(&texts, 5), [(2, "[1,22]".to_owned()), (1, "[333]".to_owned())]);
        assert_eq!(together(&[], 5), []);
    }

    #[test]
    fn many_large_neighbours_are_few_items() {
        let texts = vec!["x".repeat(1000); 500];
        let arrays = together(&texts, 1000);
        assert!(arrays.len() <= 2 * MOST_ITEMS + 1, "{}", arrays.len());
        assert_eq!(arrays.iter().map(|(count, _)| count).sum::<usize>(), 500);
    }
}
