//! What a process answers, as a table of pointers: the linker leaves out what no table in use points to.

use engine::{CallContext, Engine, Reply};
use futures::{FutureExt, future::BoxFuture};
use protocol::{A2aError, Call, Method};

use crate::{App, Response, admin, agents, exchange::Exchange, health, json_rpc, observe::Seen, path::Place, rest, serve::not_served};

/// Answers at a place that the process serves; the method is the only one that the place is for.
type Answer = for<'a> fn(&'a App, &'a Exchange<'a>, &'a [u8], Option<Method>, &'a mut Seen) -> BoxFuture<'a, Response>;
/// Has an engine perform a call.
pub(crate) type Perform = for<'a> fn(&'a Engine, Call, CallContext) -> BoxFuture<'a, Result<Reply, A2aError>>;

/// How a process answers. What is asked for where it has no answer isn't found there.
#[derive(Clone, Copy)]
pub struct Answers {
    // In boxes, because a future is as large as the largest that it may await: a card must not pay for a call.
    pub(crate) answer: Answer,
    /// The HTTP methods that a path of the HTTP+JSON binding takes.
    pub(crate) allowed: fn(&str) -> Vec<http::Method>,
}

/// The calls that a place takes.
#[derive(Clone, Copy)]
pub(crate) struct Offer {
    /// The method that it is for alone.
    pub(crate) only: Option<Method>,
    pub(crate) perform: Perform,
}

impl Answers {
    /// None: for what hears of queues and schedules.
    pub const NONE: Answers =
        Answers { answer: |_, exchange, body, _, seen| async { not_served(exchange, body, seen) }.boxed(), allowed: |_| Vec::new() };
    /// Every call.
    pub const CALLS: Answers = Answers {
        answer: |app, exchange, body, only, seen| calls(app, exchange, body, Offer { only, perform: every_call }, seen).boxed(),
        allowed: rest::allowed,
    };
    /// Calls that neither run an agent nor wait for one.
    pub const LOOKUPS: Answers = Answers {
        answer: |app, exchange, body, only, seen| calls(app, exchange, body, Offer { only, perform: lookups }, seen).boxed(),
        allowed: rest::allowed,
    };
    /// Agent cards, and the keys that they are signed with.
    pub const CARDS: Answers = Answers { answer: |app, exchange, body, _, seen| cards(app, exchange, body, seen).boxed(), ..Answers::NONE };
    /// The list of agents.
    pub const AGENTS: Answers = Answers { answer: |app, exchange, body, _, seen| agents(app, exchange, body, seen).boxed(), ..Answers::NONE };
    /// How the server is.
    pub const HEALTH: Answers = Answers { answer: |app, exchange, body, _, seen| health(app, exchange, body, seen).boxed(), ..Answers::NONE };
    /// Administration.
    pub const ADMIN: Answers = Answers { answer: |app, exchange, body, _, seen| admin(app, exchange, body, seen).boxed(), ..Answers::NONE };
    /// Everything.
    pub const ALL: Answers = Answers { answer: everything, allowed: rest::allowed };
}

fn everything<'a>(app: &'a App, exchange: &'a Exchange<'a>, body: &'a [u8], only: Option<Method>, seen: &'a mut Seen) -> BoxFuture<'a, Response> {
    let of_place = match exchange.place {
        Place::JsonRpc | Place::JsonRpcOf(_) | Place::Rest => Answers::CALLS,
        Place::AgentCard | Place::FirstAgentCard | Place::Keys => Answers::CARDS,
        Place::Agents => Answers::AGENTS,
        Place::Health | Place::Ready | Place::Details => Answers::HEALTH,
        Place::Admin(_) => Answers::ADMIN,
    };
    (of_place.answer)(app, exchange, body, only, seen)
}

fn every_call(engine: &Engine, call: Call, context: CallContext) -> BoxFuture<'_, Result<Reply, A2aError>> {
    engine.call(call, context).boxed()
}

fn lookups(engine: &Engine, call: Call, context: CallContext) -> BoxFuture<'_, Result<Reply, A2aError>> {
    engine.look_up(call, context).boxed()
}

async fn calls(app: &App, exchange: &Exchange<'_>, body: &[u8], offer: Offer, seen: &mut Seen) -> Response {
    match exchange.place {
        Place::JsonRpc => json_rpc::answer(app, exchange, body, offer, seen).await,
        Place::JsonRpcOf(method) => json_rpc::answer(app, exchange, body, Offer { only: Some(method), ..offer }, seen).await,
        Place::Rest => rest::answer(app, exchange, body, offer, seen).await,
        _ => not_served(exchange, body, seen),
    }
}

async fn cards(app: &App, exchange: &Exchange<'_>, body: &[u8], seen: &mut Seen) -> Response {
    seen.method = exchange.place.name();
    match exchange.place {
        Place::AgentCard => app.cards.agent_card(exchange.shown(app, &exchange.base_url(app)).await, exchange.version, exchange.headers).await,
        Place::FirstAgentCard => app.cards.first_agent_card(exchange.shown(app, &exchange.base_url(app)).await, exchange.headers).await,
        Place::Keys => match app.cards.keys(exchange.headers).await {
            Ok(keys) => keys,
            Err(error) => crate::serve::refusal(exchange, body, error, seen),
        },
        _ => not_served(exchange, body, seen),
    }
}

async fn agents(app: &App, exchange: &Exchange<'_>, body: &[u8], seen: &mut Seen) -> Response {
    seen.method = exchange.place.name();
    match exchange.place {
        Place::Agents => agents::list(app, exchange).await,
        _ => not_served(exchange, body, seen),
    }
}

async fn health(app: &App, exchange: &Exchange<'_>, body: &[u8], seen: &mut Seen) -> Response {
    seen.method = exchange.place.name();
    match exchange.place {
        Place::Health => health::live(app).await,
        Place::Ready => health::ready(app).await,
        Place::Details => health::details(app).await,
        _ => not_served(exchange, body, seen),
    }
}

async fn admin(app: &App, exchange: &Exchange<'_>, body: &[u8], seen: &mut Seen) -> Response {
    seen.method = exchange.place.name();
    match exchange.place {
        Place::Admin(path) => admin::answer(app, exchange, path, body, seen).await,
        _ => not_served(exchange, body, seen),
    }
}
