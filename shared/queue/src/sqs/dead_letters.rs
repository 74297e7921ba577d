//! What was given up: kept with the reason where the queue's redrive policy says.

use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use engine::ports::StoreError;
use serde_json::Value;

use super::{LONGEST_HIDDEN, Queue, SqsWorkQueue, posts, store_error};

/// The message attribute that says why.
const REASON: &str = "Reason";
/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 1000;

impl SqsWorkQueue {
    /// Puts a copy of a message with the reason to the dead letters, then deletes the message; a crash in between does it again later.
    ///
    /// Without a dead-letter queue it stays where it is, hidden for as long as SQS can: deleting it would lose it. Says whether it is gone.
    pub(super) async fn bury(&self, queue: &Queue, receipt: &str, body: String, reason: &str) -> Result<bool, StoreError> {
        let Some(dead_letters) = queue.dead_letters.get_or_try_init(|| self.dead_letters_of(queue)).await? else {
            let hours = LONGEST_HIDDEN.as_secs() / 3600;
            tracing::error!(queue = queue.url, receipt, reason, "work was given up, and the queue has no RedrivePolicy: hidden for {hours} h");
            return self.hide(queue, receipt, LONGEST_HIDDEN).await.map(|()| false);
        };
        let reason = MessageAttributeValue::builder().data_type("String").string_value(printable(reason)).build();
        let reason = reason.map_err(|error| StoreError::Failed(error.into()))?;
        let mut copy = self.client().await.send_message().queue_url(dead_letters).message_attributes(REASON, reason);
        if queue.is_fifo() {
            // So are its dead letters. In which order they lie doesn't matter.
            copy = copy.message_group_id("dead-letters").message_deduplication_id(posts::digest(&body));
        }
        copy.message_body(body).send().await.map_err(|error| store_error(dead_letters, error))?;
        self.delete(queue, receipt).await.map(|()| true)
    }

    /// A message that is no work: coming again wouldn't make it readable.
    pub(super) async fn bury_unread(&self, queue: &Queue, receipt: &str, body: &str) -> Result<bool, StoreError> {
        tracing::error!(queue = queue.url, "a message of the queue is no work");
        self.bury(queue, receipt, body.to_owned(), "the message is no work").await
    }

    async fn dead_letters_of(&self, queue: &Queue) -> Result<Option<String>, StoreError> {
        let attributes = self.attributes(queue, &[QueueAttributeName::RedrivePolicy]).await?;
        let policy = attributes.get(&QueueAttributeName::RedrivePolicy);
        Ok(policy.and_then(|policy| beside(&queue.url, policy)))
    }
}

/// The URL of the queue that a redrive policy names: dead letters stay within the account and region, so only the name differs.
fn beside(url: &str, policy: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let name = policy["deadLetterTargetArn"].as_str()?.rsplit(':').next()?;
    let (base, _) = url.trim_end_matches('/').rsplit_once('/')?;
    Some(format!("{base}/{name}"))
}

/// SQS takes no empty text and few control characters.
fn printable(reason: &str) -> String {
    let printable: String = reason.chars().take(LONGEST_REASON).map(|c| if c.is_control() || c > '\u{ffef}' { ' ' } else { c }).collect();
    if printable.trim().is_empty() { "no reason given".into() } else { printable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_lie_beside_their_queue() {
        let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:letters","maxReceiveCount":"50"}"#;
        let url = beside("https://sqs.eu-west-1.amazonaws.com/123456789012/work", policy);
        assert_eq!(url.as_deref(), Some("https://sqs.eu-west-1.amazonaws.com/123456789012/letters"));
        assert_eq!(beside("https://sqs.eu-west-1.amazonaws.com/123456789012/work", "{}"), None);
    }

    #[test]
    fn a_reason_is_text_that_sqs_takes() {
        assert_eq!(printable("refused:\n\u{0}503"), "refused:  503");
        assert_eq!(printable(" \u{0}"), "no reason given");
        assert_eq!(printable(&"x".repeat(2000)).len(), LONGEST_REASON);
    }
}
