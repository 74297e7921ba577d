//! The pipeline that every HTTP function runs.

use std::sync::Arc;

use protocol::Method;

use crate::{App, Body, Request, Response};

/// What a function answers for; any other path is not found there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// Every method by JSON-RPC at the root or a tenant, and every REST route.
    EveryMethod,
    /// One method: its REST route and `/rpc/{Method}`.
    Method(Method),
    /// `/.well-known/…`.
    AgentCards,
    /// `/agents`.
    Agents,
    /// `/health` and below.
    Health,
    /// `/admin` and below.
    Admin,
}

/// Answers a request, always: what goes wrong is an answer too.
pub async fn serve(app: Arc<App>, request: Request, serves: Serves) -> Response {
    let _ = (&app.settings, serves, request);
    Response::new(Body::empty())
}
