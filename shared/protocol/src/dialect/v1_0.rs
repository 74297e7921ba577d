//! v1.0: ProtoJSON of the specification's proto.

mod read;
mod write;

pub(crate) use read::{call, history_length, list_tasks, method, no_message, webhook_url};
pub(crate) use write::{Reply, StreamResponse};
