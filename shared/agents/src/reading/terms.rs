//! Text into terms: what the index keeps and queries look up.

use std::{collections::HashSet, ops::Range, sync::LazyLock};

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Changes whenever the same text would give other terms; part of a document's fingerprint.
pub const ANALYSIS_VERSION: u32 = 1;

/// Longer runs of letters are no words but encoded data.
const LONGEST_WORD: usize = 64;

const STOPWORDS: &str = "a about above after again against all also am an and any are aren as at be because been before being below between both but by can cannot could \
did do does doing don down during each either else few for from further had has have having he her here hers herself him himself his how however i if in into \
is isn it its itself just ll may me might more most must my myself neither no nor not now of off on once only or other our ours ourselves out over own per re s same she should \
so some such t than that the their theirs them themselves then there these they this those through thus to too under until up upon us ve very was we were what \
when where whether which while who whom whose why will with within would you your yours yourself yourselves";

static STOP: LazyLock<HashSet<&str>> = LazyLock::new(|| STOPWORDS.split_whitespace().collect());

thread_local! {
    static STEMMER: Stemmer = Stemmer::create(Algorithm::English);
}

/// A term and where in the text it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Folded and stemmed.
    pub stem: String,
    /// Bytes of the word in the text.
    pub span: Range<usize>,
}

/// The terms of a text in order: words without stop words, without case and diacritics, as English stems. Scripts that are written without
/// spaces give pairs of neighbouring characters.
pub fn terms(text: &str) -> Vec<Term> {
    let mut found = Vec::with_capacity(text.len() / 8);
    for span in words(text) {
        let word = &text[span.clone()];
        if word.chars().next().is_some_and(is_unspaced) {
            found.extend(pairs(word, span.start));
        } else if let Some(stem) = stem(word) {
            found.push(Term { stem, span });
        }
    }
    found
}

/// The stems alone.
pub fn stems(text: &str) -> Vec<String> {
    terms(text).into_iter().map(|term| term.stem).collect()
}

/// The stem of one word; `None` for a stop word and for what is no word.
pub fn stem(word: &str) -> Option<String> {
    if word.len() > LONGEST_WORD {
        return None;
    }
    let folded = fold(word);
    if folded.is_empty() || STOP.contains(folded.as_str()) {
        return None;
    }
    Some(STEMMER.with(|stemmer| stemmer.stem(&folded).into_owned()))
}

/// Whether a word says nothing by itself.
pub fn is_stopword(word: &str) -> bool {
    STOP.contains(fold(word).as_str())
}

/// Runs of letters and digits; a change between spaced and unspaced scripts ends one.
pub fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = chars.find(|(_, c)| c.is_alphanumeric())?;
        let mut end = start + first.len_utf8();
        while let Some((at, c)) = chars.next_if(|(_, c)| (c.is_alphanumeric() || is_combining_mark(*c)) && is_unspaced(*c) == is_unspaced(first)) {
            end = at + c.len_utf8();
        }
        Some(start..end)
    })
}

fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }

    word.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// Kana, Han and their like: written without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn pairs(run: &str, start: usize) -> Vec<Term> {
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    let term = |from: usize, to: usize| {
        let end = chars[to].0 + chars[to].1.len_utf8();
        Term { stem: run[chars[from].0..end].nfkc().collect(), span: start + chars[from].0..start + end }
    };
    if chars.len() == 1 { vec![term(0, 0)] } else { (1..chars.len()).map(|at| term(at - 1, at)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_stems_without_case_diacritics_and_stop_words() {
        assert_eq!(stems("The Boundary-Layers of a café, ÉTUDES"), ["boundari", "layer", "cafe", "etud"]);
    }

    #[test]
    fn a_term_says_where_it_stands() {
        let text = "of naïve flows";
        let spans: Vec<&str> = terms(text).iter().map(|term| &text[term.span.clone()]).collect();
        assert_eq!(spans, ["naïve", "flows"]);
    }

    #[test]
    fn unspaced_scripts_give_pairs() {
        assert_eq!(stems("東京都 x"), ["東京", "京都", "x"]);
        assert_eq!(stems("水"), ["水"]);
    }

    #[test]
    fn signs_and_stop_words_give_nothing() {
        assert_eq!(stems("to be OR not \"*^(🙂"), Vec::<String>::new());
    }
}
