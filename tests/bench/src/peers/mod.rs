//! Servers to compare with, each in a process of its own.

mod limit;
mod official_rust;
mod postgres_limit;

use anyhow::{Context, Result, bail};
use axum::{Router, serve::ListenerExt};

/// Serves one of them on a free port, whose address is printed.
pub async fn serve(name: &str, database: Option<&str>) -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router: Router = match name {
        "limit" => limit::router(),
        "postgres-limit" => postgres_limit::router(database.context("which --database?")?).await?,
        "official-rust" => official_rust::router(address),
        other => bail!("`{other}` is no peer (limit, postgres-limit, official-rust)"),
    };
    println!("{address}");
    // Without this a stream's first event waits for the client's delayed acknowledgement.
    axum::serve(listener.tap_io(|stream| drop(stream.set_nodelay(true))), router).await?;
    Ok(())
}
