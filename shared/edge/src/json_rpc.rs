//! The JSON-RPC transport, the same for every dialect: single requests, batches, notifications, streams (spec section 9).

use futures::{StreamExt, future::ready, stream};
use protocol::{
    A2aError, Dialect, Method,
    json_rpc::{self, EventWriter, Incoming, RpcId, RpcRequest},
};

use crate::{
    App, Response,
    answers::Offer,
    exchange::Exchange,
    limits,
    observe::Seen,
    perform::{Outcome, perform},
    respond, threats,
};

/// Most members of a batch.
const MOST_MEMBERS: usize = 100;

/// So many members of a batch run at once.
const AT_ONCE: usize = 8;

/// Answers a body; as far as the place takes it.
pub(crate) async fn answer(app: &App, exchange: &Exchange<'_>, body: &[u8], offer: Offer, seen: &mut Seen) -> Response {
    match json_rpc::parse(body, exchange.sent_version()) {
        Incoming::One(request) => single(app, exchange, request, offer, seen).await,
        Incoming::Batch(members) => batch(app, exchange, members, offer, seen).await,
    }
}

/// An error before the request is looked at: for its id, in its dialect, as far as the body tells them.
pub(crate) fn refuse(exchange: &Exchange<'_>, body: &[u8], error: &A2aError) -> Response {
    let (id, dialect) = json_rpc::addressee(body, exchange.sent_version());
    failure(&id, dialect, error)
}

async fn single(app: &App, exchange: &Exchange<'_>, request: RpcRequest, offer: Offer, seen: &mut Seen) -> Response {
    let RpcRequest { id, method: sent_method, dialect, tenant, call } = request;
    let searched = threats::in_request(app, exchange, id.as_ref(), &sent_method);
    let done = match searched.and_then(|()| of_place(call, offer.only, &sent_method)) {
        Ok(call) => {
            let method = call.method();
            seen.method = method.name();
            perform(app, exchange, dialect, tenant, call, offer.perform).await.map(|outcome| (method, outcome))
        }
        Err(error) => Err(error),
    };
    if let Err(error) = &done {
        seen.failed(error);
    }
    match (id, done) {
        (None, _) => respond::no_content(),
        (Some(id), Err(error)) => failure(&id, dialect, &error),
        (Some(id), Ok((method, Outcome::Answer(answer, maker)))) => {
            respond::json(json_rpc::answer_body(&id, shown_in(exchange, method, dialect, maker), method, Ok(&answer)))
        }
        (Some(id), Ok((method, Outcome::Stream(events, maker)))) => {
            let mut writer = EventWriter::new(id, shown_in(exchange, method, dialect, maker));
            respond::event_stream(events, move |event, last| writer.body(event, last))
        }
    }
}

/// Each member by itself. A stream can't be a member of an array.
async fn batch(app: &App, exchange: &Exchange<'_>, members: Vec<RpcRequest>, offer: Offer, seen: &mut Seen) -> Response {
    seen.method = "batch";
    if members.len() > MOST_MEMBERS {
        let error = A2aError::InvalidRequest { reason: format!("a batch has at most {MOST_MEMBERS} members, this one has {}", members.len()) };
        seen.failed(&error);
        return refuse(exchange, &[], &error);
    }
    if let Err(error) = limits::count_members(app, exchange, members.len()).await {
        seen.failed(&error);
        return refuse(exchange, &[], &error);
    }
    let bodies: Vec<String> =
        stream::iter(members).map(|member| member_body(app, exchange, member, offer)).buffered(AT_ONCE).filter_map(ready).collect().await;
    if bodies.is_empty() {
        return respond::no_content();
    }
    respond::json(format!("[{}]", bodies.join(",")))
}

async fn member_body(app: &App, exchange: &Exchange<'_>, member: RpcRequest, offer: Offer) -> Option<String> {
    let RpcRequest { id, method: sent_method, dialect, tenant, call } = member;
    // The method of an error doesn't matter to its form.
    let method = call.as_ref().map_or(Method::GetTask, |call| call.method());
    let searched = threats::in_request(app, exchange, id.as_ref(), &sent_method);
    let outcome = match searched.and_then(|()| of_place(call, offer.only, &sent_method)) {
        Ok(call) if call.method().streams() => {
            Err(A2aError::UnsupportedOperation { reason: format!("`{sent_method}` streams, which a batch can't") })
        }
        Ok(call) => perform(app, exchange, dialect, tenant, call, offer.perform).await,
        Err(error) => Err(error),
    };
    let id = id?;
    Some(match outcome {
        Ok(Outcome::Answer(answer, maker)) => json_rpc::answer_body(&id, shown_in(exchange, method, dialect, maker), method, Ok(&answer)),
        Ok(Outcome::Stream(..)) => json_rpc::answer_body(&id, dialect, method, Err(&A2aError::Internal)),
        Err(error) => json_rpc::answer_body(&id, dialect, method, Err(&error)),
    })
}

/// The call, if it is one of the place's method.
fn of_place(call: Result<protocol::Call, A2aError>, only: Option<Method>, sent_method: &str) -> Result<protocol::Call, A2aError> {
    match (call?, only) {
        (call, Some(only)) if call.method() != only => Err(A2aError::MethodNotFound { method: sent_method.to_owned() }),
        (call, _) => Ok(call),
    }
}

/// v0.1 and v0.3 share some names: with these the task is shown as it was made, unless the client says what it reads.
fn shown_in(exchange: &Exchange<'_>, method: Method, asked: Dialect, made: Dialect) -> Dialect {
    let is_shared = matches!(method, Method::GetTask | Method::CancelTask | Method::SubscribeToTask);
    match (asked, made) {
        (Dialect::V0_3, Dialect::V0_1) if is_shared && exchange.sent_version().is_none() => made,
        _ => asked,
    }
}

fn failure(id: &RpcId, dialect: Dialect, error: &A2aError) -> Response {
    respond::json_rpc_error(json_rpc::answer_body(id, dialect, Method::GetTask, Err(error)), error)
}
