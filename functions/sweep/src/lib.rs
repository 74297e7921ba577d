//! Puts right what a lost process left: expired leases, work that nobody heard of, tasks past their retention.

use std::sync::Arc;

use edge::{App, ScheduledEvent, Swept};

/// Sweeps once.
pub async fn handle(app: Arc<App>, event: ScheduledEvent) -> Swept {
    edge::sweep(app, event).await
}
