//! Calls clients' webhooks, and nothing that a client must not reach through us.

mod address;
mod checks;
mod port;
mod resolver;
mod sender;
mod target;

pub use checks::WebhookChecks;
pub use sender::ReqwestWebhookSender;
