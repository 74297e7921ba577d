//! `a2a migrate`: brings the database to this version's form, as every start does, and ends.

use anyhow::Result;
use setup::Settings;

use super::say;

/// Opening the database migrates it.
pub async fn run() -> Result<()> {
    setup::app(Settings::from_env()?).await?;
    say("the database is up to date");
    Ok(())
}
