//! What the backends of documents share: how corpora and places are numbered, and what a put changes.

use std::collections::{BTreeMap, HashMap, HashSet};

use engine::ports::{Corpus, NewDocument, Place, Posting, PostingBlock, PutSummary, TermCount};

/// The corpus that everyone sees.
pub(crate) const SHARED: &str = "shared";

/// A corpus as it is named in the database.
pub(crate) fn corpus_name(corpus: &Corpus) -> String {
    match corpus {
        Corpus::Shared => SHARED.to_owned(),
        Corpus::Of(owner) => name_of(owner),
    }
}

/// An owner's own corpus.
pub(crate) fn name_of(owner: &str) -> String {
    format!("of/{owner}")
}

/// A place as one number, in the same order.
pub(crate) fn number_of(place: Place) -> i64 {
    i64::from(place.corpus) << 32 | i64::from(place.passage)
}

/// The opposite of [`number_of`].
pub(crate) fn place_of(number: i64) -> Place {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    Place { corpus: u32::from_be_bytes([a, b, c, d]), passage: u32::from_be_bytes([e, f, g, h]) }
}

/// A passage's terms as lines.
pub(crate) fn write_terms(terms: &[TermCount]) -> String {
    terms.iter().map(|TermCount { term, in_title, in_text }| format!("{term} {in_title} {in_text}\n")).collect()
}

/// The opposite of [`write_terms`].
pub(crate) fn read_terms(lines: &str) -> Vec<TermCount> {
    let read = |line: &str| {
        let mut words = line.split(' ');
        Some(TermCount { term: words.next()?.into(), in_title: words.next()?.parse().ok()?, in_text: words.next()?.parse().ok()? })
    };
    lines.lines().filter_map(read).collect()
}

/// Of two documents of one id in a batch the later one counts.
pub(crate) fn latest_of_each_id(documents: &[NewDocument]) -> impl Iterator<Item = &NewDocument> {
    let latest: HashMap<&str, usize> = documents.iter().enumerate().map(|(index, document)| (document.id.as_str(), index)).collect();
    documents.iter().enumerate().filter(move |(index, document)| latest.get(document.id.as_str()) == Some(index)).map(|(_, document)| document)
}

/// What a put changes in a corpus, gathered so that each row of postings is written once.
#[derive(Default)]
pub(crate) struct Change {
    pub(crate) corpus: u32,
    /// The next free one.
    pub(crate) next_passage: u32,
    /// How the corpus's counts move.
    pub(crate) documents: i64,
    pub(crate) passages: i64,
    pub(crate) title_terms: i64,
    pub(crate) text_terms: i64,
    /// Encoded postings to append, by term and block. Places only grow, so what is appended keeps the order.
    pub(crate) added: BTreeMap<(String, u32), Vec<u8>>,
    /// Offsets whose postings go, by term and block.
    pub(crate) removed: BTreeMap<(String, u32), HashSet<u16>>,
    pub(crate) summary: PutSummary,
}

/// A row of a new passage.
pub(crate) struct NewRow<'a> {
    pub(crate) place: i64,
    /// In the document.
    pub(crate) number: u32,
    pub(crate) title_length: u8,
    pub(crate) text_length: u16,
    pub(crate) text: &'a str,
    pub(crate) terms: String,
}

impl Change {
    /// Gives the document's passages the next places.
    pub(crate) fn add<'a>(&mut self, document: &'a NewDocument) -> Vec<NewRow<'a>> {
        let mut rows = Vec::with_capacity(document.passages.len());
        for (number, passage) in (0u32..).zip(&document.passages) {
            let place = Place { corpus: self.corpus, passage: self.next_passage };
            let (block, offset) = block_of(place.passage);
            for TermCount { term, in_title, in_text } in &passage.terms {
                let posting = Posting {
                    offset,
                    number: u16::try_from(number).unwrap_or(u16::MAX),
                    in_title: *in_title,
                    in_text: *in_text,
                    title_length: passage.title_length,
                    text_length: passage.text_length,
                };
                self.added.entry((term.clone(), block)).or_default().extend(posting.encode());
            }
            rows.push(NewRow {
                place: number_of(place),
                number,
                title_length: passage.title_length,
                text_length: passage.text_length,
                text: &passage.text,
                terms: write_terms(&passage.terms),
            });
            self.next_passage += 1;
            self.passages += 1;
            self.title_terms += i64::from(passage.title_length);
            self.text_terms += i64::from(passage.text_length);
        }
        rows
    }

    /// Takes a passage that was deleted out of the counts and the postings.
    pub(crate) fn remove(&mut self, place: i64, title_length: i64, text_length: i64, terms: &str) {
        let (block, offset) = block_of(place_of(place).passage);
        self.passages -= 1;
        self.title_terms -= title_length;
        self.text_terms -= text_length;
        for TermCount { term, .. } in read_terms(terms) {
            self.removed.entry((term, block)).or_default().insert(offset);
        }
    }
}

/// The encoded postings of a block but for those at these offsets.
pub(crate) fn entries_without(block: &PostingBlock, offsets: &HashSet<u16>) -> Vec<u8> {
    block.iter().filter(|posting| !offsets.contains(&posting.offset)).flat_map(|posting| posting.encode()).collect()
}

fn block_of(passage: u32) -> (u32, u16) {
    (passage / PostingBlock::PASSAGES, (passage % PostingBlock::PASSAGES) as u16)
}
