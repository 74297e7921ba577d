//! Events of API Gateway as requests, and responses as it wants them.

use std::{collections::BTreeMap, fmt};

use aws_lambda_events::apigw::{ApiGatewayProxyRequestContext, ApiGatewayProxyResponse};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, response::Parts};
use http_body_util::BodyExt;
use lambda_http::{Context, RequestExt, request::RequestContext};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::json;

use crate::{Body, Request, Response};

/// What stands between the prelude of a streamed response and its body.
const DELIMITER: [u8; 8] = [0; 8];

/// An event (REST, payload v1) as far as it is read here: a third of a quick event's time would go into the rest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    http_method: String,
    path: String,
    /// The last value of each header.
    headers: Option<Headers>,
    /// All of them.
    multi_value_headers: Option<Headers>,
    query_string_parameters: Option<BTreeMap<String, Values>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Values>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
    request_context: EventContext,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventContext {
    request_id: Option<String>,
    domain_name: Option<String>,
    /// With the stage, where the URL has it.
    path: Option<String>,
    identity: Option<Identity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    source_ip: Option<String>,
}

/// The request that an event is. By hand, because `lambda_http` reads each event twice, parses a URL for it, and lets the last value of a header hide the
/// others.
///
/// # Errors
/// An event that isn't one of API Gateway's.
pub fn request(event: &[u8], context: &Context) -> Result<Request, serde_json::Error> {
    let event: Event = serde_json::from_slice(event)?;
    let body = match event.body {
        None => lambda_http::Body::Empty,
        Some(text) if event.is_base64_encoded == Some(true) => lambda_http::Body::Binary(STANDARD.decode(text).map_err(Error::custom)?),
        Some(text) => lambda_http::Body::Text(text),
    };
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(event.http_method.as_bytes()).map_err(Error::custom)?;
    *request.uri_mut() = uri(&event.path, event.multi_value_query_string_parameters.or(event.query_string_parameters).unwrap_or_default());
    let headers = request.headers_mut();
    *headers = event.multi_value_headers.filter(|all| !all.0.is_empty()).or(event.headers).unwrap_or_default().0;
    if let Some(trace) = context.xray_trace_id.as_deref().and_then(|trace| HeaderValue::from_str(trace).ok()) {
        headers.insert("x-amzn-trace-id", trace);
    }
    let mut known = ApiGatewayProxyRequestContext::default();
    known.request_id = event.request_context.request_id;
    known.domain_name = event.request_context.domain_name;
    known.path = event.request_context.path;
    known.identity.source_ip = event.request_context.identity.and_then(|identity| identity.source_ip);
    let request = request.with_raw_http_path(event.path).with_request_context(RequestContext::ApiGatewayV1(known));
    Ok(request.with_lambda_context(context.clone()))
}

/// The path and the query, which API Gateway decoded. A path that no URI can have is told by [`RequestExt::raw_http_path`] alone.
fn uri(path: &str, query: BTreeMap<String, Values>) -> Uri {
    if query.is_empty() {
        return path.parse().unwrap_or_default();
    }
    let pairs = query.iter().flat_map(|(name, values)| values.0.iter().map(move |value| (name, value)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}").parse().or_else(|_| format!("/?{query}").parse()).unwrap_or_default()
}

/// Names and values as they came, one value or a list of them for each name.
#[derive(Default)]
struct Headers(HeaderMap);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("headers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Headers, A::Error> {
        let mut headers = HeaderMap::with_capacity(entries.size_hint().unwrap_or(16));
        while let Some(name) = entries.next_key::<String>()? {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(Error::custom)?;
            for value in entries.next_value::<Values>()?.0 {
                headers.append(name.clone(), HeaderValue::from_maybe_shared(Bytes::from(value)).map_err(Error::custom)?);
            }
        }
        Ok(Headers(headers))
    }
}

struct Values(Vec<String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a header's value, or a list of them")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Values, E> {
        Ok(Values(vec![value.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
        let mut values = Vec::with_capacity(1);
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Values(values))
    }
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

#[cfg(test)]
mod tests {
    use lambda_http::{Body, request::LambdaRequest};

    use super::*;

    fn event(changed: serde_json::Value) -> Vec<u8> {
        let mut event = json!({
            "resource": "/tasks/{id}", "path": "/tasks/a%20b:cancel", "httpMethod": "POST",
            "headers": {"Host": "api.example.com", "X-Api-Key": "a"}, "multiValueHeaders": {"Host": ["api.example.com"], "X-Api-Key": ["a"]},
            "queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": {"id": "a b:cancel"}, "stageVariables": null,
            "requestContext": {
                "resourceId": "abc", "resourcePath": "/tasks/{id}", "httpMethod": "POST", "path": "/live/tasks/a%20b:cancel", "accountId": "1",
                "stage": "live", "requestId": "r-1", "domainName": "api.example.com", "identity": {"sourceIp": "192.0.2.7", "userAgent": null},
            },
            "body": "{}", "isBase64Encoded": false,
        });
        changed.as_object().unwrap().iter().for_each(|(name, value)| event[name] = value.clone());
        serde_json::to_vec(&event).unwrap()
    }

    fn read(changed: serde_json::Value) -> Request {
        request(&event(changed), &Context::default()).unwrap()
    }

    #[test]
    fn a_handler_gets_what_lambda_http_would_give_it() {
        for changed in [
            json!({}),
            json!({"body": null, "httpMethod": "GET", "path": "/"}),
            json!({"body": "//57fQ==", "isBase64Encoded": true}),
            json!({"multiValueQueryStringParameters": {"x": ["1", "2"], "y": ["\u{fc} &=+"], "empty": [""]}}),
            json!({"queryStringParameters": {"x": "1"}}),
            json!({"multiValueHeaders": null}),
            json!({"multiValueHeaders": {}}),
            json!({"multiValueHeaders": {}, "headers": {}}),
        ] {
            let here = read(changed.clone());
            let there: Request = serde_json::from_slice::<LambdaRequest>(&event(changed.clone())).unwrap().into();
            assert_eq!((here.method(), here.body(), here.raw_http_path()), (there.method(), there.body(), there.raw_http_path()), "{changed}");
            assert_eq!(here.headers(), there.headers(), "{changed}");
            let pairs = |request: &Request| {
                let query = request.uri().query().unwrap_or_default().to_owned();
                let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
                pairs.sort();
                pairs
            };
            assert_eq!(pairs(&here), pairs(&there), "{changed}");
            let told = |request: &Request| match request.request_context() {
                RequestContext::ApiGatewayV1(context) => (context.request_id, context.domain_name, context.path, context.identity.source_ip),
                _ => panic!("no context"),
            };
            assert_eq!(told(&here), told(&there), "{changed}");
        }
    }

    #[test]
    fn all_values_of_a_header_arrive() {
        let request = read(json!({"headers": {"a": "2"}, "multiValueHeaders": {"a": ["1", "2"], "b": ["\u{fc}"]}}));
        assert_eq!(request.headers().get_all("a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(request.headers()["b"].as_bytes(), "\u{fc}".as_bytes());
    }

    #[test]
    fn a_path_that_no_uri_can_have_keeps_its_query() {
        let request = read(json!({"path": "/tasks/a b", "multiValueQueryStringParameters": {"x": ["1"]}}));
        assert_eq!((request.raw_http_path(), request.uri().query()), ("/tasks/a b", Some("x=1")));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for changed in [
            json!({"httpMethod": "A B"}),
            json!({"multiValueHeaders": {"a b": ["1"]}}),
            json!({"multiValueHeaders": {"a": ["1\n2"]}}),
            json!({"multiValueHeaders": [1]}),
            json!({"headers": 1}),
            json!({"body": "?", "isBase64Encoded": true}),
            json!({"requestContext": null}),
        ] {
            assert!(request(&event(changed.clone()), &Context::default()).is_err(), "{changed}");
        }
        assert!(matches!(read(json!({"body": ""})).body(), Body::Text(text) if text.is_empty()));
    }
}
