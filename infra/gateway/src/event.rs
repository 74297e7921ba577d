//! A request as API Gateway hands it to Lambda (REST, payload v1), and as `lambda_http` hands that to a handler.

use std::net::SocketAddr;

use aws_lambda_events::apigw::ApiGatewayProxyRequest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::HOST, request::Parts};
use lambda_http::request::LambdaRequest;
use percent_encoding::percent_decode_str;

/// The stage that has no part in paths.
const STAGE: &str = "$default";

/// What API Gateway says about a request beside its own words.
pub struct Surroundings<'a> {
    /// Who connected.
    pub peer: SocketAddr,
    /// As the client names this server; checked by [`host`].
    pub host: &'a str,
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

/// The event of a request. `body` is text where it is UTF-8, base64 where it isn't.
pub fn event(parts: &Parts, body: Bytes, surroundings: Surroundings<'_>) -> ApiGatewayProxyRequest {
    let Surroundings { peer, host, request_id, resource, path, parameters, received_at } = surroundings;
    let mut event = ApiGatewayProxyRequest::default();
    event.resource = Some(resource.to_owned());
    event.path = Some(path.to_owned());
    event.http_method = parts.method.clone();
    event.multi_value_headers = headers(&parts.headers, peer, host);
    // In-process both maps are the same type, and the conversion puts this one over the other: it needs only what it reads itself.
    for name in [HOST, HeaderName::from_static("x-forwarded-proto")] {
        if let Some(value) = event.multi_value_headers.get(&name) {
            event.headers.insert(name, value.clone());
        }
    }
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
    context.domain_name = Some(host.to_owned());
    context.request_id = Some(request_id);
    context.resource_path = Some(resource.to_owned());
    context.path = Some(path.to_owned());
    context.http_method = parts.method.clone();
    context.protocol = Some("HTTP/1.1".into());
    context.request_time_epoch = received_at;
    context.identity.source_ip = Some(peer.ip().to_canonical().to_string());
    event
}

/// What a handler gets, made by the very code that makes it on AWS.
pub fn request(event: ApiGatewayProxyRequest) -> edge::Request {
    LambdaRequest::ApiGatewayV1(event).into()
}

/// Those of the client, with what API Gateway writes over them.
fn headers(received: &HeaderMap, peer: SocketAddr, host: &str) -> HeaderMap {
    let mut headers = received.clone();
    let forwarded_for = HeaderName::from_static("x-forwarded-for");
    let peer = peer.ip().to_canonical().to_string();
    let chain = match received.get(&forwarded_for).and_then(|chain| chain.to_str().ok()) {
        Some(chain) => format!("{chain}, {peer}"),
        None => peer,
    };
    if let Ok(chain) = HeaderValue::from_str(&chain) {
        headers.insert(forwarded_for, chain);
    }
    headers.insert(HeaderName::from_static("x-forwarded-proto"), HeaderValue::from_static("http"));
    if let Ok(host) = HeaderValue::from_str(host) {
        headers.entry(HOST).or_insert(host);
    }
    headers
}

/// How many bytes the event's body has as JSON, which is what Lambda's limit counts.
pub fn payload_bytes(event: &ApiGatewayProxyRequest) -> usize {
    let body = event.body.as_deref().unwrap_or_default();
    body.len() + body.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t')).count()
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
        let (parts, body) = request.into_parts();
        let route = Route { method: None, path: "/tasks/{id}".into(), streamed: false, timeout: std::time::Duration::ZERO };
        let router = Router::new([(route, ())]).unwrap();
        let found = router.find(&parts.method, parts.uri.path()).unwrap();
        let surroundings = Surroundings {
            peer: "192.0.2.7:4711".parse().unwrap(),
            host: host(&parts).unwrap(),
            request_id: "request-1".into(),
            resource: &found.target.route.path,
            path: parts.uri.path(),
            parameters: &found.parameters,
            received_at: 1_700_000_000_000,
        };
        super::request(event(&parts, Bytes::from_static(body), surroundings))
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
    fn escaping_counts_toward_the_payload() {
        let mut event = ApiGatewayProxyRequest::default();
        event.body = Some("a\"\\\n".into());
        assert_eq!(payload_bytes(&event), 7);
    }
}
