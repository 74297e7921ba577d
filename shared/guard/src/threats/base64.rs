//! Text that hides in base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Shorter ones hold no attack, and many ids look like them.
const LEAST_BYTES: usize = 16;

/// The text, if a field is base64 of nothing but readable characters. Random ids practically never are.
pub(super) fn hidden_text(field: &str) -> Option<String> {
    if field.len() < LEAST_BYTES || !field.len().is_multiple_of(4) {
        return None;
    }
    // The first group tells nearly every id apart.
    let readable = |bytes: &[u8]| bytes.iter().all(|byte| byte.is_ascii_graphic() || b" \r\n\t".contains(byte));
    let first = STANDARD.decode(&field.as_bytes()[..4]).ok()?;
    if !readable(&first) {
        return None;
    }
    let bytes = STANDARD.decode(field).ok()?;
    String::from_utf8(bytes).ok().filter(|text| readable(text.as_bytes()))
}
