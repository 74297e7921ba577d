//! v0.3 in its two encodings: `kind` discriminators in JSON-RPC, the proto's JSON in HTTP+JSON.

mod objects;
mod read;
mod write;

pub(crate) use objects::{Task, role_name, state_name};
pub(crate) use read::{call, method, no_config, push_notification_config, role, task_id};
pub(crate) use write::{PushNotificationConfig, Reply, StreamResponse};

use super::legacy_part::FileBytes;
use crate::push::DEFAULT_CONFIG;

/// Which of the two encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The JSON schema's.
    JsonRpc,
    /// The proto's. Its readers refuse every field that it doesn't have.
    Rest(FileBytes),
}
