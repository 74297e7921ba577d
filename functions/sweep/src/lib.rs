//! Puts right what a lost process left: expired leases, work that nobody heard of, tasks past their retention. Migrates when it is deployed.

use std::sync::Arc;

use edge::{App, ScheduledEvent, Swept};
use setup::deployment::Request;

/// Sweeps once, or does what CloudFormation asks.
pub async fn handle(app: Arc<App>, event: ScheduledEvent) -> Swept {
    match Request::read(&event) {
        None => edge::sweep(app, event).await,
        Some(request) => {
            request.answer(&app).await;
            Swept::default()
        }
    }
}
