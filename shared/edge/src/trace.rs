//! The trace that a request is part of: W3C Trace Context, or X-Ray's header, which says the same in other words.

use std::borrow::Cow;

use http::HeaderMap;

/// A trace, as the client or API Gateway began it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace<'a> {
    /// 32 hexadecimal digits.
    pub id: Cow<'a, str>,
    /// The caller's place in it, 16 digits; `None` where only the root is known.
    pub parent_span: Option<&'a str>,
    /// Whether who began it records it.
    is_sampled: bool,
    /// X-Ray's own name of it, where there is one.
    pub xray: Option<&'a str>,
}

impl<'a> Trace<'a> {
    /// Of the request with these headers; `None` where it isn't part of one, or what it says can't be read.
    pub fn of(headers: &'a HeaderMap) -> Option<Self> {
        let header = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let xray = header("x-amzn-trace-id").and_then(root);
        let parent = header("traceparent").and_then(parent);
        match (parent, xray) {
            (Some((id, span, is_sampled)), xray) => {
                Some(Trace { id: Cow::Borrowed(id), parent_span: Some(span), is_sampled, xray: xray.map(|(root, _)| root) })
            }
            // `1-`, 8 digits of time, `-`, 24 digits.
            (None, Some((root, is_sampled))) => {
                Some(Trace { id: Cow::Owned(format!("{}{}", &root[2..10], &root[11..])), parent_span: None, is_sampled, xray: Some(root) })
            }
            (None, None) => None,
        }
    }

    /// Whether who began it records it; `None` where no `traceparent` says so.
    pub fn sampled(&self) -> Option<bool> {
        self.parent_span.map(|_| self.is_sampled)
    }

    /// `traceparent` for what this request brings about, in which it is the parent.
    pub fn parent(&self, request_id: Option<&str>) -> String {
        format!("00-{}-{}-0{}", self.id, span_id(request_id.unwrap_or_default()), u8::from(self.is_sampled))
    }
}

/// The trace's id, the caller's place in it and whether it is sampled, of a `traceparent`.
fn parent(header: &str) -> Option<(&str, &str, bool)> {
    let mut parts = header.trim().split('-');
    let [version, id, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_id = |text: &str, length| is_hex(text, length) && text.bytes().any(|byte| byte != b'0');
    // Later versions may have more parts; `ff` is none.
    let is_known = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    if !is_known || !is_id(id, 32) || !is_id(span, 16) || !is_hex(flags, 2) {
        return None;
    }
    Some((id, span, u8::from_str_radix(flags, 16).ok()? & 1 == 1))
}

/// The root and whether it is sampled, of X-Ray's header.
fn root(header: &str) -> Option<(&str, bool)> {
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="))?;
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = root.split('-');
    let is_root = parts.next() == Some("1")
        && parts.next().is_some_and(|time| time.len() == 8 && is_hex(time))
        && parts.next().is_some_and(|rest| rest.len() == 24 && is_hex(rest))
        && parts.next().is_none();
    is_root.then(|| (root, header.contains("Sampled=1")))
}

/// The request's place in its trace: its id, which is a UUID, folded to 16 digits, of which one at least isn't zero.
pub fn span_id(request_id: &str) -> String {
    let digits = request_id.bytes().filter_map(|byte| char::from(byte).to_digit(16));
    let folded = digits.enumerate().fold(0_u64, |folded, (at, digit)| folded ^ (u64::from(digit) << (60 - 4 * (at % 16))));
    format!("{:016x}", folded.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_trace_goes_on_with_the_request_as_the_parent() {
        let sent = headers(&[("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]);
        let trace = Trace::of(&sent).unwrap();
        assert_eq!((&*trace.id, trace.xray, trace.sampled()), (ID, None, Some(true)));
        let parent = trace.parent(Some("62f203c9-9b54-8546-8000-000000000001"));
        assert_eq!(parent, format!("00-{ID}-e2f203c99b548547-01"));
        assert_eq!(trace.parent(None), format!("00-{ID}-0000000000000001-01"));
    }

    #[test]
    fn x_rays_header_names_the_same_trace() {
        let sent = headers(&[("x-amzn-trace-id", "Self=1-0-1;Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")]);
        let trace = Trace::of(&sent).unwrap();
        assert_eq!((&*trace.id, trace.xray), ("5759e988bd862e3fe1be46a994272793", Some("1-5759e988-bd862e3fe1be46a994272793")));
        assert!(trace.parent(None).ends_with("-01"));
        assert_eq!(trace.sampled(), None, "a `traceparent` alone says so");
    }

    #[test]
    fn what_its_beginner_does_not_record_is_not_sampled() {
        let flags = |flags| format!("00-{ID}-00f067aa0ba902b7-{flags}");
        for (flags, sampled) in [(flags("00"), false), (flags("02"), false), (flags("01"), true), (flags("03"), true)] {
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static("traceparent"), flags.parse().unwrap())]);
            assert_eq!(Trace::of(&headers).unwrap().sampled(), Some(sampled), "{flags}");
        }
    }

    #[test]
    fn what_is_no_trace_is_none() {
        for wrong in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        ] {
            assert_eq!(parent(wrong), None, "{wrong}");
        }
        for wrong in ["Root=1-5759e988-bd86", "Root=5759e988bd862e3fe1be46a994272793", "Sampled=1", "Root=1-5759e988-bd862e3fe1be46a99427279ü"] {
            assert_eq!(root(wrong), None, "{wrong}");
        }
        assert!(parent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more").is_some(), "a later version");
    }
}
