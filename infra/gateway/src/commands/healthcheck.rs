//! `a2a healthcheck`: whether a server is well, for containers and scripts.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::cli::HealthcheckOptions;

/// Longer than a healthy server takes, shorter than a container waits.
const PATIENCE: Duration = Duration::from_secs(4);

/// Fails unless the page answers 2xx.
pub async fn run(options: &HealthcheckOptions) -> Result<()> {
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
    let asked = client.get(&options.url).send().await;
    let response = asked.map_err(reqwest::Error::without_url).with_context(|| format!("{} does not answer", options.url))?;
    ensure!(response.status().is_success(), "{} answers {}", options.url, response.status());
    Ok(())
}
