//! One attempt to deliver to a webhook.

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use engine::ports::{WebhookError, WebhookRequest, WebhookSender};
use reqwest::{
    Client, Response,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use tokio::{sync::OnceCell, time::timeout};

use crate::{
    resolver::{self, FilteringResolver, Lookup, NoAllowedAddress},
    target,
};

/// One attempt, from the lookup to the last byte that is read.
const ATTEMPT: Duration = Duration::from_secs(10);
/// A reply is of no interest; a short one is read so that the connection can be used again.
const MAX_REPLY_BYTES: usize = 64 * 1024;
/// See [`MAX_REPLY_BYTES`].
const MAX_REPLY_TIME: Duration = Duration::from_secs(1);

/// Posts through reqwest: no redirects, no proxy, no address that isn't public.
pub struct ReqwestWebhookSender {
    allow_loopback: bool,
    lookup: Lookup,
    attempt: Duration,
    /// Made when the first webhook is called: reading the trusted certificates takes a while.
    client: OnceCell<Client>,
}

impl ReqwestWebhookSender {
    /// `allow_loopback` admits webhooks on this machine, for tests and laptops.
    pub fn new(allow_loopback: bool) -> Self {
        ReqwestWebhookSender { allow_loopback, lookup: resolver::system(), attempt: ATTEMPT, client: OnceCell::new() }
    }

    async fn client(&self) -> Result<&Client, WebhookError> {
        let build = async || {
            // Refused where somebody said so before.
            let _ = rustls::crypto::ring::default_provider().install_default();
            Client::builder()
                .dns_resolver(Arc::new(FilteringResolver { lookup: self.lookup.clone(), allow_loopback: self.allow_loopback }))
                .redirect(Policy::none())
                .no_proxy()
                .referer(false)
                .timeout(self.attempt)
                .pool_max_idle_per_host(2)
                .pool_idle_timeout(Duration::from_secs(30))
                .user_agent(concat!("a2a-lambda/", env!("CARGO_PKG_VERSION")))
                .build()
        };
        self.client.get_or_try_init(build).await.map_err(|error| failed(&error))
    }
}

#[async_trait]
impl WebhookSender for ReqwestWebhookSender {
    fn check(&self, url: &str) -> Result<(), WebhookError> {
        target::check(url, self.allow_loopback)
    }

    async fn post(&self, request: WebhookRequest) -> Result<(), WebhookError> {
        let url = target::parse(&request.url, self.allow_loopback).map_err(|reason| WebhookError::Refused { reason })?;
        let headers = headers(&request.headers)?;
        let sent = self.client().await?.post(url).headers(headers).body(request.body).send().await;
        let response = sent.map_err(|error| outcome(error.without_url(), self.attempt))?;
        let status = response.status();
        drop_reply(response).await;
        if status.is_success() { Ok(()) } else { Err(WebhookError::Failed { reason: format!("it answered {status}") }) }
    }
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, WebhookError> {
    let mut headers = HeaderMap::with_capacity(pairs.len() + 1);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in pairs {
        let refused = || WebhookError::Refused { reason: format!("the header `{name}` can't be sent") };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| refused())?);
    }
    Ok(headers)
}

fn outcome(error: reqwest::Error, attempt: Duration) -> WebhookError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<NoAllowedAddress>() {
            return WebhookError::Refused { reason: refusal.to_string() };
        }
        cause = error.source();
    }
    if error.is_timeout() {
        return WebhookError::Failed { reason: format!("no answer within {} s", attempt.as_secs_f32()) };
    }
    failed(&error)
}

/// The innermost cause says most.
fn failed(error: &reqwest::Error) -> WebhookError {
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    WebhookError::Failed { reason: innermost.to_string() }
}

async fn drop_reply(mut response: Response) {
    let read = async {
        let mut bytes = 0;
        while bytes <= MAX_REPLY_BYTES {
            match response.chunk().await {
                Ok(Some(chunk)) => bytes += chunk.len(),
                _ => break,
            }
        }
    };
    // How it ends doesn't matter: the status has been read.
    let _ = timeout(MAX_REPLY_TIME, read).await;
}

#[cfg(test)]
mod tests;
