//! The headers that every response has, whatever it says.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CONTENT_SECURITY_POLICY, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
        VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
    },
};

use crate::{Body, Response};

/// As API Gateway names it.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// What browsers are told of everything from here: it is data, not a page.
const SECURITY: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // The filter that this once switched on did harm.
    (X_XSS_PROTECTION, HeaderValue::from_static("0")),
    (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Adds what every response has: security headers, the request's id, and leave to read it for pages of these origins.
pub(crate) fn complete(response: &mut Response, request: &HeaderMap, request_id: Option<&str>, cors_origins: &[HeaderValue]) {
    let headers = response.headers_mut();
    headers.reserve(SECURITY.len() + 3);
    headers.extend(SECURITY);
    if let Some(id) = request_id.and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(REQUEST_ID, id);
    }
    if cors_origins.is_empty() {
        return;
    }
    // One header, because API Gateway folds several of a name badly.
    let vary = match headers.get(VARY).and_then(|vary| vary.to_str().ok()) {
        Some(vary) => HeaderValue::from_str(&format!("{vary}, Origin")).unwrap_or(HeaderValue::from_static("Origin")),
        None => HeaderValue::from_static("Origin"),
    };
    headers.insert(VARY, vary);
    if let Some(origin) = allowed(request, cors_origins) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let exposed =
            "x-amzn-requestid, traceparent, etag, a2a-version, a2a-extensions, retry-after, ratelimit, ratelimit-policy, www-authenticate, location";
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
    }
}

/// The answer to `OPTIONS`: which methods there are, and to a browser that asks beforehand, what its page may send.
pub(crate) fn options(request: &HeaderMap, allow: &str, cors_origins: &[HeaderValue]) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let methods = HeaderValue::from_str(allow).unwrap_or(HeaderValue::from_static("OPTIONS"));
    let headers = response.headers_mut();
    headers.insert(ALLOW, methods.clone());
    if request.contains_key(ACCESS_CONTROL_REQUEST_METHOD) && allowed(request, cors_origins).is_some() {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        let sent = "content-type, accept, authorization, x-api-key, a2a-version, a2a-extensions, x-a2a-extensions, last-event-id, if-none-match, traceparent";
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(sent));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

/// `Allow` for these methods.
pub(crate) fn allow(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).chain(["OPTIONS"]).collect::<Vec<_>>().join(", ")
}

fn allowed<'a>(request: &HeaderMap, cors_origins: &'a [HeaderValue]) -> Option<&'a HeaderValue> {
    let origin = request.get(ORIGIN)?;
    cors_origins.iter().find(|allowed| *allowed == origin)
}
