//! The rules: one table for each kind of attack, compiled when a text first has the characters that they need, and no better than it pays.

mod command;
mod directory;
mod markup;
mod path;
mod sql;
mod squeezed;
mod template;

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use regex::bytes::{RegexSet, RegexSetBuilder};
use regex_lite::Regex;

use super::{Context, Features, Kind, Score};

/// What a match says: the kind, how much it weighs (5 is enough by itself in a name), and why.
pub(super) type Rule = (Kind, u8, &'static str, &'static str);

/// The most memory for the states of one table's automaton.
const MOST_STATE_BYTES: usize = 4 << 20;

/// So many bytes one table searches rule by rule, in some microseconds a byte. By then that has cost about as much as an automaton of all
/// rules at once, which reads a thousand times as fast and takes milliseconds and megabytes to make: a function that meets one odd header in its
/// life never makes one.
const BYTES_RULE_BY_RULE: usize = 2048;

/// A table of rules, and what it is searched with as soon as there is something to search.
pub(super) struct Rules {
    table: &'static [Rule],
    one_by_one: OnceLock<Vec<Option<Regex>>>,
    at_once: OnceLock<Option<RegexSet>>,
    searched_bytes: AtomicUsize,
}

impl Rules {
    pub(super) const fn new(table: &'static [Rule]) -> Self {
        Rules { table, one_by_one: OnceLock::new(), at_once: OnceLock::new(), searched_bytes: AtomicUsize::new(0) }
    }

    pub(super) fn search(&self, text: &str, score: &mut Score) {
        let before = self.searched_bytes.load(Relaxed);
        if before.saturating_add(text.len()) <= BYTES_RULE_BY_RULE {
            self.searched_bytes.fetch_add(text.len(), Relaxed);
            self.search_one_by_one(text, score);
        } else {
            self.search_at_once(text, score);
        }
    }

    fn search_one_by_one(&self, text: &str, score: &mut Score) {
        let rules = self.one_by_one.get_or_init(|| self.table.iter().map(|rule| Regex::new(rule.3).ok()).collect());
        for (rule, _) in self.table.iter().zip(rules).filter(|(_, regex)| regex.as_ref().is_some_and(|regex| regex.is_match(text))) {
            score.add(rule.0, rule.1, rule.2);
        }
    }

    fn search_at_once(&self, text: &str, score: &mut Score) {
        let set = self.at_once.get_or_init(|| {
            // Texts are folded to ASCII before, so that Unicode's classes would only cost time.
            RegexSetBuilder::new(self.table.iter().map(|rule| rule.3)).unicode(false).dfa_size_limit(MOST_STATE_BYTES).build().ok()
        });
        for index in set.iter().flat_map(|set| set.matches(text.as_bytes())) {
            let (kind, weight, reason, _) = self.table[index];
            score.add(kind, weight, reason);
        }
    }

    fn is_compiled(&self) -> bool {
        self.one_by_one.get().is_some() || self.at_once.get().is_some()
    }
}

static SQL: Rules = Rules::new(sql::RULES);
static MARKUP: Rules = Rules::new(markup::RULES);
static COMMAND: Rules = Rules::new(command::RULES);
static PATH: Rules = Rules::new(path::RULES);
static TEMPLATE: Rules = Rules::new(template::RULES);
static DIRECTORY: Rules = Rules::new(directory::RULES);
static SQUEEZED: Rules = Rules::new(squeezed::RULES);
static BARE: Rules = Rules::new(super::prose::RULES);
static LINES: Rules = Rules::new(super::lines::RULES);

static ALL: [&Rules; 9] = [&SQL, &MARKUP, &COMMAND, &PATH, &TEMPLATE, &DIRECTORY, &SQUEEZED, &BARE, &LINES];

/// How many tables of rules this process has compiled by now: none as long as nothing it was sent looked like an attack.
pub fn compiled_tables() -> usize {
    ALL.iter().filter(|rules| rules.is_compiled()).count()
}

/// Searches what is in one case, folded to ASCII.
pub(super) fn search(plain: &str, features: Features, context: Context, score: &mut Score) {
    use Features as F;
    if context == Context::Text {
        if super::prose::has_what_rules_need(plain, features) {
            BARE.search(plain, score);
        }
        return;
    }
    if features.any(F::QUOTE | F::SPACE | F::PAREN | F::SEMICOLON | F::STAR | F::PIPE | F::DOLLAR | F::HASH | F::CONTROL | F::EQUALS)
        || plain.starts_with('-')
    {
        SQL.search(plain, score);
    }
    if features.any(F::ANGLE | F::PAREN | F::BRACKET | F::COLON | F::QUOTE | F::EQUALS) {
        MARKUP.search(plain, score);
    }
    if features.any(
        F::SEMICOLON
            | F::PIPE
            | F::AMPERSAND
            | F::DOLLAR
            | F::QUOTE
            | F::CONTROL
            | F::PAREN
            | F::ANGLE
            | F::SPACE
            | F::SLASH
            | F::BRACE
            | F::BACKSLASH
            | F::PERCENT,
    ) || plain.starts_with('-')
    {
        COMMAND.search(plain, score);
    }
    if features.any(F::SLASH | F::BACKSLASH | F::DOTS) || plain.starts_with('.') || plain.contains("0x2") {
        PATH.search(plain, score);
    }
    if features.any(F::BRACE | F::DOLLAR | F::PERCENT | F::HASH | F::UNDERSCORES | F::PAREN | F::BRACKET | F::AT) {
        TEMPLATE.search(plain, score);
    }
    if features.any(F::PAREN | F::STAR) || plain.len() <= 2 || plain.contains(":=") {
        DIRECTORY.search(plain, score);
    }
}

/// Searches what stands at the beginnings of lines, in any case.
pub(super) fn search_lines(lines: &str, score: &mut Score) {
    LINES.search(lines, score);
}

/// Searches what has no spaces, quotes and backslashes left.
pub(super) fn search_squeezed(squeezed: &str, score: &mut Score) {
    SQUEEZED.search(squeezed, score);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_either_way() {
        for rules in ALL {
            let (mut one_by_one, mut at_once) = (Score::default(), Score::default());
            rules.search_one_by_one("", &mut one_by_one);
            rules.search_at_once("", &mut at_once);
            let named = rules.table[0].2;
            assert!(rules.one_by_one.get().is_some_and(|rules| rules.iter().all(Option::is_some)), "{named}");
            assert!(rules.at_once.get().is_some_and(|set| set.as_ref().is_some_and(|set| set.len() == rules.table.len())), "{named}");
        }
    }

    #[test]
    fn rules_find_the_same_one_by_one_and_at_once() {
        let attacks = [
            include_str!("../../tests/threats/attacks/sql.txt"),
            include_str!("../../tests/threats/attacks/xss.txt"),
            include_str!("../../tests/threats/attacks/command.txt"),
            include_str!("../../tests/threats/attacks/path.txt"),
            include_str!("../../tests/threats/attacks/template.txt"),
            include_str!("../../tests/threats/attacks/lookup.txt"),
            include_str!("../../tests/threats/attacks/directory.txt"),
            include_str!("../../tests/threats/attacks/xml.txt"),
            include_str!("../../tests/threats/attacks/lines.txt"),
            include_str!("../../tests/threats/innocent/names.txt"),
            include_str!("../../tests/threats/innocent/snippets.txt"),
        ];
        let mut searched = 0;
        for text in attacks.iter().flat_map(|file| file.lines()).map(str::to_lowercase) {
            for rules in ALL {
                let (mut one_by_one, mut at_once) = (Score::default(), Score::default());
                rules.search_one_by_one(&text, &mut one_by_one);
                rules.search_at_once(&text, &mut at_once);
                assert_eq!(one_by_one.found, at_once.found, "{text}");
                searched += 1;
            }
        }
        assert!(searched > 5000, "{searched}");
    }

    #[test]
    fn a_table_changes_to_the_automaton_when_it_has_paid_for_one() {
        let rules = Rules::new(path::RULES);
        rules.search(&"x".repeat(BYTES_RULE_BY_RULE), &mut Score::default());
        assert!(rules.one_by_one.get().is_some() && rules.at_once.get().is_none());
        rules.search("x", &mut Score::default());
        assert!(rules.at_once.get().is_some());
    }

    #[test]
    fn a_long_text_is_never_searched_rule_by_rule() {
        let rules = Rules::new(path::RULES);
        rules.search(&"x".repeat(BYTES_RULE_BY_RULE + 1), &mut Score::default());
        assert!(rules.one_by_one.get().is_none() && rules.at_once.get().is_some());
    }

    #[test]
    fn every_rule_has_a_weight_and_a_reason_of_its_own() {
        let mut reasons: Vec<&str> = Vec::new();
        for rules in ALL {
            for (_, weight, reason, pattern) in rules.table {
                assert!((1..=10).contains(weight), "{pattern}");
                assert!(!reasons.contains(reason), "{reason} is said twice");
                reasons.push(reason);
            }
        }
    }
}
