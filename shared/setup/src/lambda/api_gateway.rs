//! Events of API Gateway as requests, and responses as it wants them.

use anyhow::Result;
use bytes::Bytes;
use edge::{Body, Request, Response};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use http::{HeaderMap, HeaderValue, response::Parts};
use http_body_util::BodyExt;
use lambda_http::{RequestExt, aws_lambda_events::apigw::ApiGatewayProxyResponse, request::LambdaRequest};
use lambda_runtime::Context;
use serde_json::json;

use super::runtime_api::{Invocation, Outcome};

/// What stands between the prelude of a streamed response and its body.
const DELIMITER: [u8; 8] = [0; 8];

/// The request that an event is.
pub(super) fn request(Invocation { context, event }: &Invocation) -> Result<Request> {
    let event: LambdaRequest = serde_json::from_slice(event)?;
    let mut request: Request = event.into();
    if let Some(trace) = context.xray_trace_id.as_deref().and_then(|trace| HeaderValue::from_str(trace).ok()) {
        request.headers_mut().insert("x-amzn-trace-id", trace);
    }
    Ok(request.with_lambda_context(context.clone()))
}

/// As text: all that we answer is text, whatever its content type, and needs no base64 on its way through API Gateway.
pub(super) async fn whole(response: Response) -> Result<Outcome> {
    let (parts, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(never) => match never {},
    };
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = parts.status.as_u16().into();
    // Under one name only, because API Gateway would send what is under both twice.
    response.multi_value_headers = parts.headers;
    response.body = Some(lambda_http::Body::Text(String::from_utf8_lossy(&bytes).into_owned()));
    Ok(Outcome::Whole(serde_json::to_vec(&response)?))
}

/// The prelude and what there is of the body already leave together. A streamed response must have a byte, or its reader waits for one.
pub(super) fn streamed(response: Response) -> Outcome {
    let (parts, body) = response.into_parts();
    let mut first = prelude(&parts);
    first.extend(DELIMITER);
    let mut rest = match body {
        Body::Whole(bytes) => stream::iter(bytes).boxed(),
        Body::Stream(pieces) => pieces,
    };
    let ready = rest.next().now_or_never();
    let ended = matches!(ready, Some(None));
    first.extend_from_slice(ready.flatten().as_deref().unwrap_or(if ended { b"\n" } else { b"" }));
    let first = stream::iter([Bytes::from(first)]);
    Outcome::Streamed(if ended { Body::stream(first) } else { Body::stream(first.chain(rest)) })
}

/// The same body, at whose end something is done yet.
pub(super) fn then(body: Body, last: impl FnOnce() -> BoxFuture<'static, ()> + Send + 'static) -> Body {
    let pieces = match body {
        Body::Whole(bytes) => stream::iter(bytes).boxed(),
        Body::Stream(pieces) => pieces,
    };
    let end = stream::once(async { last().await }).filter_map(|()| std::future::ready(None));
    Body::stream(pieces.chain(end))
}

fn prelude(parts: &Parts) -> Vec<u8> {
    json!({"statusCode": parts.status.as_u16(), "headers": folded(&parts.headers), "cookies": []}).to_string().into_bytes()
}

/// Each header once: of several with one name a streamed response would send a list in brackets.
fn folded(headers: &HeaderMap) -> serde_json::Map<String, serde_json::Value> {
    let values = |name| headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(", ");
    headers.keys().map(|name| (name.as_str().to_owned(), values(name).into())).collect()
}

/// What an event that is none of API Gateway's gets.
pub(super) fn not_understood(context: &Context, error: &anyhow::Error) -> Outcome {
    tracing::error!(request_id = context.request_id, %error, "the event can't be read");
    Outcome::Failed { kind: "Runtime.UnmarshalError", message: format!("the event can't be read: {error}") }
}
