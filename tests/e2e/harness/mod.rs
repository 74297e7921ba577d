//! What every test stands on: a server to speak to, its answers, its events, and an inbox for its webhooks.

mod backend;
mod events;
mod identity_provider;
mod inbox;
pub mod load;
mod pdf;
pub mod server;
mod stand_in;
mod tools;
mod v1;

pub use backend::{Backend, Place};
pub use events::{Event, Events};
pub use identity_provider::{IdentityProvider, SigningKey};
pub use inbox::Inbox;
pub use load::{AT_ONCE, load, said};
pub use pdf::pdf_of;
pub use server::{Answered, Server, answered, how_functions_run};
pub use stand_in::StandIn;
pub use tools::tool;
pub use v1::{data_message, first_artifact, message, say, state, text_of};
