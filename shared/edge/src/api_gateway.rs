//! Events of API Gateway as requests, and responses as it wants them.

use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use http::{HeaderMap, HeaderValue, response::Parts};
use http_body_util::BodyExt;
use lambda_http::{Context, RequestExt, aws_lambda_events::apigw::ApiGatewayProxyResponse, request::LambdaRequest};
use serde_json::json;

use crate::{Body, Request, Response};

/// What stands between the prelude of a streamed response and its body.
const DELIMITER: [u8; 8] = [0; 8];

/// The request that an event is.
///
/// # Errors
/// An event that isn't one of API Gateway's.
pub fn request(event: &[u8], context: &Context) -> Result<Request, serde_json::Error> {
    let event: LambdaRequest = serde_json::from_slice(event)?;
    let mut request: Request = event.into();
    if let Some(trace) = context.xray_trace_id.as_deref().and_then(|trace| HeaderValue::from_str(trace).ok()) {
        request.headers_mut().insert("x-amzn-trace-id", trace);
    }
    Ok(request.with_lambda_context(context.clone()))
}

/// As text: all that we answer is text, whatever its content type, and needs no base64 on its way through API Gateway.
///
/// # Errors
/// None that is known.
pub async fn whole(response: Response) -> Result<Vec<u8>, serde_json::Error> {
    let (parts, body) = response.into_parts();
    let bytes = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(never) => match never {},
    };
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = parts.status.as_u16().into();
    // Under one name only, because API Gateway would send what is under both twice.
    response.multi_value_headers = parts.headers;
    let text = String::from_utf8(bytes.into()).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    response.body = Some(lambda_http::Body::Text(text));
    serde_json::to_vec(&response)
}

/// The prelude and what there is of the body already leave together. A streamed response must have a byte, or its reader waits for one.
pub fn streamed(response: Response) -> Body {
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
    if ended { Body::stream(first) } else { Body::stream(first.chain(rest)) }
}

fn prelude(parts: &Parts) -> Vec<u8> {
    json!({"statusCode": parts.status.as_u16(), "headers": folded(&parts.headers), "cookies": []}).to_string().into_bytes()
}

/// Each header once: of several with one name a streamed response would send a list in brackets.
fn folded(headers: &HeaderMap) -> serde_json::Map<String, serde_json::Value> {
    let values = |name| headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(", ");
    headers.keys().map(|name| (name.as_str().to_owned(), values(name).into())).collect()
}
