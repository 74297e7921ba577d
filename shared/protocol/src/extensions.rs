//! The `A2A-Extensions` service parameter (spec section 3.2.6).

/// The URIs in a header value: comma separated, trimmed, each once, in order.
pub fn parse(header: &str) -> Vec<String> {
    let mut uris: Vec<String> = Vec::new();
    for uri in header.split(',').map(str::trim).filter(|uri| !uri.is_empty()) {
        if !uris.iter().any(|known| known == uri) {
            uris.push(uri.to_owned());
        }
    }
    uris
}

/// The header value for these URIs.
pub fn header(uris: &[String]) -> String {
    uris.join(",")
}
