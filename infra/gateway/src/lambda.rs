//! Lambda's service, locally: the real bootstraps as processes behind the Runtime API, started on demand, frozen between invocations.

mod bootstraps;
mod environment;
mod function;
mod group;
mod logs;
mod pool;
mod response;
mod runtime_api;

pub use bootstraps::find;
pub use environment::KILLED;
pub use function::{Function, Reply, Service};
pub use group::ProcessGroup;
pub use response::{streamed, whole};

/// Why an invocation gave no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nobody waits for it any longer.
    TimedOut,
    /// As many run as may at the same time.
    Throttled,
    /// It failed, or what it said can't be understood.
    Failed(&'static str),
}
