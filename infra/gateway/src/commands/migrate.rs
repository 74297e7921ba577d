//! `a2a migrate`: brings the database to this version's form, as every start does, and ends.

use anyhow::Result;
use setup::Settings;

use super::say;

/// Nothing else is opened or served.
pub async fn run() -> Result<()> {
    setup::migrate(&Settings::from_env()?).await?;
    say("the database is up to date");
    Ok(())
}
