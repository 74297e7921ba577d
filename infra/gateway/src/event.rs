//! A request as API Gateway hands it to Lambda (REST, payload v1), and as `lambda_http` hands that to a handler.

use std::{mem, net::SocketAddr};

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::HOST,
    request::Parts,
    uri::{self, Authority, PathAndQuery, Scheme},
};
use lambda_http::{Body, RequestExt, request::RequestContext};
use percent_encoding::percent_decode_str;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HTTP: HeaderValue = HeaderValue::from_static("http");

/// The stage that has no part in paths.
const STAGE: &str = "$default";

/// Who is at the other end of a connection. Made once for each connection, because each request tells it.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The address without its port.
    ip: String,
    /// The same, as a header's value.
    forwarded_for: HeaderValue,
}

impl Peer {
    /// From the connection, and never from a header.
    pub fn new(address: SocketAddr) -> Self {
        let ip = address.ip().to_canonical().to_string();
        let forwarded_for = HeaderValue::from_str(&ip).unwrap_or(HeaderValue::from_static("unknown"));
        Peer { ip, forwarded_for }
    }
}

/// What API Gateway says about a request beside its own words.
pub struct Surroundings<'a> {
    /// Who connected.
    pub peer: &'a Peer,
    /// As the client names this server; checked by [`host`].
    pub host: &'a Authority,
    /// Unique.
    pub request_id: String,
    /// The path of the route.
    pub resource: &'a str,
    /// As [`crate::router::canonical`] makes it.
    pub path: &'a str,
    /// From the path.
    pub parameters: &'a matchit::Params<'a, 'a>,
    /// Milliseconds since 1970.
    pub received_at: i64,
}

/// The host that the client asks for; `None` where it isn't one that a URL can have.
pub fn host(parts: &Parts) -> Option<Authority> {
    let authority = match parts.headers.get(HOST) {
        Some(host) => Authority::try_from(host.as_bytes()).ok()?,
        None => parts.uri.authority().cloned().unwrap_or(Authority::from_static("localhost")),
    };
    // A port is whatever follows the colon, for that type.
    let port = authority.as_str().strip_prefix(authority.host());
    let plain = port.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()));
    plain.then_some(authority)
}

/// The event of a request, which gives its headers away; without the body, and with all headers in the map of those with many values.
pub fn event(parts: &mut Parts, surroundings: Surroundings<'_>) -> ApiGatewayProxyRequest {
    let Surroundings { peer, host, request_id, resource, path, parameters, received_at } = surroundings;
    let mut event = ApiGatewayProxyRequest::default();
    event.resource = Some(resource.to_owned());
    event.path = Some(path.to_owned());
    event.http_method = parts.method.clone();
    event.multi_value_headers = headers(mem::take(&mut parts.headers), peer);
    if let Some(query) = parts.uri.query().filter(|query| !query.is_empty()) {
        let Ok(pairs) = query.parse();
        event.multi_value_query_string_parameters = pairs;
    }
    event.path_parameters =
        parameters.iter().map(|(name, value)| (name.to_owned(), percent_decode_str(value).decode_utf8_lossy().into_owned())).collect();
    let context = &mut event.request_context;
    context.stage = Some(STAGE.into());
    context.domain_name = Some(host.as_str().to_owned());
    context.request_id = Some(request_id);
    context.resource_path = Some(resource.to_owned());
    context.path = Some(path.to_owned());
    context.http_method = parts.method.clone();
    context.protocol = Some("HTTP/1.1".into());
    context.request_time_epoch = received_at;
    context.identity.source_ip = Some(peer.ip.clone());
    event
}

/// The event as Lambda gets it, in JSON.
pub fn json(mut event: ApiGatewayProxyRequest, body: &Bytes) -> Bytes {
    // The last value of each header stands in the map of those with one.
    event.headers = event
        .multi_value_headers
        .keys()
        .filter_map(|name| Some((name.clone(), event.multi_value_headers.get_all(name).iter().next_back()?.clone())))
        .collect();
    let text = std::str::from_utf8(body).ok();
    event.is_base64_encoded = text.is_none();
    event.body = (!body.is_empty()).then(|| text.map_or_else(|| STANDARD.encode(body), str::to_owned));
    // Text keys and values only: that can't fail.
    serde_json::to_vec(&event).unwrap_or_default().into()
}

/// What a handler gets: what `lambda_http` would make of the event in JSON, without the detour (a test holds it to that).
pub fn request(event: ApiGatewayProxyRequest, uri: &Uri, host: Authority, body: Bytes, context: lambda_http::Context) -> Option<edge::Request> {
    let path = event.path.unwrap_or_default();
    let path_and_query = match uri.path_and_query() {
        Some(sent) if sent.path() == path => sent.clone(),
        _ => PathAndQuery::try_from(uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"))).ok()?,
    };
    let mut parts = uri::Parts::default();
    (parts.scheme, parts.authority, parts.path_and_query) = (Some(Scheme::HTTP), Some(host), Some(path_and_query));
    let body = match String::from_utf8(body.into()) {
        Ok(text) if text.is_empty() => Body::Empty,
        Ok(text) => Body::Text(text),
        Err(binary) => Body::Binary(binary.into_bytes()),
    };
    let mut request = edge::Request::new(body);
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    *request.method_mut() = event.http_method;
    *request.headers_mut() = event.multi_value_headers;
    *request.extensions_mut() = Extensions::new()
        .with_raw_http_path(path)
        .with_query_string_parameters(event.multi_value_query_string_parameters)
        .with_path_parameters(event.path_parameters)
        .with_request_context(RequestContext::ApiGatewayV1(event.request_context))
        .with_lambda_context(context);
    Some(request)
}

/// Those of the client, with what API Gateway writes over them.
fn headers(mut headers: HeaderMap, peer: &Peer) -> HeaderMap {
    let chain = match headers.get(&X_FORWARDED_FOR).and_then(|chain| chain.to_str().ok()) {
        Some(chain) => HeaderValue::try_from(format!("{chain}, {}", peer.ip)).ok(),
        None => None,
    };
    headers.insert(X_FORWARDED_FOR, chain.unwrap_or_else(|| peer.forwarded_for.clone()));
    headers.insert(X_FORWARDED_PROTO, HTTP);
    headers
}

/// How many bytes the body has within an event, which is JSON: what Lambda's limit counts.
pub fn payload_bytes(body: &[u8]) -> usize {
    match std::str::from_utf8(body) {
        Ok(text) => text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t')).count(),
        Err(_) => body.len().div_ceil(3) * 4,
    }
}

/// Whether the method may have a body that matters.
pub fn may_have_body(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::TRACE)
}

#[cfg(test)]
mod tests {
    use lambda_http::request::LambdaRequest;

    use super::*;
    use crate::{router::Router, template::Route};

    /// The request as a handler gets it here, and as it gets it on AWS.
    fn received(request: http::Request<&'static [u8]>) -> [edge::Request; 2] {
        let (mut parts, body) = request.into_parts();
        let uri = parts.uri.clone();
        let route = Route { method: None, path: "/tasks/{id}".into(), streamed: false, timeout: std::time::Duration::ZERO };
        let router = Router::new([(route, ())]).unwrap();
        let found = router.find(&parts.method, uri.path()).unwrap();
        let host = host(&parts).unwrap();
        let surroundings = Surroundings {
            peer: &Peer::new("192.0.2.7:4711".parse().unwrap()),
            host: &host,
            request_id: "request-1".into(),
            resource: &found.target.route.path,
            path: uri.path(),
            parameters: &found.parameters,
            received_at: 1_700_000_000_000,
        };
        let event = event(&mut parts, surroundings);
        let mut json = event.clone();
        // AWS has the last value of each header here, and `lambda_http` lets it hide the others: those with one value only.
        let single = |name: &&HeaderName| json.multi_value_headers.get_all(*name).iter().count() == 1;
        json.headers = json.multi_value_headers.keys().filter(single).map(|name| (name.clone(), json.multi_value_headers[name].clone())).collect();
        json.is_base64_encoded = std::str::from_utf8(body).is_err();
        json.body = (!body.is_empty()).then(|| std::str::from_utf8(body).map_or_else(|_| STANDARD.encode(body), str::to_owned));
        let json = serde_json::from_slice(&serde_json::to_vec(&json).unwrap()).unwrap();
        let here = super::request(event, &uri, host, Bytes::from_static(body), lambda_http::Context::default()).unwrap();
        [here, LambdaRequest::ApiGatewayV1(json).into()]
    }

    fn get(path: &str) -> http::request::Builder {
        http::Request::get(path).header("host", "agents.example:8080")
    }

    #[test]
    fn a_handler_gets_what_lambda_http_would_give_it() {
        for request in [
            get("/tasks/1").body(b"".as_slice()),
            get("/tasks/a%20b:cancel?x=1&x=2&y=%C3%BC&z=a+b&empty=").method("POST").header("a", "1").header("a", "2").body(b"{}".as_slice()),
            get("/tasks/%2e%2e%2f").header("x-forwarded-for", "10.0.0.1").header("x-forwarded-proto", "javascript").body("ü".as_bytes()),
            get("/tasks/1").method("DELETE").body(b"\xff\xfe{}".as_slice()),
        ] {
            let [here, on_aws] = received(request.unwrap());
            assert_eq!(here.method(), on_aws.method());
            assert_eq!(here.uri().host(), on_aws.uri().host());
            assert_eq!(here.uri().scheme(), on_aws.uri().scheme());
            assert_eq!(here.raw_http_path(), on_aws.raw_http_path());
            assert_eq!(here.query_string_parameters(), on_aws.query_string_parameters());
            assert_eq!(here.path_parameters(), on_aws.path_parameters());
            assert_eq!(format!("{:?}", here.request_context()), format!("{:?}", on_aws.request_context()));
            assert_eq!(here.headers(), on_aws.headers());
            assert_eq!(here.body(), on_aws.body());
        }
    }

    #[test]
    fn a_handler_gets_what_the_client_sent() {
        let [request, _] =
            received(get("/tasks/a%20b:cancel?x=1&x=2&y=%C3%BC").method("POST").header("a", "1").header("a", "2").body(b"{}".as_slice()).unwrap());
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "http://agents.example:8080/tasks/a%20b:cancel?x=1&x=2&y=%C3%BC");
        assert_eq!(request.headers().get_all("a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(request.query_string_parameters().all("x").unwrap(), ["1", "2"]);
        assert_eq!(request.path_parameters().first("id"), Some("a b:cancel"));
        assert_eq!(&request.body()[..], b"{}");
    }

    #[test]
    fn the_address_is_the_connections_and_never_a_headers() {
        let [request, _] =
            received(get("/tasks/1").header("x-forwarded-for", "10.0.0.1").header("x-forwarded-proto", "javascript").body(b"".as_slice()).unwrap());
        let Some(RequestContext::ApiGatewayV1(context)) = request.request_context_ref() else { panic!("no context") };
        assert_eq!(context.identity.source_ip.as_deref(), Some("192.0.2.7"));
        assert_eq!(context.request_id.as_deref(), Some("request-1"));
        assert_eq!(request.headers()["x-forwarded-for"], "10.0.0.1, 192.0.2.7");
        assert_eq!(request.headers()["x-forwarded-proto"], "http");
    }

    #[test]
    fn hosts_that_no_url_can_have_are_refused() {
        for (header, good) in [
            ("localhost", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("a.example", true),
            ("a b", false),
            ("a/b", false),
            ("user@a", false),
            ("", false),
            ("a:99999", false),
            ("a:", false),
            ("a?b", false),
            ("[", false),
        ] {
            let (parts, ()) = http::Request::get("/").header("host", header).body(()).unwrap().into_parts();
            assert_eq!(host(&parts).is_some(), good, "{header}");
        }
    }

    #[test]
    fn escaping_and_base64_count_toward_the_payload() {
        assert_eq!(payload_bytes(b"a\"\\\n"), 7);
        assert_eq!(payload_bytes(b"\xff\xff\xff\xff"), 8);
    }
}
