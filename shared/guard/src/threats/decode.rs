//! One layer of encoding taken off: disguises of Unicode, percent signs, character references, backslash escapes, UTF-7.

use super::{CERTAIN, Features, Kind, Score, entities, escapes, fold};

/// The text without its outermost encodings; `None` where it has none.
pub(super) fn step(text: &str, features: Features, score: &mut Score) -> Option<String> {
    // What looks like a percent sign may be one to the next reader.
    let mut decoded = if features.any(Features::HIGH) { fold::folded(text) } else { None };
    let features = decoded.as_deref().map_or(features, Features::of);
    if features.any(Features::PERCENT)
        && let Some(decoded) = percent(decoded.as_deref().unwrap_or(text), score)
    {
        return Some(decoded);
    }
    if features.any(Features::AMPERSAND) {
        decoded = entities::decoded(decoded.as_deref().unwrap_or(text)).or(decoded);
    }
    if features.any(Features::BACKSLASH) {
        decoded = escapes::backslashes(decoded.as_deref().unwrap_or(text)).or(decoded);
    }
    if features.any(Features::PLUS) {
        decoded = escapes::utf7(decoded.as_deref().unwrap_or(text)).or(decoded);
    }
    decoded
}

/// `%41`, `%u0041`, and bytes that only a lax reader takes for a character: overlong forms, which have no other use than to hide.
fn percent(text: &str, score: &mut Score) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let mut changed = false;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            if let Some(b'u' | b'U') = bytes.get(at + 1)
                && let Some(unit) = escapes::hex(bytes, at + 2, 4)
            {
                let mut buffer = [0; 4];
                out.extend_from_slice(char::from_u32(unit).unwrap_or('\u{fffd}').encode_utf8(&mut buffer).as_bytes());
                (at, changed) = (at + 6, true);
                continue;
            }
            // `%%32%%65` stands for `%2e`: what comes out begins with the sign only where it doesn't have it yet.
            if bytes.get(at + 1) == Some(&b'%')
                && let Some(digit) = escapes::hex(bytes, at + 2, 2).map(|byte| byte as u8).filter(u8::is_ascii_hexdigit)
            {
                if !matches!(out.as_slice(), [.., b'%', last] if last.is_ascii_hexdigit()) {
                    out.push(b'%');
                }
                out.push(digit);
                (at, changed) = (at + 4, true);
                continue;
            }
            if let Some(byte) = escapes::hex(bytes, at + 1, 2) {
                out.push(byte as u8);
                (at, changed) = (at + 3, true);
                continue;
            }
        }
        out.push(bytes[at]);
        at += 1;
    }
    changed.then(|| lax_utf8(&out, score))
}

/// Bytes as a lax reader understands them.
fn lax_utf8(bytes: &[u8], score: &mut Score) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        out.push_str(&String::from_utf8_lossy(&rest[..valid]));
        rest = &rest[valid..];
        let Some(first) = rest.first() else { break };
        let length = match first {
            0xc0 | 0xc1 => 2,
            0xe0 => 3,
            0xf0 => 4,
            0xf8 => 5,
            0xfc => 6,
            _ => 1,
        };
        // The low six bits of each byte, whatever its high bits say: some readers don't look at those.
        let code = rest.get(1..length).filter(|more| length > 1 && !more.is_empty()).map(|more| {
            let lead = u32::from(*first) & (0x7f >> length);
            more.iter().fold(lead, |code, byte| (code << 6) | u32::from(byte & 0x3f))
        });
        match code.and_then(char::from_u32) {
            Some(character) if character.is_ascii() => {
                score.add(Kind::PathTraversal, CERTAIN - 1, "a character in an overlong form");
                out.push(character);
                rest = &rest[length..];
            }
            _ => {
                // Latin-1 is what such a reader would fall back to.
                out.push(char::from(*first));
                rest = &rest[1..];
            }
        }
    }
    out
}
