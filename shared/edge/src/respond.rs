//! Bodies become responses: one mapping of errors to statuses for every binding.

use engine::StreamItem;
use futures::stream::BoxStream;
use http::{
    HeaderValue, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use protocol::{A2aError, Dialect, rest, types::StreamResponse};

use crate::{Body, Response, asked::A2A_JSON, exchange::Exchange, observe, sse};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A JSON document.
pub(crate) fn json(body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().reserve(16);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

/// A JSON document of the HTTP+JSON binding, in the media type that the client prefers.
pub(crate) fn rest_json(body: String, accepts_a2a_json: bool) -> Response {
    let mut response = json(body);
    if accepts_a2a_json {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(A2A_JSON));
    }
    response
}

/// A stream of events, each as `render` puts it; its second argument says whether the event is the last one.
pub(crate) fn event_stream(
    events: BoxStream<'static, Result<StreamItem, A2aError>>,
    render: impl FnMut(Result<&StreamResponse, &A2aError>, bool) -> String + Send + 'static,
) -> Response {
    let mut response = Response::new(Body::stream(observe::streaming(sse::write(events, render))));
    let headers = response.headers_mut();
    headers.reserve(16);
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that hold answers back until they are whole let this one through.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Nothing to say.
pub(crate) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// An error as a JSON-RPC response: HTTP has a status for it only where HTTP is at fault (spec section 9.5).
pub(crate) fn json_rpc_error(body: String, error: &A2aError) -> Response {
    let mut response = json(body);
    if error.is_of_transport() {
        *response.status_mut() = status(error.http_status());
    }
    explain(&mut response, error);
    response
}

/// An error in the form of the HTTP+JSON binding (spec section 11.6).
pub(crate) fn rest_error(dialect: Dialect, error: &A2aError, accepts_a2a_json: bool) -> Response {
    let (code, body) = rest::error_body(dialect, error);
    let mut response = rest_json(body, accepts_a2a_json);
    *response.status_mut() = status(code);
    explain(&mut response, error);
    response
}

/// An error of a place that is no binding of the protocol.
pub(crate) fn plain_error(exchange: &Exchange<'_>, error: &A2aError) -> Response {
    let dialect = rest::dialect_of(exchange.target.path, exchange.sent_version()).unwrap_or_default();
    rest_error(dialect, error, crate::asked::accepts_a2a_json(exchange.headers))
}

/// What HTTP says of it in headers.
fn explain(response: &mut Response, error: &A2aError) {
    let headers = response.headers_mut();
    match error {
        A2aError::Unauthenticated { .. } => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"a2a\""));
        }
        A2aError::RateLimited { retry_after_seconds }
        | A2aError::AddressBlocked { retry_after_seconds }
        | A2aError::Unavailable { retry_after_seconds } => {
            headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after_seconds));
        }
        A2aError::MethodNotAllowed { allow, .. } => {
            if let Ok(allow) = HeaderValue::from_str(allow) {
                headers.insert(ALLOW, allow);
            }
        }
        _ => {}
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
