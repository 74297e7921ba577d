//! The A2A protocol as pure translation: what arrives becomes a [`Call`], what was done becomes an answer. No IO, no clock, no async.
//!
//! A binding ([`json_rpc`], [`rest`]) knows envelopes and routes; a dialect knows the names and shapes of one generation of the
//! protocol. Neither knows the other's business: any dialect can be written through any binding that it ever had.

pub mod bounds;
pub mod call;
pub mod card;
pub mod dialect;
pub mod error;
pub mod extensions;
mod fields;
pub mod json_rpc;
pub mod push;
pub mod rest;
mod write;

pub use a2a as types;
pub use call::{Answer, Call, Method, SendMessage};
pub use dialect::Dialect;
pub use error::{A2aError, FieldViolation};

/// The type of an agent as clients of the v0.1 server read it: `AgentType.RESEARCH` for `research`.
pub fn agent_type(agent_id: &str) -> String {
    format!("AgentType.{}", agent_id.to_uppercase().replace('-', "_"))
}
