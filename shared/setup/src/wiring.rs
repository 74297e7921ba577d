//! Puts the backends that the settings name behind the engine's ports.

use std::sync::Arc;

use edge::App;

use crate::Settings;

/// Everything that a function needs: opens the database, which migrates it, and checks what can be checked.
pub async fn app(settings: Settings) -> anyhow::Result<Arc<App>> {
    let _ = settings;
    anyhow::bail!("not yet wired")
}
