//! Delivers what webhooks haven't had.

use std::sync::Arc;

use edge::{App, SqsBatchResponse, SqsEvent};

/// Delivers for the webhook of each message; those that failed are named, so that only they come again.
pub async fn handle(app: Arc<App>, event: SqsEvent) -> SqsBatchResponse {
    edge::work(app, event).await
}
