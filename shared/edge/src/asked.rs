//! What the headers and the query of a request ask for.

use http::{
    HeaderMap,
    header::{ACCEPT, CONTENT_TYPE, USER_AGENT},
};
use protocol::{A2aError, rest::FileBytes};

/// The media type of the HTTP+JSON binding (spec section 11.1).
pub(crate) const A2A_JSON: &str = "application/a2a+json";

/// `A2A-Version` as sent, header before query; empty where there is none (spec section 3.6.1).
pub(crate) fn version<'a>(headers: &'a HeaderMap, query: &'a [(String, String)]) -> &'a str {
    text(headers, "a2a-version").or_else(|| parameter(query, "a2a-version")).map_or("", str::trim)
}

/// The URIs in `A2A-Extensions`, header and query, and in the header that v0.3 had for them.
pub(crate) fn extensions(headers: &HeaderMap, query: &[(String, String)]) -> Vec<String> {
    let sent = ["a2a-extensions", "x-a2a-extensions"].into_iter().flat_map(|name| headers.get_all(name)).filter_map(|value| value.to_str().ok());
    let lists: Vec<&str> = sent.chain(parameter(query, "a2a-extensions")).collect();
    if lists.is_empty() { Vec::new() } else { protocol::extensions::parse(&lists.join(",")) }
}

/// The query's parameters, decoded.
pub(crate) fn query(uri: &http::Uri) -> Vec<(String, String)> {
    uri.query().map_or_else(Vec::new, |query| form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// `Last-Event-ID` of a client that resumes; one that we never sent is none.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<u64> {
    text(headers, "last-event-id")?.trim().parse().ok()
}

/// Whether a body is said to be JSON as it stands. A body without a type is taken for it.
pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), A2aError> {
    if let Some(encoding) = text(headers, "content-encoding").map(str::trim).filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(A2aError::UnsupportedMediaType { content_type: format!("application/json, encoded as {encoding}") });
    }
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let content_type = value.to_str().unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") || media_type.eq_ignore_ascii_case(A2A_JSON) {
        return Ok(());
    }
    Err(A2aError::UnsupportedMediaType { content_type: content_type.to_owned() })
}

/// Whether `Accept` names the media type of the HTTP+JSON binding.
pub(crate) fn accepts_a2a_json(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|accept| accept.as_bytes().windows(A2A_JSON.len()).any(|part| part.eq_ignore_ascii_case(A2A_JSON.as_bytes())))
}

/// How the client writes and reads the bytes of a file by v0.3's REST. The official Python and Java clients put base64 text where
/// bytes belong, and can only be known by their HTTP libraries.
pub(crate) fn file_bytes(headers: &HeaderMap) -> FileBytes {
    match headers.get(USER_AGENT) {
        Some(agent) if [&b"python-httpx/"[..], b"Java-http-client/"].iter().any(|library| agent.as_bytes().starts_with(library)) => FileBytes::Twice,
        _ => FileBytes::Once,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn parameter<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, http::HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_version_comes_from_the_header_or_else_from_the_query() {
        let query = query(&http::Uri::from_static("/?x=y&A2A-Version=0.3"));
        assert_eq!(version(&headers(&[("a2a-version", " 1.0 ")]), &query), "1.0");
        assert_eq!(version(&headers(&[]), &query), "0.3");
        assert_eq!(version(&headers(&[]), &[]), "");
    }

    #[test]
    fn extensions_are_gathered_from_everywhere_once() {
        let sent = headers(&[
            ("a2a-extensions", "https://a.example/1, https://a.example/2"),
            ("a2a-extensions", "https://a.example/1"),
            ("x-a2a-extensions", "urn:b"),
        ]);
        assert_eq!(
            extensions(&sent, &query(&http::Uri::from_static("/?A2A-Extensions=https%3A%2F%2Fc.example"))),
            ["https://a.example/1", "https://a.example/2", "urn:b", "https://c.example"]
        );
    }

    #[test]
    fn only_json_is_a_content_type() {
        for right in ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/a2a+json"] {
            assert_eq!(check_content_type(&headers(&[("content-type", right)])), Ok(()), "{right}");
        }
        assert_eq!(check_content_type(&headers(&[])), Ok(()));
        assert_eq!(check_content_type(&headers(&[("content-encoding", "identity")])), Ok(()));
        assert!(check_content_type(&headers(&[("content-type", "application/json"), ("content-encoding", "gzip")])).is_err());
        for wrong in ["text/plain", "application/xml", "application/jsonp", ""] {
            assert!(check_content_type(&headers(&[("content-type", wrong)])).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_media_type_of_the_binding_is_found_among_others() {
        assert!(accepts_a2a_json(&headers(&[("accept", "text/html, application/A2A+json;q=0.9")])));
        assert!(!accepts_a2a_json(&headers(&[("accept", "application/json, */*")])));
    }

    #[test]
    fn clients_that_take_bytes_for_text_are_known_by_their_library() {
        for (agent, file_bytes) in [
            ("python-httpx/0.28.1", FileBytes::Twice),
            ("Java-http-client/17.0.9", FileBytes::Twice),
            ("node", FileBytes::Once),
            ("curl/8.5.0 python-httpx/", FileBytes::Once),
        ] {
            assert_eq!(super::file_bytes(&headers(&[("user-agent", agent)])), file_bytes, "{agent}");
        }
        assert_eq!(super::file_bytes(&headers(&[])), FileBytes::Once);
    }

    #[test]
    fn a_last_event_id_that_is_no_number_is_none() {
        assert_eq!(last_event_id(&headers(&[("last-event-id", "17")])), Some(17));
        assert_eq!(last_event_id(&headers(&[("last-event-id", "x")])), None);
    }
}
