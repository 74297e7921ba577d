//! What a function answers to an event of API Gateway, as an HTTP response: JSON with the whole body, or a prelude and the body after it.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header::SET_COOKIE};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::Failure;

/// What stands between a prelude and its body.
const DELIMITER: [u8; 8] = [0; 8];
/// A prelude that isn't at its end after so many bytes is none.
const MAX_PRELUDE_BYTES: usize = 64 * 1024;

const MALFORMED: Failure = Failure::Failed("the function's response is malformed");

/// Either form's head.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The response that was sent whole.
pub fn whole(answer: &[u8]) -> Result<Response<Bytes>, Failure> {
    let mut head: Head = serde_json::from_slice(answer).map_err(|_| MALFORMED)?;
    let text = head.body.take().unwrap_or_default();
    let body = if head.is_base64_encoded { STANDARD.decode(text).map_err(|_| MALFORMED)? } else { text.into_bytes() };
    Ok(response(head)?.map(|()| body.into()))
}

/// The response that comes in pieces, once its prelude is read.
pub async fn streamed(mut pieces: mpsc::Receiver<Bytes>) -> Result<Response<edge::Body>, Failure> {
    let mut read = BytesMut::new();
    let mut looked_at = 0;
    let end = loop {
        if let Some(place) = read[looked_at..].windows(DELIMITER.len()).position(|window| window == DELIMITER) {
            break looked_at + place;
        }
        // It may have begun.
        looked_at = read.len().saturating_sub(DELIMITER.len() - 1);
        if read.len() > MAX_PRELUDE_BYTES {
            return Err(MALFORMED);
        }
        read.extend_from_slice(&pieces.recv().await.ok_or(MALFORMED)?);
    };
    let prelude = read.split_to(end);
    let first = read.split_off(DELIMITER.len()).freeze();
    let head = response(serde_json::from_slice(&prelude).map_err(|_| MALFORMED)?)?;
    let rest = futures::stream::poll_fn(move |cx| pieces.poll_recv(cx));
    let first = futures::stream::iter((!first.is_empty()).then_some(first));
    Ok(head.map(|()| edge::Body::stream(first.chain(rest))))
}

fn response(head: Head) -> Result<Response<()>, Failure> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(head.status_code).map_err(|_| MALFORMED)?;
    let headers = response.headers_mut();
    for (name, values) in head.multi_value_headers {
        put(headers, &name, values)?;
    }
    for (name, values) in head.headers {
        let values = match values {
            OneOrMany::One(value) => vec![value],
            OneOrMany::Many(values) => values,
        };
        if !headers.contains_key(&name) {
            put(headers, &name, values)?;
        }
    }
    put(headers, SET_COOKIE.as_str(), head.cookies)?;
    Ok(response)
}

fn put(headers: &mut HeaderMap, name: &str, values: Vec<String>) -> Result<(), Failure> {
    let name = HeaderName::try_from(name).map_err(|_| MALFORMED)?;
    for value in values {
        headers.append(name.clone(), HeaderValue::try_from(value).map_err(|_| MALFORMED)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn a_whole_response_has_status_headers_and_body() {
        let answer = br#"{"statusCode":201,"headers":{"a":"1"},"multiValueHeaders":{"a":["1"],"b":["2","3"]},"body":"aGk=","isBase64Encoded":true}"#;
        let response = whole(answer).unwrap();
        assert_eq!((response.status().as_u16(), &response.body()[..]), (201, &b"hi"[..]));
        assert_eq!(response.headers().get_all("b").iter().collect::<Vec<_>>(), ["2", "3"]);
        assert_eq!(response.headers().get_all("a").iter().count(), 1);
    }

    #[test]
    fn what_is_no_response_is_malformed() {
        for answer in [&b"\"hello\""[..], b"{}", b"{\"statusCode\":99999}", b"{\"statusCode\":200,\"body\":\"!\",\"isBase64Encoded\":true}", b""] {
            assert_eq!(whole(answer).map(drop), Err(MALFORMED));
        }
    }

    async fn stream(pieces: &[&'static [u8]]) -> Result<(u16, Bytes), Failure> {
        let (sender, receiver) = mpsc::channel(pieces.len().max(1));
        for piece in pieces {
            sender.send(Bytes::from_static(piece)).await.unwrap();
        }
        drop(sender);
        let (parts, body) = streamed(receiver).await?.into_parts();
        Ok((parts.status.as_u16(), body.collect().await.unwrap().to_bytes()))
    }

    #[tokio::test]
    async fn a_prelude_is_looked_at_once_however_small_its_pieces() {
        let prelude = format!("{{\"statusCode\":200,\"headers\":{{\"a\":\"{}\"}}}}\0\0\0\0\0\0\0\0body", "x".repeat(60_000));
        let pieces: Vec<_> = prelude.leak().as_bytes().chunks(1).collect();
        let begun = std::time::Instant::now();
        assert_eq!(stream(&pieces).await.unwrap(), (200, Bytes::from_static(b"body")));
        // Looking at all of it for each piece took seconds.
        assert!(begun.elapsed().as_millis() < 1000, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_prelude_ends_wherever_pieces_do() {
        for pieces in [
            &[&b"{\"statusCode\":200,\"headers\":{}}\0\0\0\0\0\0\0\0body"[..]][..],
            &[b"{\"statusCode\":200,", b"\"headers\":{}}\0\0\0", b"\0\0\0\0\0bo", b"dy"],
        ] {
            assert_eq!(stream(pieces).await.unwrap(), (200, Bytes::from_static(b"body")));
        }
        for pieces in [&[&b"{\"statusCode\":200}"[..]][..], &[b"hello\0\0\0\0\0\0\0\0"], &[]] {
            assert_eq!(stream(pieces).await, Err(MALFORMED));
        }
    }
}
