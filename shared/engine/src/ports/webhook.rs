//! Sends one webhook request, safely: the backend refuses addresses that a client must not reach through us.

use async_trait::async_trait;

/// Posts to a client's URL.
#[async_trait]
pub trait WebhookSender: Send + Sync + 'static {
    /// Whether the URL could ever be called: `Err` says why not. No lookup, so that a config can be refused when it is made.
    fn check(&self, url: &str) -> Result<(), WebhookError>;

    /// One attempt: 10 s, no redirects, addresses checked as connected to.
    async fn post(&self, request: WebhookRequest) -> Result<(), WebhookError>;
}

/// What to post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRequest {
    /// Of the client's config.
    pub url: String,
    /// Names and values, credentials among them.
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: String,
}

/// Why it wasn't delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// No attempt will ever be made: the URL or its address is not allowed.
    #[error("the webhook URL is refused: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// Worth another try.
    #[error("the webhook wasn't delivered: {reason}")]
    Failed {
        /// Status or cause.
        reason: String,
    },
}
