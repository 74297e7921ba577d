//! JSON-RPC for every method and version, and the REST routes that API Gateway can't tell apart.

use std::sync::Arc;

use edge::{App, Request, Response, Serves};

/// Answers one event of API Gateway.
pub async fn handle(app: Arc<App>, request: Request) -> Response {
    edge::serve(app, request, Serves::EveryMethod).await
}
