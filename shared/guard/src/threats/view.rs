//! How an interpreter reads a text: one case, one kind of space, no comments.

use super::{Context, Features, Score, fold::fold, rules};

/// Searches a text as an interpreter reads it.
pub(super) fn search(text: &str, features: Features, context: Context, score: &mut Score) {
    let plain = plain(text);
    let features = if features.any(Features::HIGH | Features::CONTROL) { Features::of(&plain) } else { features };
    rules::search(&plain, features, context, score);
    if let Some(without) = without_comments(&plain, " ") {
        rules::search(&without, features, context, score);
        // Where comments count as nothing, words grow together.
        if let Some(joined) = without_comments(&plain, "") {
            rules::search(&joined, features, context, score);
        }
    }
    if features.any(Features::PLUS) && !features.any(Features::SPACE) {
        let spaced = plain.replace('+', " ");
        let spaced_features = Features::of(&spaced);
        rules::search(&spaced, spaced_features, context, score);
    }
    // What is torn apart is never certain enough for a message.
    if context != Context::Text && features.any(Features::QUOTE | Features::BACKSLASH | Features::OTHER | Features::COLON | Features::DOLLAR) {
        rules::search_squeezed(&squeezed(&plain), score);
    }
}

/// In lower case, folded to ASCII as far as it can be; spaces become one, line breaks stay, other control characters go.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut push = |character: char| match character {
        '\r' | '\n' => {
            if !out.ends_with('\n') {
                out.push('\n');
            }
        }
        ' ' | '\t' | '\u{b}' | '\u{c}' => {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        }
        character if character.is_ascii_control() => {}
        character => out.push(character.to_ascii_lowercase()),
    };
    for character in text.chars() {
        if character.is_ascii() { push(character) } else { fold(character, &mut push) }
    }
    out
}

/// Without the comments of SQL; what MySQL runs inside of some stays. `None` where there are none.
fn without_comments(plain: &str, instead: &str) -> Option<String> {
    let mut out = String::with_capacity(plain.len());
    let mut rest = plain;
    let mut changed = false;
    loop {
        let block = rest.find("/*").filter(|at| rest[at + 2..].contains("*/"));
        let line = ["--", "#"].iter().filter_map(|mark| rest.find(mark)).min().filter(|at| rest[*at..].contains('\n'));
        let Some(at) = [block, line].into_iter().flatten().min() else { break };
        out.push_str(&rest[..at]);
        out.push_str(instead);
        changed = true;
        if Some(at) == block {
            let end = rest[at + 2..].find("*/").map_or(rest.len(), |length| at + 2 + length);
            if let Some(run) = rest[at + 2..end].strip_prefix('!') {
                out.push_str(run.trim_start_matches(|character: char| character.is_ascii_digit()));
                out.push_str(instead);
            }
            rest = &rest[(end + 2).min(rest.len())..];
        } else {
            rest = rest[at..].find('\n').map_or("", |length| &rest[at + length + 1..]);
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// Without what shells and browsers overlook inside of words.
fn squeezed(plain: &str) -> String {
    plain.replace("$@", "").replace("$()", "").replace([' ', '\n', '\\', '^', '\'', '"'], "")
}
