//! Posts that are ready, on their way to those who can make them: in order for each webhook, whatever comes twice.

use std::fmt::Write;

use engine::ports::{HandedOver, ReadyPost, StoreError, Work};
use sha2::{Digest, Sha256};

use super::{Queue, SqsWorkQueue, outbox, store_error};

/// The largest message that SQS takes.
const LARGEST_BYTES: usize = 1024 * 1024;

impl SqsWorkQueue {
    /// SQS holds back a webhook's next post while one is being tried, and drops for five minutes what it has had: whoever hands over again
    /// after a crash mostly does no harm, and else sends what the webhook has heard, as webhooks are.
    pub(super) async fn send_post(&self, queue: &Queue, post: &ReadyPost) -> Result<HandedOver, StoreError> {
        let work = Work::PostWebhook(post.clone());
        let body = outbox::body(&work)?;
        if body.len() > LARGEST_BYTES {
            return Ok(HandedOver::Never { reason: format!("what it is to hear has {} bytes, and a message takes {LARGEST_BYTES}", body.len()) });
        }
        let webhook = format!("{}/{}", post.task_id, post.config_id);
        let message = self.client().await.send_message().queue_url(&queue.url).message_body(body);
        let message = message.message_group_id(digest(&webhook)).message_deduplication_id(digest(&work.key()));
        message.send().await.map_err(|error| store_error(&queue.url, error))?;
        Ok(HandedOver::Yes)
    }
}

/// Ids of FIFO queues are short, and take few characters.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
