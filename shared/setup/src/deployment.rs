//! What CloudFormation asks of the sweep when a stack is deployed: to bring the database to this version's form before other functions get their new code.

use std::time::Duration;

use edge::App;
use engine::ports::StoreError;
use serde::Deserialize;
use serde_json::{Value, json};

/// A proxy that was just made lets nobody through for some minutes. The sweep may run a little longer than all of these.
const TRIES: u32 = 48;
const PAUSE: Duration = Duration::from_secs(5);
/// The answer is a small upload to S3.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);
/// CloudFormation takes 4 KB with everything.
const LONGEST_REASON: usize = 1000;

/// A request of a custom resource.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    request_type: RequestType,
    /// Whoever has it may answer.
    #[serde(rename = "ResponseURL")]
    response_url: String,
    stack_id: String,
    request_id: String,
    logical_resource_id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum RequestType {
    Create,
    Update,
    Delete,
}

impl Request {
    /// `None` for any other event, such as a schedule's.
    pub fn read(event: &Value) -> Option<Self> {
        Request::deserialize(event).ok()
    }

    /// Migrates, and tells CloudFormation how it went, which undoes the deployment where it went wrong. Without an answer CloudFormation does the
    /// same after its own time, so a failure to answer is logged and no more.
    pub async fn answer(&self, app: &App) {
        let outcome = match self.request_type {
            RequestType::Create | RequestType::Update => migrated(app).await,
            // The data goes with the database, or stays with it.
            RequestType::Delete => Ok(()),
        };
        if let Err(error) = &outcome {
            tracing::error!(%error, "the database can't be brought to this version's form");
        }
        if let Err(error) = self.tell(&outcome).await {
            // Without the URL, which is as good as a password.
            tracing::error!(error = %error.without_url(), "CloudFormation wasn't told how the migration went");
        }
    }

    async fn tell(&self, outcome: &Result<(), StoreError>) -> reqwest::Result<()> {
        let reason: String = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default().chars().take(LONGEST_REASON).collect();
        let body = json!({
            "Status": if outcome.is_ok() { "SUCCESS" } else { "FAILED" },
            "Reason": reason,
            // It is always the same thing: another id would have the old one deleted.
            "PhysicalResourceId": "database",
            "StackId": self.stack_id,
            "RequestId": self.request_id,
            "LogicalResourceId": self.logical_resource_id,
        });
        guard::use_ring();
        let client = reqwest::Client::builder().timeout(ANSWERED_WITHIN).build()?;
        // The URL is signed for a request without a content type.
        client.put(&self.response_url).body(body.to_string()).send().await?.error_for_status().map(drop)
    }
}

async fn migrated(app: &App) -> Result<(), StoreError> {
    let mut tries = 1;
    loop {
        match app.ports.tasks.migrate().await {
            Err(StoreError::Unavailable(cause)) if tries < TRIES => {
                tracing::info!(%cause, tries, "the database isn't there yet");
                tokio::time::sleep(PAUSE).await;
                tries += 1;
            }
            outcome => return outcome,
        }
    }
}
