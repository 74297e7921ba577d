//! A request as API Gateway hands it to Lambda (REST, payload v1), and as `lambda_http` hands that to a handler.

use std::{mem, net::SocketAddr};

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::HOST, request::Parts};
use lambda_http::request::LambdaRequest;
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
    pub host: String,
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
pub fn host(parts: &Parts) -> Option<&str> {
    let host = match parts.headers.get(HOST) {
        Some(host) => host.to_str().ok()?,
        None => parts.uri.authority().map_or("localhost", |authority| authority.as_str()),
    };
    // Nearly every host is plain; the others are left to the parser that the conversion below relies on.
    let plain = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b':');
    let ordinary = |host: &str| host == "127.0.0.1" || host.strip_prefix("127.0.0.1:").is_some_and(|port| port.parse::<u16>().is_ok());
    let acceptable = ordinary(host)
        || (!host.is_empty() && host.bytes().all(plain) && !host.contains(':'))
        || reqwest::Url::parse(&format!("http://{host}/")).is_ok_and(|url| url.username().is_empty() && url.path() == "/" && url.query().is_none());
    acceptable.then_some(host)
}

/// The event of a request, which gives its headers away. `body` is text where it is UTF-8, base64 where it isn't.
pub fn event(parts: &mut Parts, body: Bytes, surroundings: Surroundings<'_>) -> ApiGatewayProxyRequest {
    let Surroundings { peer, host, request_id, resource, path, parameters, received_at } = surroundings;
    let mut event = ApiGatewayProxyRequest::default();
    event.resource = Some(resource.to_owned());
    event.path = Some(path.to_owned());
    event.http_method = parts.method.clone();
    event.multi_value_headers = headers(mem::take(&mut parts.headers), peer);
    // In-process both maps are of the same type, and the conversion lays this one over the other: it needs only what is read from it.
    event.headers.insert(X_FORWARDED_PROTO, HTTP);
    if let Some(query) = parts.uri.query().filter(|query| !query.is_empty()) {
        let Ok(pairs) = query.parse();
        event.multi_value_query_string_parameters = pairs;
    }
    event.path_parameters =
        parameters.iter().map(|(name, value)| (name.to_owned(), percent_decode_str(value).decode_utf8_lossy().into_owned())).collect();
    if !body.is_empty() {
        event.body = Some(match String::from_utf8(body.into()) {
            Ok(text) => text,
            Err(binary) => {
                event.is_base64_encoded = true;
                STANDARD.encode(binary.as_bytes())
            }
        });
    }
    let context = &mut event.request_context;
    context.stage = Some(STAGE.into());
    context.domain_name = Some(host);
    context.request_id = Some(request_id);
    context.resource_path = Some(resource.to_owned());
    context.path = Some(path.to_owned());
    context.http_method = parts.method.clone();
    context.protocol = Some("HTTP/1.1".into());
    context.request_time_epoch = received_at;
    context.identity.source_ip = Some(peer.ip.clone());
    event
}

/// What a handler gets, made by the very code that makes it on AWS.
pub fn request(event: ApiGatewayProxyRequest) -> edge::Request {
    LambdaRequest::ApiGatewayV1(event).into()
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
    use lambda_http::RequestExt;

    use super::*;
    use crate::{router::Router, template::Route};

    fn received(request: http::Request<&'static [u8]>) -> edge::Request {
        let (mut parts, body) = request.into_parts();
        let uri = parts.uri.clone();
        let route = Route { method: None, path: "/tasks/{id}".into(), streamed: false, timeout: std::time::Duration::ZERO };
        let router = Router::new([(route, ())]).unwrap();
        let found = router.find(&parts.method, uri.path()).unwrap();
        let surroundings = Surroundings {
            peer: &Peer::new("192.0.2.7:4711".parse().unwrap()),
            host: host(&parts).unwrap().to_owned(),
            request_id: "request-1".into(),
            resource: &found.target.route.path,
            path: uri.path(),
            parameters: &found.parameters,
            received_at: 1_700_000_000_000,
        };
        super::request(event(&mut parts, Bytes::from_static(body), surroundings))
    }

    fn get(path: &str) -> http::request::Builder {
        http::Request::get(path).header("host", "agents.example:8080")
    }

    #[test]
    fn a_handler_gets_what_the_client_sent() {
        let request =
            received(get("/tasks/a%20b:cancel?x=1&x=2&y=%C3%BC").method("POST").header("a", "1").header("a", "2").body(b"{}".as_slice()).unwrap());
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri().path(), "/tasks/a%20b:cancel");
        assert_eq!(request.uri().scheme_str(), Some("http"));
        assert_eq!(request.uri().host(), Some("agents.example"));
        assert_eq!(request.raw_http_path(), "/tasks/a%20b:cancel");
        assert_eq!(request.headers().get_all("a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(request.query_string_parameters().all("x").unwrap(), ["1", "2"]);
        assert_eq!(request.query_string_parameters().first("y"), Some("ü"));
        assert_eq!(request.path_parameters().first("id"), Some("a b:cancel"));
        assert_eq!(&request.body()[..], b"{}");
    }

    #[test]
    fn the_address_is_the_connections_and_never_a_headers() {
        let request =
            received(get("/tasks/1").header("x-forwarded-for", "10.0.0.1").header("x-forwarded-proto", "javascript").body(b"".as_slice()).unwrap());
        let Some(lambda_http::request::RequestContext::ApiGatewayV1(context)) = request.request_context_ref() else { panic!("no context") };
        assert_eq!(context.identity.source_ip.as_deref(), Some("192.0.2.7"));
        assert_eq!(context.request_id.as_deref(), Some("request-1"));
        assert_eq!(request.headers()["x-forwarded-for"], "10.0.0.1, 192.0.2.7");
        assert_eq!(request.headers()["x-forwarded-proto"], "http");
    }

    #[test]
    fn a_body_that_is_no_text_arrives_unchanged() {
        let request = received(get("/tasks/1").method("POST").body(b"\xff\xfe{}".as_slice()).unwrap());
        assert_eq!(&request.body()[..], b"\xff\xfe{}");
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
            ("1.2.3.4.5", false),
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
