//! The HTTP+JSON transport, the same for every dialect that has one (spec section 11).

use protocol::{
    A2aError,
    rest::{self, Reader, RestRequest},
};

use crate::{
    App, Response,
    answers::Offer,
    asked,
    exchange::Exchange,
    heads,
    observe::Seen,
    perform::{Outcome, perform},
    respond, threats,
};

/// Answers a request; by a route that the place takes.
pub(crate) async fn answer(app: &App, exchange: &Exchange<'_>, body: &[u8], offer: Offer, seen: &mut Seen) -> Response {
    let accepts_a2a_json = asked::accepts_a2a_json(exchange.headers);
    let http_method = match exchange.http_method {
        &http::Method::HEAD => "GET",
        method => method.as_str(),
    };
    let file_bytes = asked::file_bytes(exchange.headers);
    let request =
        RestRequest { method: http_method, path: exchange.target.path, query: exchange.query, body, version: exchange.sent_version(), file_bytes };
    if let Err(error) = threats::in_head(app, exchange) {
        seen.failed(&error);
        let dialect = rest::dialect_of(exchange.target.path, exchange.sent_version()).unwrap_or_default();
        return respond::rest_error(dialect, &error, accepts_a2a_json);
    }
    let call = match rest::parse(request) {
        Ok(call) if offer.only.is_none_or(|only| only == call.method) => call,
        Ok(call) => {
            let error = not_found(exchange);
            seen.failed(&error);
            return respond::rest_error(call.dialect, &error, accepts_a2a_json);
        }
        Err(refused) => {
            let error = match refused.error {
                A2aError::RouteNotFound { .. } => wrong_route(exchange),
                other => other,
            };
            seen.failed(&error);
            return respond::rest_error(refused.dialect, &error, accepts_a2a_json);
        }
    };
    let (dialect, method) = (call.dialect, call.method);
    seen.method = method.name();
    let checked = if body.is_empty() { Ok(()) } else { asked::check_content_type(exchange.headers) };
    let outcome = match checked.and(call.call) {
        Ok(parsed) => perform(app, exchange, dialect, call.tenant, parsed, offer.perform).await,
        Err(error) => Err(error),
    };
    let reader = Reader { dialect, file_bytes };
    match outcome {
        Ok(Outcome::Answer(answer, _)) => respond::rest_json(rest::answer_body(reader, method, &answer), accepts_a2a_json),
        Ok(Outcome::Stream(events, _)) => respond::event_stream(events, move |event, last| rest::event_body(reader, event, last)),
        Err(error) => {
            seen.failed(&error);
            respond::rest_error(dialect, &error, accepts_a2a_json)
        }
    }
}

/// The HTTP methods that this path has a route for.
pub(crate) fn allowed(path: &str) -> Vec<http::Method> {
    let has_route = |method: &http::Method| {
        let request = RestRequest { method: method.as_str(), path, ..RestRequest::default() };
        rest::parse(request).is_ok()
    };
    [http::Method::GET, http::Method::POST, http::Method::DELETE].into_iter().filter(has_route).collect()
}

/// Why there is no route: the path, or only the HTTP method. A verb that doesn't exist is part of the path, though it could be of an id as well.
fn wrong_route(exchange: &Exchange<'_>) -> A2aError {
    let has_verb = exchange.target.path.rsplit('/').next().is_some_and(|last| last.contains(':'));
    let knows_verb = [":cancel", ":subscribe", ":send", ":stream"].into_iter().any(|verb| exchange.target.path.ends_with(verb));
    if has_verb && !knows_verb {
        return not_found(exchange);
    }
    match allowed(exchange.target.path) {
        methods if methods.is_empty() => not_found(exchange),
        methods => not_allowed(exchange, &methods),
    }
}

/// Nothing is there.
pub(crate) fn not_found(exchange: &Exchange<'_>) -> A2aError {
    A2aError::RouteNotFound { method: exchange.http_method.to_string(), path: exchange.full_path.to_owned() }
}

/// Something is there, for other HTTP methods.
pub(crate) fn not_allowed(exchange: &Exchange<'_>, methods: &[http::Method]) -> A2aError {
    A2aError::MethodNotAllowed { method: exchange.http_method.to_string(), path: exchange.full_path.to_owned(), allow: heads::allow(methods) }
}
