//! What operators look at.

use std::sync::Arc;

use edge::{App, Request, Response, Serves};

/// Answers one event of API Gateway.
pub async fn handle(app: Arc<App>, request: Request) -> Response {
    edge::serve(app, request, Serves::Admin).await
}
