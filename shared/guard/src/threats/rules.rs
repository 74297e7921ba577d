//! The rules: one table for each kind of attack, compiled when a text first has the characters that they need.

mod command;
mod directory;
mod markup;
mod path;
mod sql;
mod squeezed;
mod template;

use std::sync::LazyLock;

use regex::bytes::{RegexSet, RegexSetBuilder};

use super::{Context, Features, Kind, Score};

/// What a match says: the kind, how much it weighs (5 is enough by itself in a name), and why.
pub(super) type Rule = (Kind, u8, &'static str, &'static str);

/// The most memory for the states of one table's automaton.
const MOST_STATE_BYTES: usize = 4 << 20;

/// A table that is ready to search.
struct Rules {
    table: &'static [Rule],
    set: Option<RegexSet>,
}

impl Rules {
    fn new(table: &'static [Rule]) -> Self {
        // Texts are folded to ASCII before, so that Unicode's classes would only cost time.
        let set = RegexSetBuilder::new(table.iter().map(|rule| rule.3)).unicode(false).dfa_size_limit(MOST_STATE_BYTES).build();
        Rules { table, set: set.ok() }
    }

    fn search(&self, text: &str, score: &mut Score) {
        let Some(set) = &self.set else { return };
        for index in set.matches(text.as_bytes()) {
            let (kind, weight, reason, _) = self.table[index];
            score.add(kind, weight, reason);
        }
    }
}

static SQL: LazyLock<Rules> = LazyLock::new(|| Rules::new(sql::RULES));
static MARKUP: LazyLock<Rules> = LazyLock::new(|| Rules::new(markup::RULES));
static COMMAND: LazyLock<Rules> = LazyLock::new(|| Rules::new(command::RULES));
static PATH: LazyLock<Rules> = LazyLock::new(|| Rules::new(path::RULES));
static TEMPLATE: LazyLock<Rules> = LazyLock::new(|| Rules::new(template::RULES));
static DIRECTORY: LazyLock<Rules> = LazyLock::new(|| Rules::new(directory::RULES));
static SQUEEZED: LazyLock<Rules> = LazyLock::new(|| Rules::new(squeezed::RULES));
static BARE: LazyLock<Rules> = LazyLock::new(|| Rules::new(super::prose::RULES));

/// Searches what is in one case, folded to ASCII.
pub(super) fn search(plain: &str, features: Features, context: Context, score: &mut Score) {
    use Features as F;
    if context == Context::Text {
        return BARE.search(plain, score);
    }
    if features.any(F::QUOTE | F::SPACE | F::PAREN | F::SEMICOLON | F::STAR | F::PIPE | F::DOLLAR | F::HASH | F::CONTROL) {
        SQL.search(plain, score);
    }
    if features.any(F::ANGLE | F::PAREN | F::BRACKET | F::COLON | F::QUOTE | F::EQUALS) {
        MARKUP.search(plain, score);
    }
    if features.any(F::SEMICOLON | F::PIPE | F::AMPERSAND | F::DOLLAR | F::QUOTE | F::CONTROL | F::PAREN | F::ANGLE | F::SPACE | F::SLASH | F::BRACE)
    {
        COMMAND.search(plain, score);
    }
    if features.any(F::SLASH | F::BACKSLASH | F::DOTS) || plain.starts_with('.') || plain.contains("0x2") {
        PATH.search(plain, score);
    }
    if features.any(F::BRACE | F::DOLLAR | F::PERCENT | F::HASH | F::UNDERSCORES | F::PAREN | F::BRACKET | F::AT) {
        TEMPLATE.search(plain, score);
    }
    if features.any(F::PAREN | F::STAR) {
        DIRECTORY.search(plain, score);
    }
}

/// Searches what has no spaces, quotes and backslashes left.
pub(super) fn search_squeezed(squeezed: &str, score: &mut Score) {
    SQUEEZED.search(squeezed, score);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_compiles() {
        for rules in [&SQL, &MARKUP, &COMMAND, &PATH, &TEMPLATE, &DIRECTORY, &SQUEEZED, &BARE] {
            assert!(rules.set.as_ref().is_some_and(|set| set.len() == rules.table.len()), "{:?}", rules.table[0].2);
        }
    }

    #[test]
    fn every_rule_has_a_weight_and_a_reason_of_its_own() {
        let mut reasons: Vec<&str> = Vec::new();
        for rules in [&SQL, &MARKUP, &COMMAND, &PATH, &TEMPLATE, &DIRECTORY, &SQUEEZED, &BARE] {
            for (_, weight, reason, pattern) in rules.table {
                assert!((1..=10).contains(weight), "{pattern}");
                assert!(!reasons.contains(reason), "{reason} is said twice");
                reasons.push(reason);
            }
        }
    }
}
