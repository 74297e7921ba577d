//! What can be said of a webhook's URL before anything is looked up.

use std::net::IpAddr;

use engine::ports::WebhookError;
use reqwest::Url;

use crate::{address, port};

/// Longer ones are nobody's.
const MAX_URL_BYTES: usize = 2048;

/// Whether a webhook of this URL could ever be called.
pub(crate) fn check(url: &str, allow_loopback: bool) -> Result<(), WebhookError> {
    parse(url, allow_loopback).map(drop).map_err(|reason| WebhookError::Refused { reason })
}

/// The URL as it will be called, or why it never will be.
pub(crate) fn parse(url: &str, allow_loopback: bool) -> Result<Url, String> {
    if url.len() > MAX_URL_BYTES {
        return Err(format!("it has more than {MAX_URL_BYTES} bytes"));
    }
    let url = Url::parse(url).map_err(|error| format!("it is no absolute URL ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{}` is neither http nor https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it carries credentials".into());
    }
    if let Some(reason) = url.port().and_then(port::refusal) {
        return Err(reason.into());
    }
    // The parser has turned decimal, octal, hexadecimal, short and full-width forms of IPv4 into the plain one by now.
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else { return Err("it names no host".into()) };
    let refusal = match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(literal) => address::refusal(literal, allow_loopback),
        Err(_) => refused_name(host, allow_loopback),
    };
    match refusal {
        Some(reason) => Err(format!("`{host}` is {reason}")),
        None => Ok(url),
    }
}

/// Names of networks behind the server: reserved for them (RFC 6761, 6762, 8375), ICANN's for private use, and what is used so all the same.
const INSIDE: [&str; 10] = ["internal", "local", "localdomain", "home.arpa", "intranet", "private", "corp", "home", "lan", "onion"];

/// Names that nobody outside can have, wherever they are looked up.
fn refused_name(host: &str, allow_loopback: bool) -> Option<&'static str> {
    let name = host.trim_end_matches('.');
    let is_below = |end: &str| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if is_below("localhost") || name == "localhost.localdomain" {
        return (!allow_loopback).then_some("this machine");
    }
    if !name.contains('.') || INSIDE.iter().any(|end| is_below(end)) {
        return Some("a name of a private network");
    }
    None
}
