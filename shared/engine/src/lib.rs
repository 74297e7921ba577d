//! What A2A means: tasks, their states, who runs them and who hears of it. Knows no protocol version and no HTTP.

mod caller;
mod engine;
pub mod ports;

pub use caller::{CallContext, Caller, Role};
pub use engine::{Engine, EngineSettings, Ports, Reply, StreamItem, SweepReport, WorkOutcome};
