//! Runs queued tasks.

use std::sync::Arc;

use edge::{App, SqsBatchResponse, SqsEvent};

/// Runs the task of each message; those that failed are named, so that only they come again.
pub async fn handle(app: Arc<App>, event: SqsEvent) -> SqsBatchResponse {
    edge::work(app, event).await
}
