//! Messages: prose for an agent, in which attacks may be talked about. Only a text that is nothing but an attack is one.

use super::{Features, rules::Rule};
use crate::threats::Kind::{CommandInjection, Log4Shell, PathTraversal, SqlInjection, Xss, Xxe};

/// Longer texts are documents.
const MOST_BYTES: usize = 2048;

/// So many ordinary words make a text prose.
const PROSE_WORDS: usize = 4;

/// What attacks are made of and ordinary sentences hardly ever: not counted as words.
const NOT_PROSE: [&str; 28] = [
    "or", "and", "union", "all", "select", "from", "where", "drop", "table", "insert", "into", "update", "delete", "order", "by", "group", "having",
    "like", "null", "users", "password", "username", "admin", "exec", "cat", "true", "sleep", "set",
];

/// Attacks in a message begin by closing what they are put into, as no question and no snippet does.
pub(super) const RULES: &[Rule] = &[
    (
        SqlInjection,
        10,
        "the text breaks out of a string of SQL",
        r#"^\s*[\w@.%-]{0,20}['"`]\s*\)*\s*(?:(?:or|and|xor|\|\||&&|having)\s+.*(?:=|<|>|like\b|--|#|sleep|benchmark|exists)|;\s*(?:drop|delete|insert|update|shutdown|exec|declare|waitfor|truncate|alter)\b.*|union\s+(?:all\s+)?select\b.*|\)*\s*(?:--|#)\s*$)"#,
    ),
    (
        SqlInjection,
        10,
        "the text goes on after a number of SQL",
        r"^\s*-?\d+\s*\)*\s*(?:(?:or|and)\s+\d+\s*=\s*\d+|;\s*(?:drop|delete|insert|update|shutdown|exec|declare|waitfor|truncate)\s+\w+|union\s+(?:all\s+)?select\b)",
    ),
    (
        Xss,
        10,
        "the text breaks out of an attribute",
        r#"^\s*['"`]\s*/?>\s*<\s*(?:script|img|svg|iframe|body|object|embed|video|audio|details|math)\b"#,
    ),
    (
        CommandInjection,
        10,
        "the text goes on after a command",
        r"^\s*(?:;|\|\|?|&&?)\s*(?:/?(?:usr/)?bin/)?(?:cat|ls|id|whoami|uname|curl|wget|nc|bash|sh|rm|ping|sleep|nslookup|python3?|perl|powershell|cmd)\b(?:\s+[-/\d$hw]|\s*$|\s*[;|&])",
    ),
    (PathTraversal, 10, "the text is a way out of a folder", r"^\s*(?:\.\.[/\\]){2,}\S*(?:etc[/\\]|windows|win\.ini|boot\.ini|proc[/\\])\S*\s*$"),
    (Log4Shell, 10, "the text is a lookup of a logger", r"^\s*\$\{\s*(?:jndi:|(?:\$\{|lower:|upper:|::-|env:)).*(?:ldaps?|rmi|dns|iiop|://)"),
    (Xxe, 10, "the text is a document that reads files", r#"<!entity\s+%?\s*\w+\s+system\s+['"](?:file:|php:|expect:|/etc)"#),
];

/// Whether a text in one case has the characters without which none of these rules finds anything.
pub(super) fn has_what_rules_need(plain: &str, features: Features) -> bool {
    use Features as F;
    let goes_on_after_a_number = || {
        let start = plain.trim_start().bytes().next();
        start.is_some_and(|first| first == b'-' || first.is_ascii_digit()) && (features.any(F::EQUALS) || plain.contains("union"))
    };
    features.any(F::QUOTE | F::SEMICOLON | F::PIPE | F::AMPERSAND | F::DOTS)
        || (features.any(F::DOLLAR) && features.any(F::BRACE))
        || (features.any(F::ANGLE) && plain.contains("<!entity"))
        || goes_on_after_a_number()
}

/// Whether a text can be an attack and nothing else: short, without sentences, with characters that attacks need.
pub(super) fn may_be_bare_attack(text: &str) -> bool {
    if text.len() > MOST_BYTES {
        return false;
    }
    // An attack begins with what closes or calls; a sentence with a word.
    let start = text.trim_start();
    let opening = start.bytes().take(24).any(|byte| b"'\"`;|&./\\$<%)".contains(&byte) || byte.is_ascii_digit());
    opening && !is_prose(start)
}

/// Whether enough ordinary words, of any language, are in it.
fn is_prose(text: &str) -> bool {
    let ideographs = text
        .chars()
        .filter(|character| matches!(character, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'))
        .take(PROSE_WORDS)
        .count();
    if ideographs >= PROSE_WORDS {
        return true;
    }
    let ordinary = |word: &&str| {
        let word = word.trim_matches(|character: char| ",.?!:;()\"'“”’".contains(character));
        word.chars().count() >= 2
            && word.chars().all(|character| character.is_alphabetic() || "'’-".contains(character))
            && !NOT_PROSE.iter().any(|other| word.eq_ignore_ascii_case(other))
    };
    text.split_whitespace().filter(ordinary).take(PROSE_WORDS).count() >= PROSE_WORDS
}
