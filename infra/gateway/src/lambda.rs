//! Lambda's service, locally: the real bootstraps as processes behind the Runtime API, started on demand, frozen between invocations.

mod bootstraps;
mod environment;
mod function;
mod logs;
mod response;
mod runtime_api;

pub use bootstraps::find;
pub use function::{Function, Reply};
pub use response::{streamed, whole};

/// Why an invocation gave no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It was killed at its timeout, or nobody waits for it any longer.
    TimedOut,
    /// It failed, or what it said can't be understood.
    Failed(&'static str),
}
