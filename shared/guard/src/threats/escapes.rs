//! Backslash escapes of JavaScript, CSS, shells and logs, and UTF-7.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

/// A number of exactly so many hexadecimal digits.
pub(super) fn hex(bytes: &[u8], at: usize, digits: usize) -> Option<u32> {
    let digits = bytes.get(at..at + digits)?;
    digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

/// `\x3c`, `\u003c`, `\u{3c}`, `\U0000003c`, `\074`, `\3c `, `\r`, `\n`; `None` where there is none. A backslash before anything else stays: paths have those.
pub(super) fn backslashes(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'\\'
            && let Some((character, length)) = escape(bytes, at + 1)
        {
            out.push_str(&text[copied..at]);
            out.push(character);
            at += 1 + length;
            copied = at;
        } else {
            at += 1;
        }
    }
    (copied > 0).then(|| out + &text[copied..])
}

fn escape(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let known = |code: Option<u32>, length: usize| Some((char::from_u32(code?)?, length));
    match bytes.get(at)? {
        b'x' => known(hex(bytes, at + 1, 2), 3),
        b'u' if bytes.get(at + 1) == Some(&b'{') => {
            let length = bytes[at + 2..].iter().take(8).take_while(|byte| byte.is_ascii_hexdigit()).count();
            let closed = length > 0 && bytes.get(at + 2 + length) == Some(&b'}');
            if closed { known(hex(bytes, at + 2, length), length + 3) } else { None }
        }
        b'u' => known(hex(bytes, at + 1, 4), 5),
        b'U' => known(hex(bytes, at + 1, 8), 9),
        // Line breaks are told apart from folders of that first letter: nothing that reads on follows them there.
        b'r' if bytes.get(at + 1) == Some(&b'\\') => Some(('\r', 1)),
        b'n' if at >= 3 && &bytes[at - 3..at - 1] == b"\\r" => Some(('\n', 1)),
        b'0'..=b'3' if bytes.get(at + 1..at + 3).is_some_and(|more| more.iter().all(|byte| (b'0'..=b'7').contains(byte))) => {
            let digits = &bytes[at..at + 3];
            known(Some(digits.iter().fold(0, |code, digit| code * 8 + u32::from(digit - b'0'))), 3)
        }
        // CSS: up to six digits and a space. Of fewer than two, or of letters only, it is more likely a path.
        b'0'..=b'9' => {
            let length = bytes[at..].iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
            if length < 2 {
                return None;
            }
            let space = usize::from(bytes.get(at + length) == Some(&b' '));
            known(hex(bytes, at, length), length + space)
        }
        _ => None,
    }
}

/// UTF-7, as in `+ADw-script+AD4-`; `None` where there is none.
pub(super) fn utf7(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find('+') {
        out.push_str(&rest[..at]);
        let coded = &rest[at + 1..];
        let length = coded.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'/').count();
        let text = (length >= 3 && coded[length..].starts_with('-')).then(|| utf16(&coded[..length])).flatten();
        match text {
            Some(text) => {
                out.push_str(&text);
                rest = &coded[length + 1..];
                changed = true;
            }
            None => {
                out.push('+');
                rest = coded;
            }
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}

fn utf16(coded: &str) -> Option<String> {
    let bytes = STANDARD_NO_PAD.decode(coded).ok()?;
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok().filter(|text| text.is_ascii() && !text.is_empty())
}
