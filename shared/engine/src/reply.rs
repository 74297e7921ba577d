//! What comes of a call.

use futures::stream::BoxStream;
use protocol::{A2aError, Answer, Dialect, types::StreamResponse};

/// What came of a call.
pub enum Reply {
    /// One answer.
    Answer {
        /// The answer.
        answer: Answer,
        /// The dialect that made the task that the answer shows; the call's own where there is none.
        dialect: Dialect,
    },
    /// Events until the task ends or is interrupted.
    Stream {
        /// In order. An `Err` is the last item.
        events: BoxStream<'static, Result<StreamItem, A2aError>>,
        /// The dialect that made the task.
        dialect: Dialect,
    },
    /// The caller may have the extended card of this agent, or of all (`None`, the default tenant): the edge assembles cards.
    ExtendedAgentCard {
        /// The agent's id.
        agent: Option<String>,
    },
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamItem {
    /// For `Last-Event-ID`. The first Task carries that of the last event it includes, 0 if none. `None` for a direct message, and for
    /// the Task that begins a resumed stream: the client's own `Last-Event-ID` goes on to hold.
    pub sequence: Option<u64>,
    /// What to tell.
    pub event: StreamResponse,
}
