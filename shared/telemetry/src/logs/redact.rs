//! Takes secrets out of lines, wherever they came from: a driver's error may quote a URL, a panic a header.

use std::borrow::Cow;

/// What stands in their place.
const HIDDEN: &str = "***";
/// Of our own API keys: `a2a_` and so many characters.
const KEY_CHARACTERS: usize = 32;

/// The line without credentials: bearer and basic credentials, JSON Web Tokens, our API keys, passwords in URLs and in `password=…`.
pub(super) fn redacted(line: &str) -> Cow<'_, str> {
    let mut redacted = Cow::Borrowed(line);
    for (marker, hide) in MARKERS {
        let mut from = 0;
        while let Some(found) = redacted[from..].find(marker) {
            let at = from + found;
            from = match hide(&redacted, at, at + marker.len()) {
                Some((start, end)) if start < end => {
                    redacted.to_mut().replace_range(start..end, HIDDEN);
                    start + HIDDEN.len()
                }
                _ => at + marker.len(),
            };
        }
    }
    redacted
}

/// Where a secret is, given where its marker begins and ends.
type Hide = fn(&str, usize, usize) -> Option<(usize, usize)>;

const MARKERS: [(&str, Hide); 7] = [
    ("earer ", |line, _, end| Some((end, word_end(line, end))).filter(|(start, end)| is_credential(&line[*start..*end]))),
    ("asic ", |line, at, end| {
        Some((end, word_end(line, end))).filter(|(start, end)| line[..at].ends_with(['B', 'b']) && is_credential(&line[*start..*end]))
    }),
    ("eyJ", |line, at, _| Some((at, word_end(line, at))).filter(|(start, end)| line[*start..*end].matches('.').count() >= 2)),
    ("a2a_", |line, at, end| {
        let key = line[end..].bytes().take_while(u8::is_ascii_alphanumeric).count();
        (key == KEY_CHARACTERS).then_some((at, end + key))
    }),
    ("://", |line, _, end| {
        let host = line[end..].find(['/', ' ', '"', '\\', '?']).map_or(line.len(), |length| end + length);
        let credentials = end + line[end..host].rfind('@')?;
        Some((end + line[end..credentials].find(':')? + 1, credentials))
    }),
    ("password=", |line, _, end| Some((end, word_end(line, end)))),
    ("secret=", |line, _, end| Some((end, word_end(line, end)))),
];

/// Whether a word is none of prose.
fn is_credential(word: &str) -> bool {
    word.len() >= 8 && word.bytes().any(|byte| !byte.is_ascii_lowercase())
}

/// The end of what may be part of a credential.
fn word_end(line: &str, start: usize) -> usize {
    let length = line[start..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=%!*".contains(byte)).count();
    start + length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden_and_what_is_around_them_stays() {
        let key = format!("a2a_{}", "0aZ9".repeat(8));
        for (line, shown) in [
            (r#"{"a":"Authorization: Bearer abc.def-123456","b":1}"#.to_owned(), r#"{"a":"Authorization: Bearer ***","b":1}"#),
            ("basic dXNlcjpwYXNzd29yZA== went wrong".to_owned(), "basic *** went wrong"),
            ("token eyJhbGciOi.eyJzdWIiOiJ4In0.c2ln, expired".to_owned(), "token ***, expired"),
            (format!("the key {key} is unknown"), "the key *** is unknown"),
            ("can't reach postgres://ann:hunter2@db.example:5432/a2a".to_owned(), "can't reach postgres://ann:***@db.example:5432/a2a"),
            ("redis://:p@ss@cache and redis://:two@b".to_owned(), "redis://:***@cache and redis://:***@b"),
            ("host=db password=hunter2 user=ann".to_owned(), "host=db password=*** user=ann"),
        ] {
            assert_eq!(redacted(&line), shown);
        }
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        for line in [
            r#"{"timestamp":"2026-01-01T00:00:00Z","target":"a2a::request","request_id":"62f203c9-9b54-8546-8000-000000000000"}"#,
            "the bearer of the message; basic research; a2a_requests_total; eyJustWords",
            "https://example.com/a@b and http://127.0.0.1:8080/x",
            "",
            "ü bearer ü",
        ] {
            assert!(matches!(redacted(line), Cow::Borrowed(same) if same == line), "{line}");
        }
    }
}
