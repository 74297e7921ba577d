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
    // The parser has turned decimal, octal, hexadecimal, short and full-width forms of IPv4 into the plain one by now.
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else { return Err("it names no host".into()) };
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let refusal = match literal {
        Ok(address) => address::refusal(address, allow_loopback),
        Err(_) => refused_name(host, allow_loopback),
    };
    if let Some(reason) = refusal {
        return Err(format!("`{host}` is {reason}"));
    }
    // Whoever admits this machine has its ports in view.
    let this_machine = literal.map_or_else(|_| is_this_machine(host), |address| address.is_loopback());
    match url.port().and_then(port::refusal) {
        Some(reason) if !this_machine || url.port() == Some(0) => Err(reason.into()),
        _ => Ok(url),
    }
}

/// Whether the name means this machine wherever it is looked up.
fn is_this_machine(host: &str) -> bool {
    let name = host.trim_end_matches('.');
    name == "localhost.localdomain" || is_below(name, "localhost")
}

fn is_below(name: &str, end: &str) -> bool {
    name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Names of networks behind the server: reserved for them (RFC 6761, 6762, 8375), ICANN's for private use, and what is used so all the same.
const INSIDE: [&str; 10] = ["internal", "local", "localdomain", "home.arpa", "intranet", "private", "corp", "home", "lan", "onion"];

/// Names that nobody outside can have, wherever they are looked up.
fn refused_name(host: &str, allow_loopback: bool) -> Option<&'static str> {
    if is_this_machine(host) {
        return (!allow_loopback).then_some("this machine");
    }
    let name = host.trim_end_matches('.');
    if !name.contains('.') || INSIDE.iter().any(|end| is_below(name, end)) {
        return Some("a name of a private network");
    }
    None
}
