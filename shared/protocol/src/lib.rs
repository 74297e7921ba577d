//! The A2A protocol as pure translation: what arrives becomes a [`Call`], what was done becomes an answer. No IO, no clock, no async.

pub mod call;
pub mod dialect;
pub mod error;

pub use a2a as types;
pub use call::{Answer, Call, Method, SendMessage};
pub use dialect::Dialect;
pub use error::{A2aError, FieldViolation};
