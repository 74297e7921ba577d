//! Says of webhooks whether they can be called, and calls none.

use async_trait::async_trait;
use engine::ports::{WebhookError, WebhookRequest, WebhookSender};

use crate::target;

/// For a function that takes configs, but leaves their webhooks to another one: it links no HTTP client for them.
pub struct WebhookChecks {
    allow_loopback: bool,
}

impl WebhookChecks {
    /// `allow_loopback` admits webhooks on this machine, for tests and laptops.
    pub fn new(allow_loopback: bool) -> Self {
        WebhookChecks { allow_loopback }
    }
}

#[async_trait]
impl WebhookSender for WebhookChecks {
    fn check(&self, url: &str) -> Result<(), WebhookError> {
        target::check(url, self.allow_loopback)
    }

    async fn post(&self, _: WebhookRequest) -> Result<(), WebhookError> {
        Err(WebhookError::Failed { reason: "this function calls no webhooks".into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_checked_is_never_called() {
        let checks = WebhookChecks::new(false);
        assert_eq!(checks.check("https://example.com/hook"), Ok(()));
        assert!(matches!(checks.check("http://127.0.0.1/"), Err(WebhookError::Refused { .. })));
        let request = WebhookRequest { url: "https://example.com/hook".into(), headers: vec![], body: "{}".into() };
        assert!(matches!(checks.post(request).await, Err(WebhookError::Failed { .. })));
    }
}
