//! How a signal looks in Redis: the keys of streams, and the entries in them.

use std::{fmt, str::FromStr, sync::Arc};

use engine::ports::{SequencedEvent, Signal};
use protocol::types::StreamResponse;
use redis::{Cmd, Value, cmd, from_redis_value, streams::StreamId};

/// How many hash tags there are. All streams of a tag can be read by one command, in a cluster too. Every process has to count alike.
pub(super) const BUCKETS: usize = 16;
/// An entry that is larger says only that there is something to read in the store.
const LARGEST_ENTRY_BYTES: usize = 64 * 1024;
/// A stream keeps about so many entries. Who is behind by more reads the store.
const KEPT_ENTRIES: usize = 128;
/// A stream that nothing is said in for so long is gone.
const KEPT_SECONDS: usize = 600;

const ORIGIN: &str = "o";
const EVENTS: &str = "e";
const CANCEL: &str = "c";
const GAP: &str = "g";

/// The bucket of a task.
pub(super) fn bucket_of(task_id: &str) -> usize {
    // FNV-1a, because the standard library's hash may change between versions.
    let hash = task_id.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize % BUCKETS
}

/// What the keys of a bucket's tasks begin with.
pub(super) fn task_prefix(bucket: usize) -> String {
    format!("{{a2a:{bucket:02}}}:task/")
}

/// The stream by which a process rouses its own reader of a bucket.
pub(super) fn rouse_key(bucket: usize, origin: &str) -> String {
    format!("{{a2a:{bucket:02}}}:rouse/{origin}")
}

/// A place in a stream: milliseconds and a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Position(u64, u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        let (milliseconds, number) = id.split_once('-').unwrap_or((id, "0"));
        Ok(Position(milliseconds.parse()?, number.parse()?))
    }
}

/// The commands that append a signal to its task's stream.
pub(super) fn append(task_id: &str, origin: &str, signal: &Signal) -> [Cmd; 2] {
    let (field, value) = match signal {
        Signal::Events(events) => match encode(events) {
            Some(value) => (EVENTS, value),
            None => (GAP, Vec::new()),
        },
        Signal::Cancel { version } => (CANCEL, version.to_string().into_bytes()),
        Signal::Gap => (GAP, Vec::new()),
    };
    append_field(&format!("{}{task_id}", task_prefix(bucket_of(task_id))), origin, field, &value)
}

/// The commands that rouse this process's reader of a bucket.
pub(super) fn rouse(bucket: usize, origin: &str) -> [Cmd; 2] {
    append_field(&rouse_key(bucket, origin), origin, GAP, b"")
}

fn append_field(key: &str, origin: &str, field: &str, value: &[u8]) -> [Cmd; 2] {
    let mut add = cmd("XADD");
    add.arg(key).arg("MAXLEN").arg("~").arg(KEPT_ENTRIES).arg("*").arg(ORIGIN).arg(origin).arg(field).arg(value);
    let mut expire = cmd("EXPIRE");
    expire.arg(key).arg(KEPT_SECONDS);
    [add, expire]
}

/// Events as pairs of sequence and event; `None` where that is too much to carry around.
fn encode(events: &[SequencedEvent]) -> Option<Vec<u8>> {
    let pairs: Vec<(u64, &StreamResponse)> = events.iter().map(|event| (event.sequence, &event.event)).collect();
    serde_json::to_vec(&pairs).ok().filter(|value| value.len() <= LARGEST_ENTRY_BYTES)
}

/// What another process said; `None` for this one's own words. What isn't understood, as from another version, is a gap.
pub(super) fn signal(entry: &StreamId, origin: &str) -> Option<Signal> {
    if matches!(entry.map.get(ORIGIN), Some(Value::BulkString(from)) if from == origin.as_bytes()) {
        return None;
    }
    let events = || {
        let Some(Value::BulkString(value)) = entry.map.get(EVENTS) else { return None };
        let pairs: Vec<(u64, StreamResponse)> = serde_json::from_slice(value).ok()?;
        Some(Signal::Events(pairs.into_iter().map(|(sequence, event)| SequencedEvent { sequence, event }).collect::<Arc<[_]>>()))
    };
    let cancel = || from_redis_value(entry.map.get(CANCEL)?.clone()).ok().map(|version| Signal::Cancel { version });
    Some(events().or_else(cancel).unwrap_or(Signal::Gap))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use protocol::types::{TaskState, TaskStatus, TaskStatusUpdateEvent};

    use super::*;

    fn event(text_bytes: usize) -> SequencedEvent {
        let status = TaskStatus { state: TaskState::Working, message: None, timestamp: None };
        let task_id = "t".repeat(text_bytes);
        let update = TaskStatusUpdateEvent { task_id, context_id: "c".into(), status, metadata: None };
        SequencedEvent { sequence: 3, event: StreamResponse::StatusUpdate(update) }
    }

    fn read(field: &str, content: &[u8], reader: &str) -> Option<Signal> {
        let field = (field.to_owned(), Value::BulkString(content.to_vec()));
        let map = HashMap::from([(ORIGIN.to_owned(), Value::BulkString(b"writer".to_vec())), field]);
        signal(&StreamId { map, ..StreamId::default() }, reader)
    }

    #[test]
    fn events_come_back_as_they_were() {
        let events = [event(1), SequencedEvent { sequence: 4, ..event(2) }];
        let Some(Signal::Events(read)) = read(EVENTS, &encode(&events).unwrap(), "reader") else { panic!("no events") };
        assert_eq!(*read, events);
    }

    #[test]
    fn what_is_too_large_or_not_understood_is_a_gap() {
        assert_eq!(encode(&[event(LARGEST_ENTRY_BYTES)]), None);
        assert!(matches!(read(EVENTS, b"{}", "reader"), Some(Signal::Gap)));
        assert!(matches!(read("z", b"1", "reader"), Some(Signal::Gap)));
        assert!(matches!(read(CANCEL, b"12", "reader"), Some(Signal::Cancel { version: 12 })));
    }

    #[test]
    fn ones_own_words_are_not_heard() {
        assert!(read(CANCEL, b"12", "writer").is_none());
    }

    #[test]
    fn positions_are_ordered_by_time_and_then_by_number() {
        let position = |id: &str| id.parse::<Position>().unwrap();
        assert!(position("9-0") < position("10-0") && position("10-2") < position("10-10"));
        assert_eq!(position("17-3").to_string(), "17-3");
    }

    #[test]
    fn tasks_are_spread_over_all_buckets() {
        let used: std::collections::HashSet<usize> = (0..400).map(|n| bucket_of(&format!("task-{n}"))).collect();
        assert_eq!(used.len(), BUCKETS);
        assert_eq!(bucket_of("a task"), 1, "another number would divide processes of two versions");
    }
}
