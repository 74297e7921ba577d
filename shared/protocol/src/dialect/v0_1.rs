//! v0.1: `tasks/send`, `type` parts, `sessionId`, flat tasks, artifacts by index.

mod read;
mod write;

pub(crate) use read::{call, method};
pub(crate) use write::{Reply, StreamResponse, Task};
