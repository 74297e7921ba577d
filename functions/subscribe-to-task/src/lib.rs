//! SubscribeToTask, by its own route and by JSON-RPC.

use std::sync::Arc;

use edge::{App, Method, Request, Response, Serves};

/// Answers one event of API Gateway.
pub async fn handle(app: Arc<App>, request: Request) -> Response {
    edge::serve(app, request, Serves::Method(Method::SubscribeToTask)).await
}
