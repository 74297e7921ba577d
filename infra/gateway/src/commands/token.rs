//! `a2a token`: an access token, alone on its line, for use in scripts.

use std::time::Duration;

use anyhow::{Context, Result};
use engine::ports::{Clock, SystemClock};
use guard::{TokenKey, issue_token};
use setup::Settings;

use super::say;
use crate::cli::TokenOptions;

/// Needs the key that servers check tokens with.
pub async fn run(options: &TokenOptions) -> Result<()> {
    let settings = Settings::from_env()?;
    let secret = setup::secret_key(&settings.security).await?;
    let secret = secret.context("A2A_SECRET_KEY is not set: it takes 32 bytes or more, the same as the server's")?;
    let key = TokenKey::new(&secret)?;
    say(issue_token(&key, &options.sub, options.role, Duration::from_secs(options.ttl), SystemClock.now())?);
    Ok(())
}
