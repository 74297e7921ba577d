//! What tests say and hear, and a log of it all that stands in for the store.

use std::{sync::Arc, time::Duration};

use engine::ports::{EventBus, SequencedEvent, Signal};
use futures::{StreamExt, stream::BoxStream};
use parking_lot::Mutex;
use protocol::types::{StreamResponse, TaskState, TaskStatus, TaskStatusUpdateEvent};

/// A task that nobody else speaks of.
pub fn task() -> String {
    uuid::Uuid::new_v4().to_string()
}

pub fn events(sequence: u64) -> Signal {
    let status = TaskStatus { state: TaskState::Working, message: None, timestamp: None };
    let event = StreamResponse::StatusUpdate(TaskStatusUpdateEvent { task_id: "t".into(), context_id: "c".into(), status, metadata: None });
    Signal::Events(Arc::new([SequencedEvent { sequence, event }]))
}

pub fn sequence(signal: &Signal) -> Option<u64> {
    match signal {
        Signal::Events(events) => events.first().map(|event| event.sequence),
        Signal::Cancel { .. } | Signal::Gap => None,
    }
}

pub async fn next(listener: &mut BoxStream<'static, Signal>) -> Signal {
    tokio::time::timeout(Duration::from_secs(20), listener.next()).await.expect("a signal within 20 s").expect("the stream goes on")
}

/// The next signal that isn't a gap, which may come at any time.
pub async fn next_but_gaps(listener: &mut BoxStream<'static, Signal>) -> Signal {
    loop {
        match next(listener).await {
            Signal::Gap => {}
            signal => return signal,
        }
    }
}

/// The events of one task, stored before they are told.
#[derive(Clone)]
pub struct Log {
    pub task: String,
    last: Arc<Mutex<u64>>,
}

impl Log {
    pub fn new() -> Self {
        Log { task: task(), last: Arc::default() }
    }

    pub fn last(&self) -> u64 {
        *self.last.lock()
    }

    /// Stores the next event and tells of it.
    pub async fn tell(&self, bus: &dyn EventBus) {
        let sequence = {
            let mut last = self.last.lock();
            *last += 1;
            *last
        };
        bus.publish(&self.task, events(sequence)).await;
    }

    /// Follows as the engine does, but never looks at the log unless the bus says so or leaves something out. Ends at `until`.
    pub async fn follow(self, mut signals: BoxStream<'static, Signal>, until: u64) {
        // The place is read after subscribing.
        let mut after = self.last();
        while after < until {
            let signal = next(&mut signals).await;
            match &signal {
                Signal::Events(events) if events[0].sequence <= after + 1 => after = after.max(events[events.len() - 1].sequence),
                Signal::Events(_) | Signal::Gap => after = self.last(),
                Signal::Cancel { .. } => {}
            }
        }
        assert_eq!(after, until, "nothing is told before it is stored");
    }
}
