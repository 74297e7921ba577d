//! Whether a sentence supports or contradicts a claim: shared terms, then numbers, negations and opposites.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use regex::Regex;

use crate::reading::terms::{stem, stems, words};

/// How a sentence stands to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// Says the same.
    Supports,
    /// Says something else of the same thing.
    Contradicts,
    /// Speaks of something else.
    Unrelated,
}

/// A sentence held against a claim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alignment {
    /// What it comes to.
    pub stance: Stance,
    /// Share of the claim, by weight of its terms, that the sentence speaks of: 0 to 1.
    pub coverage: f64,
}

/// Less than this share, and a sentence doesn't say it.
const LEAST_SUPPORT: f64 = 0.75;
/// Of so few terms none may be missing: the one that is may be the point.
const FEW_TERMS: usize = 4;
/// Another number of the same thing contradicts by less.
const LEAST_CONFLICT: f64 = 0.6;
/// So does a negation or an opposite, but it may turn another part of the sentence.
const LEAST_DENIAL: f64 = 0.7;

/// Stems, of which one says the opposite of the other.
const OPPOSITES: &[(&str, &str)] = &[
    ("increase", "decrease"),
    ("increase", "reduce"),
    ("higher", "lower"),
    ("high", "low"),
    ("more", "less"),
    ("more", "fewer"),
    ("above", "below"),
    ("rise", "fall"),
    ("rise", "drop"),
    ("grow", "shrink"),
    ("large", "small"),
    ("larger", "smaller"),
    ("fast", "slow"),
    ("faster", "slower"),
    ("stable", "unstable"),
    ("possible", "impossible"),
    ("accept", "reject"),
    ("allow", "forbid"),
    ("allow", "refuse"),
    ("always", "never"),
    ("before", "after"),
    ("maximum", "minimum"),
    ("positive", "negative"),
    ("true", "false"),
    ("success", "failure"),
    ("enabled", "disabled"),
    ("required", "optional"),
    ("hot", "cold"),
    ("early", "late"),
    ("better", "worse"),
    ("strengthen", "weaken"),
    ("improve", "worsen"),
    ("north", "south"),
    ("east", "west"),
];

const NEGATIONS: &[&str] =
    &["not", "no", "never", "none", "cannot", "neither", "nor", "without", "nothing", "nobody", "hardly", "fails", "failed", "unable", "lacks"];

/// A claim, analysed once.
pub struct Claim {
    weights: HashMap<String, f64>,
    numbers: Vec<Number>,
    negated: bool,
    terms: HashSet<String>,
}

/// A number with the word that it counts, as a stem.
#[derive(Debug, Clone, PartialEq)]
struct Number {
    value: f64,
    of: Option<String>,
}

impl Claim {
    /// `weight` says how much a term tells.
    pub fn new(claim: &str, weight: impl Fn(&str) -> f64) -> Self {
        let numbers = numbers(claim);
        let is_number = |term: &str| term.chars().all(|c| c.is_ascii_digit());
        // That a claim denies isn't a thing that a sentence must speak of.
        let speaks_of = |term: &String| !is_number(term) && !NEGATION_STEMS.contains(term);
        let weights = stems(claim).into_iter().filter(speaks_of).map(|term| (term.clone(), weight(&term).max(0.1))).collect();
        Claim { weights, numbers, negated: is_negated(claim), terms: all_stems(claim) }
    }

    /// Holds a sentence against it.
    pub fn against(&self, sentence: &str) -> Alignment {
        let theirs: HashSet<String> = stems(sentence).into_iter().collect();
        let said = all_stems(sentence);
        let opposed: HashSet<&str> = self.opposed(&said).collect();
        let (mut all, mut shared, mut lacking) = (0.0, 0.0, 0);
        for (term, weight) in self.weights.iter().filter(|(term, _)| !opposed.contains(term.as_str())) {
            all += weight;
            let is_shared = theirs.contains(term);
            shared += if is_shared { *weight } else { 0.0 };
            lacking += usize::from(!is_shared);
        }
        let coverage = if all > 0.0 { shared / all } else { 0.0 };

        let said_numbers = numbers(sentence);
        let missing: Vec<&Number> = self.numbers.iter().filter(|number| !said_numbers.iter().any(|said| said.value == number.value)).collect();
        // Another number of the same thing: not merely no number.
        let other_number = missing.iter().any(|number| {
            number.of.is_some() && said_numbers.iter().any(|said| said.of == number.of && !self.numbers.iter().any(|own| own.value == said.value))
        });
        let conflicts = usize::from(self.negated != is_negated(sentence)) + usize::from(!opposed.is_empty());
        let is_whole = lacking == 0 || self.weights.len() > FEW_TERMS && coverage >= LEAST_SUPPORT;
        let stance = match conflicts {
            _ if other_number && coverage >= LEAST_CONFLICT => Stance::Contradicts,
            // Of what isn't there nothing is said.
            _ if !missing.is_empty() => Stance::Unrelated,
            1 if coverage >= LEAST_DENIAL => Stance::Contradicts,
            // Two turns of meaning undo each other: `not higher` and `lower`.
            0 | 2 if coverage > 0.0 && is_whole => Stance::Supports,
            _ => Stance::Unrelated,
        };
        Alignment { stance, coverage }
    }

    /// Terms of the claim of which the sentence says the opposite, and not the term itself.
    fn opposed<'a>(&'a self, said: &'a HashSet<String>) -> impl Iterator<Item = &'a str> {
        OPPOSITE_STEMS.iter().flat_map(move |(a, b)| {
            [(a, b), (b, a)]
                .into_iter()
                .filter(move |(own, other)| {
                    self.terms.contains(*own) && !said.contains(*own) && said.contains(*other) && !self.terms.contains(*other)
                })
                .map(|(own, _)| own.as_str())
        })
    }
}

static OPPOSITE_STEMS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let stemmed = |word: &str| stem(word).unwrap_or_else(|| word.to_owned());
    OPPOSITES.iter().map(|(a, b)| (stemmed(a), stemmed(b))).collect()
});

/// `doesn't` is read as `doesn` and `t`.
static NEGATION_STEMS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let shortened = "don doesn didn isn aren wasn weren won wouldn couldn shouldn hasn haven hadn mustn needn";
    NEGATIONS.iter().copied().chain(shortened.split(' ')).filter_map(stem).collect()
});

/// Stop words too: `more`, `above` and `before` have opposites.
fn all_stems(text: &str) -> HashSet<String> {
    words(text).map(|span| stem(&text[span.clone()]).unwrap_or_else(|| text[span].to_lowercase())).collect()
}

fn is_negated(text: &str) -> bool {
    let text = text.to_lowercase().replace('’', "'");
    let count = words(&text).filter(|span| NEGATIONS.contains(&&text[span.clone()])).count() + text.matches("n't").count();
    count % 2 == 1
}

fn numbers(text: &str) -> Vec<Number> {
    static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\d+(?:,\d{3})*(?:\.\d+)?").ok());
    let Some(pattern) = &*NUMBER else { return vec![] };
    let read = |found: regex::Match| {
        let after = &text[found.end()..];
        let unit = after.trim_start_matches([' ', '-', '\u{a0}']);
        let of = match unit.chars().next() {
            Some('%') => Some("percent".to_owned()),
            _ => words(unit).next().filter(|span| span.start == 0).and_then(|span| stem(&unit[span])),
        };
        let of = of.map(|of| if of == "per" || of == "cent" { "percent".to_owned() } else { of });
        Some(Number { value: found.as_str().replace(',', "").parse().ok()?, of })
    };
    pattern.find_iter(text).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(claim: &str, sentence: &str, expected: Stance) {
        let found = Claim::new(claim, |_| 1.0).against(sentence);
        assert_eq!(found.stance, expected, "{claim} / {sentence}: {found:?}");
    }

    #[test]
    fn the_same_in_other_forms_supports() {
        check("The bridge opened in 1932.", "In 1932 the bridge was opened.", Stance::Supports);
        check("Tasks survive a crash", "A task survives any crash of the process.", Stance::Supports);
        check("Pressure is not higher", "Pressure is lower", Stance::Supports);
    }

    #[test]
    fn another_number_of_the_same_thing_contradicts() {
        check("The tower is 300 metres high.", "The tower is 330 metres high.", Stance::Contradicts);
        check("Losses were 5% of sales", "Losses were 7 percent of sales", Stance::Contradicts);
    }

    #[test]
    fn a_negation_on_one_side_contradicts() {
        check("The valve opens under pressure", "The valve does not open under pressure", Stance::Contradicts);
        check("The valve doesn't open under pressure", "The valve opens under pressure", Stance::Contradicts);
    }

    #[test]
    fn an_opposite_contradicts() {
        check("Heating increases the drag of the plate", "Heating decreases the drag of the plate", Stance::Contradicts);
    }

    #[test]
    fn what_shares_little_or_lacks_the_number_is_unrelated() {
        check("The bridge opened in 1932.", "The bridge was painted red.", Stance::Unrelated);
        check("The bridge opened in 1932.", "The bridge opened.", Stance::Unrelated);
        check("Panel flutter was measured at mach numbers from 7 to 9", "Panels without buckling were less prone to flutter.", Stance::Unrelated);
        check("Rain damages the bridge", "The old bridge is wet from rain", Stance::Unrelated);
        check("", "Anything", Stance::Unrelated);
    }
}
