//! Calls clients' webhooks, and nothing that a client must not reach through us.

mod address;
mod resolver;
mod sender;
mod target;

pub use sender::ReqwestWebhookSender;
