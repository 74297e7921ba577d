//! The agents that ship: research, analysis, and three for tests and benches. Each knows the engine's ports and no other backend.

#[cfg(feature = "sdk-executor")]
pub mod adapter;
pub mod analysis;
pub mod conformance;
pub mod echo;
pub mod reading;
pub mod registry;
pub mod research;
mod say;
pub mod steps;
#[cfg(test)]
mod testing;

pub use registry::{Dependencies, UnknownAgent, from_names, known_by_names};
