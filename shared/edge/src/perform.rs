//! The step that all bindings share: may the caller do it, then the engine does it.

use engine::{CallContext, Reply, StreamItem};
use futures::stream::BoxStream;
use guard::Access;
use protocol::{A2aError, Answer, Call, Dialect, Method, bounds};

use crate::{App, answers::Perform, cards::Shown, exchange::Exchange, limits, serve::authorize, threats};

/// What came of a call.
pub(crate) enum Outcome {
    /// One answer, and the dialect that made its task.
    Answer(Answer, Dialect),
    /// A stream of events, and the dialect that made their task.
    Stream(BoxStream<'static, Result<StreamItem, A2aError>>, Dialect),
}

/// Performs a call. The tenant in the path goes before the one in the parameters.
pub(crate) async fn perform(
    app: &App,
    exchange: &Exchange<'_>,
    dialect: Dialect,
    tenant: Option<String>,
    call: Call,
    perform: Perform,
) -> Result<Outcome, A2aError> {
    bounds::check_call(&call)?;
    threats::in_parameters(app, exchange, dialect, &call)?;
    let method = call.method();
    let tenant = exchange.target.tenant.map(str::to_owned).or(tenant);
    let context = CallContext {
        caller: exchange.caller.clone(),
        tenant,
        dialect,
        extensions: crate::asked::extensions(exchange.headers, exchange.query),
        last_event_id: crate::asked::last_event_id(exchange.headers),
        time_left: exchange.time_left(),
        stream_left: exchange.stream_left(),
        traceparent: exchange.traceparent(),
    };
    if method == Method::GetExtendedAgentCard {
        app.engine.require_extended_agent_card(&context)?;
    }
    authorize(app, exchange, Access::Method(method), method.name())?;
    limits::count_call(app, exchange, method).await?;
    match perform(&app.engine, call, context).await? {
        Reply::Answer { answer, dialect } => Ok(Outcome::Answer(answer, dialect)),
        Reply::Stream { events, dialect } => Ok(Outcome::Stream(events, dialect)),
        Reply::ExtendedAgentCard { agent } => {
            let base_url = exchange.base_url(app);
            let card = app.cards.extended(Shown { tenant: agent.as_deref(), ..exchange.shown(app, &base_url).await }).await;
            Ok(Outcome::Answer(Answer::AgentCard(Box::new(card)), dialect))
        }
    }
}
