//! What a webhook is told (spec section 4.3.3).

use crate::{
    Dialect,
    dialect::{v0_1, v0_3, v1_0},
    types::{StreamResponse, Task},
    write::json,
};

/// What a webhook is called that an older client registered without naming it: most have one.
pub const DEFAULT_CONFIG: &str = "default";

/// The body of a notification: the event in v1.0; in older dialects `task`, the task as it stands after the event.
pub fn body(dialect: Dialect, event: &StreamResponse, task: &Task) -> String {
    match dialect {
        Dialect::V1_0 => json(&v1_0::StreamResponse(event)),
        Dialect::V0_3 => json(&v0_3::Task(v0_3::Form::JsonRpc, task)),
        Dialect::V0_1 => json(&v0_1::Task(task)),
    }
}

/// Whether a notification tells one event; otherwise it shows the task as it stands, so that one stands for all events before it.
pub const fn tells_events(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::V1_0)
}
