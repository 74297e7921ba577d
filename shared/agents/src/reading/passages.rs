//! Cuts texts into passages at paragraphs and sentences, and analyses them for the index.

use std::{collections::HashMap, fmt::Write, ops::Range};

use engine::ports::{NewDocument, NewPassage, TermCount};
use sha2::{Digest, Sha256};

use super::terms::{ANALYSIS_VERSION, stems};

/// Passages of a longer text have about this many words, or somewhat fewer.
const MOST_WORDS: usize = 300;

/// A text of up to so many words stays whole: halves of a page say less than the page.
const WHOLE_WORDS: usize = 400;

/// A document as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawDocument {
    /// The id that it came with; where empty, one is made of the content.
    pub id: String,
    /// May be empty.
    pub title: String,
    /// A path or a file name; may be empty.
    pub source: String,
    /// Paragraphs, an empty line between them.
    pub text: String,
}

/// A document cut and analysed, ready for the store.
pub fn analysed(raw: RawDocument) -> NewDocument {
    let fingerprint = hex(&Sha256::digest(format!("{ANALYSIS_VERSION}\0{}\0{}\0{}", raw.title, raw.source, raw.text)));
    let title_stems = stems(&raw.title);
    let pieces = cut(&raw.text);
    // A document of nothing but a title is found by it.
    let pieces = if pieces.is_empty() { vec![String::new()] } else { pieces };
    let id = if raw.id.is_empty() { format!("doc-{}", &hex(&Sha256::digest(raw.text.as_bytes()))[..16]) } else { raw.id };
    let passages = pieces.into_iter().map(|text| passage(text, &title_stems)).collect();
    NewDocument { id, title: raw.title, source: raw.source, fingerprint, passages }
}

fn passage(text: String, title_stems: &[String]) -> NewPassage {
    let text_stems = stems(&text);
    let mut counts: HashMap<&str, (u8, u8)> = HashMap::new();
    for stem in title_stems {
        let count = &mut counts.entry(stem).or_default().0;
        *count = count.saturating_add(1);
    }
    for stem in &text_stems {
        let count = &mut counts.entry(stem).or_default().1;
        *count = count.saturating_add(1);
    }
    let mut terms: Vec<TermCount> =
        counts.into_iter().map(|(term, (in_title, in_text))| TermCount { term: term.into(), in_title, in_text }).collect();
    terms.sort_by(|a, b| a.term.cmp(&b.term));
    NewPassage {
        title_length: u8::try_from(title_stems.len()).unwrap_or(u8::MAX),
        text_length: u16::try_from(text_stems.len()).unwrap_or(u16::MAX),
        text,
        terms,
    }
}

/// Passages of a text, none empty.
pub fn cut(text: &str) -> Vec<String> {
    let total = size(text);
    if total == 0 {
        return vec![];
    }
    if total <= WHOLE_WORDS {
        return vec![text.trim().to_owned()];
    }
    // Passages of like size read better than full ones and a rest.
    let count = total.div_ceil(MOST_WORDS);
    let mut passages = vec![];
    let (mut current, mut before) = (String::new(), 0);
    for paragraph in paragraphs(text) {
        for (index, sentence) in sentences(paragraph).into_iter().flat_map(|span| bounded(&paragraph[span])).enumerate() {
            let border = total * (passages.len() + 1) / count;
            let length = size(sentence);
            if !current.is_empty() && before + length / 2 >= border {
                passages.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push_str(if index == 0 { "\n\n" } else { " " });
            }
            current.push_str(sentence);
            before += length;
        }
    }
    passages.push(current);
    passages
}

/// Words, or what would be words if they were written with spaces between them.
fn size(text: &str) -> usize {
    text.split_whitespace().map(|word| 1 + word.len() / 24).sum()
}

/// Stretches of text between empty lines, trimmed, none empty.
pub fn paragraphs(text: &str) -> Vec<&str> {
    let mut found = vec![];
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            found.push(text[start..at].trim());
            start = at + line.len();
        }
        at += line.len();
    }
    found.push(text[start..].trim());
    found.retain(|paragraph| !paragraph.is_empty());
    found
}

/// Sentences by their byte ranges, in order, trimmed, none empty.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = vec![];
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !matches!(c, '.' | '!' | '?' | '。' | '！' | '？') {
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some((next, closing)) = chars.next_if(|(_, c)| matches!(c, '.' | '!' | '?' | '"' | '\'' | ')' | ']' | '”' | '’')) {
            end = next + closing.len_utf8();
        }
        let unspaced = matches!(c, '。' | '！' | '？');
        if unspaced || text[end..].starts_with(char::is_whitespace) && !(c == '.' && is_abbreviation(&text[start..at], &text[end..])) {
            push_trimmed(text, start..end, &mut found);
            start = end;
        }
    }
    push_trimmed(text, start..text.len(), &mut found);
    found
}

fn is_abbreviation(before: &str, after: &str) -> bool {
    const KNOWN: [&str; 22] = [
        "e.g", "i.e", "cf", "vs", "al", "fig", "figs", "eq", "eqs", "no", "dr", "mr", "mrs", "ms", "prof", "st", "approx", "sec", "vol", "inc", "jr",
        "sr",
    ];
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    // `Mach 3. 0`, as some scans have it.
    let split_number =
        word.chars().all(|c| c.is_ascii_digit()) && (1..=2).contains(&word.len()) && after.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    let goes_on = after.trim_start().starts_with(|c: char| c.is_lowercase() || c == ',');
    split_number || initial || KNOWN.contains(&word.to_lowercase().as_str()) || goes_on && word.contains('.')
}

fn push_trimmed(text: &str, span: Range<usize>, found: &mut Vec<Range<usize>>) {
    let piece = &text[span.clone()];
    let trimmed = piece.trim();
    if trimmed.chars().any(char::is_alphanumeric) {
        let start = span.start + (piece.len() - piece.trim_start().len());
        found.push(start..start + trimmed.len());
    }
}

/// What passes for a sentence may be a table of a thousand words, or one word of a megabyte: cut at words, else at characters.
fn bounded(sentence: &str) -> Vec<&str> {
    const MOST_BYTES: usize = 4_000;
    if sentence.len() <= MOST_BYTES {
        return vec![sentence];
    }
    let mut pieces = vec![];
    let mut rest = sentence;
    while rest.len() > MOST_BYTES {
        let limit = rest.floor_char_boundary(MOST_BYTES);
        let end = rest[..limit].rfind(char::is_whitespace).filter(|end| *end > 0).unwrap_or(limit);
        pieces.push(rest[..end].trim());
        rest = rest[end..].trim_start();
    }
    pieces.push(rest);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences_of(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn sentences_end_at_their_marks_but_not_at_abbreviations_and_decimals() {
        assert_eq!(
            sentences_of("Lift rose by 3.5 per cent, cf. Fig. 2. Was it real? Dr. A. Smith (e.g. in 1952) said \"Yes.\" End"),
            ["Lift rose by 3.5 per cent, cf. Fig. 2.", "Was it real?", "Dr. A. Smith (e.g. in 1952) said \"Yes.\"", "End"]
        );
    }

    #[test]
    fn a_number_with_a_space_in_it_ends_no_sentence() {
        assert_eq!(sentences_of("At mach 3. 0 it flutters. In 1932. 20 years on."), ["At mach 3. 0 it flutters.", "In 1932.", "20 years on."]);
    }

    #[test]
    fn a_short_text_is_one_passage() {
        assert_eq!(cut("  One.\n\nTwo.  "), ["One.\n\nTwo."]);
        assert_eq!(cut(" \n "), Vec::<String>::new());
    }

    #[test]
    fn a_long_text_is_cut_at_sentences_and_loses_no_word() {
        let text =
            (0..200).map(|n| format!("This is sentence number {n} of a long text.{}", if n % 9 == 0 { "\n\n" } else { " " })).collect::<String>();
        let passages = cut(&text);
        let count = |text: &str| text.split_whitespace().count();
        assert!(passages.iter().all(|passage| (250..=MOST_WORDS + 10).contains(&count(passage)) && passage.ends_with("text.")), "{passages:?}");
        assert_eq!(passages.iter().map(|passage| count(passage)).sum::<usize>(), count(&text));
    }

    #[test]
    fn text_without_any_space_is_cut_all_the_same() {
        assert!(cut(&format!("{} {}", "é".repeat(9_000), "w ".repeat(500))).iter().all(|passage| passage.len() < 9_000));
    }

    #[test]
    fn an_id_is_made_of_the_content_and_stays() {
        let document = |title: &str| analysed(RawDocument { title: title.into(), text: "Some text".into(), ..RawDocument::default() });
        assert_eq!(document("a").id, document("b").id);
        assert!(document("a").id.starts_with("doc-"));
        assert_ne!(document("a").fingerprint, document("b").fingerprint);
    }

    #[test]
    fn terms_count_title_and_text_apart() {
        let document = analysed(RawDocument { id: "1".into(), title: "Wings".into(), text: "A wing, two wings".into(), ..RawDocument::default() });
        assert_eq!(
            document.passages[0].terms,
            [TermCount { term: "two".into(), in_title: 0, in_text: 1 }, TermCount { term: "wing".into(), in_title: 1, in_text: 2 }]
        );
        assert_eq!((document.passages[0].title_length, document.passages[0].text_length), (1, 3));
    }
}
