//! The pipeline that every HTTP function runs.

use std::{panic::AssertUnwindSafe, sync::Arc};

use engine::ports::{AgentProfile, AuditKind, AuditOutcome};
use futures::FutureExt;
use guard::{Access, Identity};
use http::{HeaderValue, request::Parts};
use lambda_http::Body as EventBody;
use protocol::{A2aError, Method, bounds};

use crate::{
    App, AuditEvent, Request, Response, admin, asked, blocks, exchange::Exchange, heads, json_rpc, limits, observe::Seen, path::Place, respond, rest,
    threats,
};

/// The most that a request may have: what API Gateway takes.
pub const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

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
    let (parts, body) = request.into_parts();
    respond_to(&app, &parts, async |exchange, seen| {
        let bytes: &[u8] = match &body {
            EventBody::Text(text) => text.as_bytes(),
            EventBody::Binary(bytes) => bytes,
            _ => &[],
        };
        answer(&app, exchange, bytes, serves, seen).await
    })
    .await
}

/// Answers a request with an error that came up before its function could: a body too large, a time that ran out. In the form
/// of the binding that the request is for.
pub async fn refuse(app: &App, parts: &Parts, error: A2aError) -> Response {
    respond_to(app, parts, async |exchange, seen| refusal(exchange, &[], error, seen)).await
}

/// What is around every answer: who asks, the headers that all responses have, the log line.
async fn respond_to(app: &App, parts: &Parts, answer: impl AsyncFnOnce(&mut Exchange<'_>, &mut Seen) -> Response) -> Response {
    let query = asked::query(&parts.uri);
    let mut exchange = Exchange::new(app, parts, &query);
    let mut seen = Seen::new();
    // A panic is a bug, and the client's answer is an error all the same.
    let answered = AssertUnwindSafe(answer(&mut exchange, &mut seen)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| refusal(&exchange, &[], A2aError::Internal, &mut seen));
    if let Some(activated) = activated_extensions(app, &exchange) {
        response.headers_mut().insert("a2a-extensions", activated);
    }
    limits::tell(&mut response, exchange.standing);
    // Who sends one is told which part of the trace the request is.
    if let Some(parent) =
        exchange.headers.get("traceparent").and_then(|_| exchange.traceparent()).and_then(|parent| HeaderValue::from_str(&parent).ok())
    {
        response.headers_mut().insert("traceparent", parent);
    }
    heads::complete(&mut response, &parts.headers, exchange.request_id, &app.cors_origins);
    seen.tell(app, &exchange, response.status(), &exchange.caller);
    response
}

async fn answer(app: &App, exchange: &mut Exchange<'_>, body: &[u8], serves: Serves, seen: &mut Seen) -> Response {
    let place = exchange.place;
    if !is_served(place, serves) {
        return not_served(exchange, body, seen);
    }
    let methods = allowed(app, exchange);
    if exchange.http_method == http::Method::OPTIONS && !methods.is_empty() {
        return heads::options(exchange.headers, &heads::allow(&methods), &app.cors_origins);
    }
    // The REST binding tells apart by itself what isn't there from what isn't allowed.
    let is_head = exchange.http_method == http::Method::HEAD && methods.contains(&http::Method::GET);
    if place != Place::Rest && !is_head && !methods.contains(exchange.http_method) {
        let error = rest::not_allowed(exchange, &methods);
        return refusal(exchange, body, error, seen);
    }
    if let Err(error) = admit(app, exchange, body).await {
        return refusal(exchange, body, error, seen);
    }
    // The bindings of the protocol search for themselves: their refusals echo ids.
    if !matches!(place, Place::JsonRpc | Place::JsonRpcOf(_) | Place::Rest)
        && let Err(error) = threats::in_head(app, exchange)
    {
        return refusal(exchange, body, error, seen);
    }
    (app.answers.answer)(app, exchange, body, only(serves), seen).await
}

/// The extensions that the request asks for and an agent that it may reach declares (spec section 4.6).
fn activated_extensions(app: &App, exchange: &Exchange<'_>) -> Option<HeaderValue> {
    if !matches!(exchange.place, Place::JsonRpc | Place::JsonRpcOf(_) | Place::Rest) {
        return None;
    }
    let mut uris = asked::extensions(exchange.headers, exchange.query);
    let reached = |agent: &&AgentProfile| exchange.target.tenant.is_none_or(|tenant| tenant == agent.id);
    uris.retain(|uri| app.engine.agents().filter(reached).flat_map(|agent| &agent.extensions).any(|declared| declared.uri == *uri));
    if uris.is_empty() {
        return None;
    }
    HeaderValue::from_str(&protocol::extensions::header(&uris)).ok()
}

/// Size and scheme, then whether the address is blocked, then who it is, then whether they ask too often, then whether they may be here, then whether
/// it is JSON, of which there isn't too much.
async fn admit(app: &App, exchange: &mut Exchange<'_>, body: &[u8]) -> Result<(), A2aError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(A2aError::PayloadTooLarge { limit_bytes: MAX_BODY_BYTES });
    }
    if app.settings.require_https && !exchange.is_https() && !exchange.is_local() {
        app.audit.record(exchange.event(AuditKind::Denial, AuditOutcome::Refused, "not by HTTPS"));
        return Err(A2aError::PermissionDenied { reason: "this server takes requests by HTTPS alone".into() });
    }
    blocks::check(app, exchange).await?;
    let authenticated = authenticate(app, exchange).await;
    // Who shows wrong credentials is counted as who shows none.
    limits::count(app, exchange).await?;
    if let Err(A2aError::Unauthenticated { .. }) = authenticated {
        blocks::note_failure(app, exchange).await?;
    }
    authenticated?;
    let access = match exchange.place {
        Place::JsonRpc | Place::JsonRpcOf(_) | Place::Rest => Access::AnyMethod,
        Place::AgentCard | Place::FirstAgentCard | Place::Keys => Access::AgentCards,
        Place::Agents => Access::Agents,
        Place::Health | Place::Ready => Access::Health,
        Place::Details => Access::HealthDetails,
        Place::Admin(_) => Access::Admin,
    };
    authorize(app, exchange, access, exchange.place.name())?;
    let is_json_rpc = matches!(exchange.place, Place::JsonRpc | Place::JsonRpcOf(_));
    if is_json_rpc {
        asked::check_content_type(exchange.headers)?;
    }
    bounds::check_body(body, is_json_rpc)
}

/// Who it is; whether that can be told is for the audit log too.
async fn authenticate(app: &App, exchange: &mut Exchange<'_>) -> Result<(), A2aError> {
    let identity = app.guard.authenticate(exchange.headers, exchange.came_at).await;
    let (outcome, detail) = match &identity {
        Ok(Identity { caller, .. }) if !caller.is_authenticated() || !app.audit.is_news(&caller.owner, exchange.address, exchange.came_at) => {
            (None, "")
        }
        Ok(_) => (Some(AuditOutcome::Allowed), "the credentials hold"),
        Err(A2aError::Unavailable { .. }) => (Some(AuditOutcome::Refused), "credentials can't be checked now"),
        Err(_) => (Some(AuditOutcome::Refused), "credentials that don't hold"),
    };
    (exchange.caller, exchange.own_limit) = match identity {
        Ok(Identity { caller, own_limit }) => (caller, own_limit),
        Err(error) => {
            audit(app, exchange, outcome, detail);
            return Err(error);
        }
    };
    audit(app, exchange, outcome, detail);
    Ok(())
}

fn audit(app: &App, exchange: &Exchange<'_>, outcome: Option<AuditOutcome>, detail: &'static str) {
    if let Some(outcome) = outcome {
        app.audit.record(exchange.event(AuditKind::Authentication, outcome, detail));
    }
}

/// Whether the caller may do it; that they may not is for the audit log.
pub(crate) fn authorize(app: &App, exchange: &Exchange<'_>, access: Access, method: &'static str) -> Result<(), A2aError> {
    let checked = app.guard.authorize(&exchange.caller, access);
    match &checked {
        Ok(()) => {}
        Err(A2aError::Unauthenticated { .. }) => {
            let event = exchange.event(AuditKind::Authentication, AuditOutcome::Refused, "no credentials");
            app.audit.record(AuditEvent { method, ..event });
        }
        Err(_) => {
            let event = exchange.event(AuditKind::Denial, AuditOutcome::Refused, "the role doesn't allow it");
            app.audit.record(AuditEvent { method, ..event });
        }
    }
    checked
}

const fn is_served(place: Place<'_>, serves: Serves) -> bool {
    match serves {
        Serves::EveryMethod => matches!(place, Place::JsonRpc | Place::JsonRpcOf(_) | Place::Rest),
        Serves::Method(_) => matches!(place, Place::JsonRpcOf(_) | Place::Rest),
        Serves::AgentCards => matches!(place, Place::AgentCard | Place::FirstAgentCard | Place::Keys),
        Serves::Agents => matches!(place, Place::Agents),
        Serves::Health => matches!(place, Place::Health | Place::Ready | Place::Details),
        Serves::Admin => matches!(place, Place::Admin(_)),
    }
}

const fn only(serves: Serves) -> Option<Method> {
    match serves {
        Serves::Method(method) => Some(method),
        _ => None,
    }
}

/// The HTTP methods that a place takes; none where there is nothing.
fn allowed(app: &App, exchange: &Exchange<'_>) -> Vec<http::Method> {
    match exchange.place {
        Place::JsonRpc | Place::JsonRpcOf(_) => vec![http::Method::POST],
        Place::Rest if exchange.http_method == http::Method::OPTIONS => (app.answers.allowed)(exchange.target.path),
        Place::Rest => Vec::new(),
        Place::Admin(path) => admin::allowed(path),
        _ => vec![http::Method::GET],
    }
}

/// Nothing is there.
pub(crate) fn not_served(exchange: &Exchange<'_>, body: &[u8], seen: &mut Seen) -> Response {
    refusal(exchange, body, rest::not_found(exchange), seen)
}

/// An error in the form of the binding that the request is for.
pub(crate) fn refusal(exchange: &Exchange<'_>, body: &[u8], error: A2aError, seen: &mut Seen) -> Response {
    seen.failed(&error);
    match exchange.place {
        Place::JsonRpc | Place::JsonRpcOf(_) => json_rpc::refuse(exchange, body, &error),
        _ => respond::plain_error(exchange, &error),
    }
}
