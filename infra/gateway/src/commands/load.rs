//! `a2a load`: needs no database and no settings, only a server.

use anyhow::Result;
use engine::ports::{Clock, SystemClock};
use load::LoadOptions;

/// The report goes to standard output; the exit code says whether what was asked for holds.
pub async fn run(options: LoadOptions) -> Result<()> {
    load::run(options, SystemClock.now()).await
}
