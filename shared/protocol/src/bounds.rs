//! How much the JSON of a request may hold: seen in its bytes, before anything is made of them.

use crate::{A2aError, Call};

/// Levels of objects and arrays within each other, the outermost being the first.
pub const MAX_DEPTH: usize = 32;
/// Bytes of a string, as UTF-8. A file's bytes (`raw`, and `bytes` in older versions) are bounded by the request's size alone.
pub const MAX_STRING_BYTES: usize = 1024 * 1024;
/// Parts of a message.
pub const MAX_PARTS: usize = 1_000;

/// Members whose strings are a file's bytes.
const FILE_BYTES: [&[u8]; 2] = [b"raw", b"bytes"];
/// The longest name of a member that an error repeats.
const MAX_TOLD_NAME_BYTES: usize = 64;

/// Refuses a body that is nested too deeply or has too long a string, by the path of that.
///
/// # Errors
/// [`A2aError::InvalidParams`] with the path below `params` in a JSON-RPC request, or below the body in others; [`A2aError::ParseError`] where what
/// is around the parameters of a JSON-RPC request is too much already.
pub fn check_body(body: &[u8], is_json_rpc: bool) -> Result<(), A2aError> {
    if is_within(body) {
        return Ok(());
    }
    let Some((path, excess)) = excess(body) else { return Ok(()) };
    match path.strip_prefix("params.") {
        Some(field) if is_json_rpc => Err(A2aError::invalid(field, excess)),
        None if is_json_rpc && !path.contains("].params.") => Err(A2aError::ParseError { reason: format!("`{path}` {excess}") }),
        _ => Err(A2aError::invalid(path, excess)),
    }
}

/// Refuses a message with too many parts.
///
/// # Errors
/// [`A2aError::InvalidParams`] that names the field.
pub fn check_call(call: &Call) -> Result<(), A2aError> {
    match call {
        Call::SendMessage(send) | Call::SendStreamingMessage(send) if send.request.message.parts.len() > MAX_PARTS => {
            let count = send.request.message.parts.len();
            Err(A2aError::invalid("message.parts", format!("has {count} parts, of which at most {MAX_PARTS} are taken")))
        }
        _ => Ok(()),
    }
}

/// One pass that keeps no path: nearly all bodies need no other.
fn is_within(body: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut rest = body;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'[' | b'{' | b']' | b'}')) {
        let byte = rest[at];
        rest = &rest[at + 1..];
        match byte {
            b'"' => {
                let length = string(rest);
                if length > MAX_STRING_BYTES {
                    return false;
                }
                rest = rest.get(length + 1..).unwrap_or_default();
            }
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            _ => depth = depth.saturating_sub(1),
        }
    }
    true
}

/// The length of a string whose opening quote was read, without the closing one.
fn string(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))) {
        at += found;
        if bytes[at] == b'"' {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

/// How many bytes a string has that is written so.
fn decoded_bytes(written: &[u8]) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < written.len() {
        let (bytes, length) = match (written[at], written.get(at + 1)) {
            (b'\\', Some(b'u')) => {
                let unit = written.get(at + 2..at + 6).and_then(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
                // Each half of a pair stands for half of four bytes.
                let bytes = match unit.unwrap_or(0) {
                    0..0x80 => 1,
                    0x80..0x800 | 0xD800..0xE000 => 2,
                    _ => 3,
                };
                (bytes, 6)
            }
            (b'\\', _) => (1, 2),
            _ => (1, 1),
        };
        count += bytes;
        at += length;
    }
    count
}

/// Something that is open, and where in it we are.
enum Open<'a> {
    Object { member: &'a [u8], expects_name: bool },
    Array { index: usize },
}

/// The first that is too much: its path, and what of it.
fn excess(body: &[u8]) -> Option<(String, String)> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut at = 0;
    while at < body.len() {
        let byte = body[at];
        at += 1;
        match byte {
            b'"' => {
                let written = &body[at..at + string(&body[at..])];
                at += written.len() + 1;
                match open.last_mut() {
                    Some(Open::Object { member, expects_name }) if *expects_name => (*member, *expects_name) = (written, false),
                    last => {
                        let is_file = matches!(last, Some(Open::Object { member, .. }) if FILE_BYTES.contains(member));
                        if !is_file && written.len() > MAX_STRING_BYTES && decoded_bytes(written) > MAX_STRING_BYTES {
                            return Some((path(&open), format!("has more than {MAX_STRING_BYTES} bytes")));
                        }
                    }
                }
            }
            b'[' | b'{' if open.len() == MAX_DEPTH => return Some((path(&open), format!("is nested more than {MAX_DEPTH} levels deep"))),
            b'[' => open.push(Open::Array { index: 0 }),
            b'{' => open.push(Open::Object { member: b"", expects_name: true }),
            b']' | b'}' => drop(open.pop()),
            b',' => match open.last_mut() {
                Some(Open::Object { expects_name, .. }) => *expects_name = true,
                Some(Open::Array { index }) => *index += 1,
                None => {}
            },
            _ => {}
        }
    }
    None
}

fn path(open: &[Open<'_>]) -> String {
    let mut path = String::new();
    for place in open {
        match place {
            Open::Array { index } => path.push_str(&format!("[{index}]")),
            Open::Object { member, .. } => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&String::from_utf8_lossy(&member[..member.len().min(MAX_TOLD_NAME_BYTES)]));
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[track_caller]
    fn refused(body: &str, is_json_rpc: bool) -> String {
        check_body(body.as_bytes(), is_json_rpc).unwrap_err().to_string()
    }

    #[test]
    fn as_many_levels_as_the_limit_pass_and_one_more_is_refused_by_its_path() {
        let request = |levels| format!(r#"{{"id":"]]","params":{{"message":{{"parts":[{{"text":"[\"["}},{{"data":{}}}]}}}}}}"#, nested(levels));
        assert_eq!(check_body(request(MAX_DEPTH - 5).as_bytes(), true), Ok(()));
        let error = refused(&request(MAX_DEPTH - 4), true);
        let path = format!("message.parts[1].data{}", "[0]".repeat(MAX_DEPTH - 5));
        assert_eq!(error, format!("invalid parameters: {path}: is nested more than 32 levels deep"));
        assert!(refused(&request(MAX_DEPTH - 4), false).contains(": params.message"), "where the body is the parameters");
        assert_eq!(check_body(nested(MAX_DEPTH).as_bytes(), true), Ok(()));
        assert!(refused(&nested(MAX_DEPTH + 1), true).starts_with("invalid JSON payload: `[0][0]"));
        assert!(refused(&format!("[1,{}]", request(40)), true).starts_with("invalid parameters: [1].params.message.parts[1].data[0]"));
    }

    #[test]
    fn a_string_of_a_mebibyte_passes_and_one_byte_more_is_refused_by_its_path() {
        let body = |text: String| format!(r#"{{"message":{{"parts":[{{"text":"{text}"}}]}}}}"#);
        let names = |text: String| format!(r#"{{"{text}":1}}"#);
        for letter in ["x", "\\n", "\\\"", "ä", "\\u0041"] {
            let bytes = match letter {
                "ä" => 2,
                _ => 1,
            };
            let most = MAX_STRING_BYTES / bytes;
            assert_eq!(check_body(body(letter.repeat(most)).as_bytes(), false), Ok(()), "{letter}");
            let error = refused(&body(letter.repeat(most + 1)), false);
            assert_eq!(error, "invalid parameters: message.parts[0].text: has more than 1048576 bytes", "{letter}");
        }
        assert_eq!(check_body(body("\\ud83d\\ude00".repeat(MAX_STRING_BYTES / 4)).as_bytes(), false), Ok(()));
        assert!(check_body(body("\\ud83d\\ude00".repeat(MAX_STRING_BYTES / 4 + 1)).as_bytes(), false).is_err());
        assert_eq!(check_body(names("x".repeat(10)).as_bytes(), false), Ok(()));
    }

    #[test]
    fn a_files_bytes_may_be_longer() {
        for name in ["raw", "bytes"] {
            let body = format!(r#"{{"message":{{"parts":[{{"{name}":"{}"}}]}}}}"#, "A".repeat(3 * MAX_STRING_BYTES));
            assert_eq!(check_body(body.as_bytes(), false), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_is_no_json_is_left_to_whoever_reads_it() {
        for body in ["", "\"", "\"\\", "]]]]", "{\"a\":[}", "\\\"[", "{,}"] {
            assert_eq!(check_body(body.as_bytes(), true), Ok(()), "{body}");
        }
    }
}
