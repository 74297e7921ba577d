//! Delivers events to webhooks: in order per webhook, at least once, for a day (spec section 4.3.3).

use std::{fmt::Write, time::Duration};

use chrono::{DateTime, Utc};
use protocol::push;
use ring::hmac;

use crate::{
    Engine, WorkOutcome,
    ports::{HandedOver, PushConfig, ReadyPost, SequencedEvent, StoreError, View, WebhookError, WebhookRequest},
    turn::traceparent,
    work::pause,
};

/// So long a delivery is tried.
const TRIED_FOR: Duration = Duration::from_secs(24 * 3600);
/// The headers with what a webhook's config has of credentials.
pub(crate) const AUTHORIZATION: &str = "Authorization";
pub(crate) const NOTIFICATION_TOKEN: &str = "X-A2A-Notification-Token";
const EVENTS_AT_ONCE: u32 = 100;

type Bodies = (Option<String>, Vec<(u64, String)>);

impl Engine {
    /// Delivers to a webhook what it hasn't had. `attempt` counts from 1 since `queued_at`; together they say what a failure means.
    pub async fn deliver_push(&self, task_id: &str, config_id: &str, attempt: u32, queued_at: DateTime<Utc>) -> Result<WorkOutcome, StoreError> {
        let configs = self.ports().tasks.push_configs_of_any_owner(task_id).await?;
        let Some(mut config) = configs.into_iter().find(|config| config.config.id.as_deref() == Some(config_id)) else {
            return Ok(WorkOutcome::Done);
        };
        loop {
            let events = self.ports().tasks.events(task_id, config.cursor, EVENTS_AT_ONCE).await?;
            let Some(last) = events.last().map(|event| event.sequence) else { return Ok(WorkOutcome::Done) };
            let (trace, bodies) = self.bodies(task_id, &config, &events, last).await?;
            for (sequence, body) in bodies {
                let mut post = ready_post(task_id, config_id, sequence, &config, body);
                post.headers.extend(trace.iter().map(|trace| ("traceparent".to_owned(), trace.clone())));
                let posted = match self.ports().queue.hand_over(&post).await? {
                    HandedOver::Yes => Ok(()),
                    HandedOver::No => self.post(&post).await,
                    HandedOver::Never { reason } => Err(WebhookError::Refused { reason }),
                };
                if let Err(error) = posted {
                    return Ok(self.after_failure(task_id, config_id, error, attempt, queued_at));
                }
                // Whoever moved the cursor delivers the rest.
                if !self.ports().tasks.advance_push_cursor(task_id, config_id, config.cursor, sequence).await? {
                    return Ok(WorkOutcome::Done);
                }
                config.cursor = sequence;
            }
            if config.cursor < last {
                // The task is gone, so there is nothing to show.
                return Ok(WorkOutcome::Done);
            }
        }
    }

    /// Makes a post that another process had ready. `attempt` and `queued_at` as in [`Self::deliver_push`].
    pub async fn post_webhook(&self, post: &ReadyPost, attempt: u32, queued_at: DateTime<Utc>) -> WorkOutcome {
        match self.post(post).await {
            Ok(()) => WorkOutcome::Done,
            Err(error) => self.after_failure(&post.task_id, &post.config_id, error, attempt, queued_at),
        }
    }

    /// The trace that the posts go on with, and what is to be posted, each with the sequence of the last event that it covers.
    async fn bodies(&self, task_id: &str, config: &PushConfig, events: &[SequencedEvent], last: u64) -> Result<Bodies, StoreError> {
        let view = if push::tells_events(config.dialect) { View::STATUS } else { View::WHOLE };
        let Some(stored) = self.ports().tasks.task_of_any_owner(task_id, view).await? else { return Ok((None, Vec::new())) };
        let body = |event: &SequencedEvent| push::body(config.dialect, &event.event, &stored.task);
        let bodies = if push::tells_events(config.dialect) {
            events.iter().map(|event| (event.sequence, body(event))).collect()
        } else {
            events.last().map(|event| (last, body(event))).into_iter().collect()
        };
        Ok((traceparent(&stored).map(str::to_owned), bodies))
    }

    fn after_failure(&self, task_id: &str, config_id: &str, error: WebhookError, attempt: u32, queued_at: DateTime<Utc>) -> WorkOutcome {
        let tried_for = self.now().signed_duration_since(queued_at).to_std().unwrap_or_default();
        let given_up = matches!(error, WebhookError::Refused { .. }) || tried_for >= TRIED_FOR;
        if given_up {
            tracing::warn!(task_id, config_id, %error, attempt, "a webhook is given up");
            return WorkOutcome::Park { reason: error.to_string() };
        }
        tracing::info!(task_id, config_id, %error, attempt, "a webhook wasn't reached; it is tried again");
        WorkOutcome::Retry { delay: pause(attempt) }
    }

    async fn post(&self, post: &ReadyPost) -> Result<(), WebhookError> {
        let mut headers = self.opened_headers(post).await.map_err(|error| WebhookError::Failed { reason: error.to_string() })?;
        if let Some(key) = &self.settings().webhook_key {
            let key = key.bring().await.map_err(|error| WebhookError::Failed { reason: format!("the key that signs it isn't there: {error}") })?;
            headers.push(("X-A2A-Signature".to_owned(), signature(&key, self.now(), &post.body)));
        }
        self.ports().webhooks.post(WebhookRequest { url: post.url.clone(), headers, body: post.body.clone() }).await
    }
}

/// With credentials as they are stored, which is sealed: a queue may lie between this and the webhook.
fn ready_post(task_id: &str, config_id: &str, sequence: u64, config: &PushConfig, body: String) -> ReadyPost {
    let config = &config.config;
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    if let Some(authentication) = &config.authentication {
        let credentials = authentication.credentials.as_deref().unwrap_or_default();
        headers.push((AUTHORIZATION.to_owned(), format!("{} {credentials}", authentication.scheme).trim_end().to_owned()));
    }
    if let Some(token) = &config.token {
        headers.push((NOTIFICATION_TOKEN.to_owned(), token.clone()));
    }
    ReadyPost { task_id: task_id.to_owned(), config_id: config_id.to_owned(), sequence, url: config.url.clone(), headers, body }
}

/// The time is signed along, so that a receiver can refuse what somebody replays later.
fn signature(key: &[u8], now: DateTime<Utc>, body: &str) -> String {
    let time = now.timestamp();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("{time}.{body}").as_bytes());
    tag.as_ref().iter().fold(format!("t={time},v1="), |mut header, byte| {
        let _ = write!(header, "{byte:02x}");
        header
    })
}
