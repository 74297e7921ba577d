//! Ranks passages: BM25 over the fields title and text, on the postings of any backend.

use std::collections::HashMap;

use engine::ports::{CorpusStatistics, Place, PlaceRange, Posting, PostingBlock};

/// How fast more of the same term stops to matter.
const K1: f64 = 1.5;
/// How much longer texts are held against their passages.
const B_TEXT: f64 = 0.75;
/// The same for titles, whose length says less.
const B_TITLE: f64 = 0.5;
/// A term in the title counts as so many in the text.
const TITLE_WEIGHT: f64 = 2.0;

/// Terms with how much each counts.
pub type WeightedTerms = Vec<(String, f64)>;

/// A document's best passage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Where it lies.
    pub place: Place,
    /// Higher is better; comparable within a query.
    pub score: f64,
}

/// What a query finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Documents that match.
    pub total: usize,
    /// The best of them, best first.
    pub best: Vec<Scored>,
}

/// How much a term tells, by how many of all passages have it.
pub fn inverse_frequency(passages: u64, with_term: u64) -> f64 {
    let (all, with) = (passages as f64, with_term.min(passages) as f64);
    (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
}

/// One query over one view of the documents.
pub struct Scorer {
    statistics: CorpusStatistics,
    mean_title_length: f64,
    mean_text_length: f64,
}

impl Scorer {
    /// For an owner's statistics.
    pub fn new(statistics: CorpusStatistics) -> Self {
        let mean = |sum: u64| (sum as f64 / statistics.passages.max(1) as f64).max(1.0);
        Scorer { statistics, mean_title_length: mean(statistics.title_terms), mean_text_length: mean(statistics.text_terms) }
    }

    /// Passages in view.
    pub fn passages(&self) -> u64 {
        self.statistics.passages
    }

    /// How much a term tells here.
    pub fn inverse_frequency(&self, with_term: u64) -> f64 {
        inverse_frequency(self.statistics.passages, with_term)
    }

    /// A term's part in a passage, from 0 to 1, before it is weighed by [`Self::inverse_frequency`].
    pub fn saturation(&self, in_title: f64, in_text: f64, title_length: f64, text_length: f64) -> f64 {
        let title = TITLE_WEIGHT * in_title / (1.0 - B_TITLE + B_TITLE * title_length / self.mean_title_length);
        let text = in_text / (1.0 - B_TEXT + B_TEXT * text_length / self.mean_text_length);
        (title + text) / (K1 + title + text)
    }

    /// The best passage of each of the best `most` documents that have one of the `required` terms, best first. The blocks hold the postings
    /// of all `terms`; with `within`, only passages of those ranges count.
    pub fn rank(&self, terms: &WeightedTerms, required: &[String], blocks: &[PostingBlock], within: Option<&[PlaceRange]>, most: usize) -> Ranking {
        let frequencies = passage_counts(blocks);
        let weights: HashMap<&str, f64> = terms
            .iter()
            .map(|(term, weight)| (term.as_str(), weight * self.inverse_frequency(frequencies.get(term.as_str()).copied().unwrap_or(0))))
            .collect();
        let mut found = vec![];
        let mut sums = Sums::new();
        for neighbours in blocks.chunk_by(|a, b| (a.corpus, a.block) == (b.corpus, b.block)) {
            sums.clear();
            for block in neighbours {
                let Some(&weight) = weights.get(block.term.as_str()) else { continue };
                let needed = required.contains(&block.term);
                block.iter().for_each(|posting| sums.add(&posting, weight * self.of(&posting), needed));
            }
            let Some(first) = neighbours.first() else { continue };
            sums.collect(first.corpus, first.block * PostingBlock::PASSAGES, within, &mut found);
        }
        let best_first = |a: &Scored, b: &Scored| b.score.total_cmp(&a.score).then(a.place.cmp(&b.place));
        let total = found.len();
        if (1..total).contains(&most) {
            found.select_nth_unstable_by(most, best_first);
        }
        found.truncate(most);
        found.sort_unstable_by(best_first);
        Ranking { total, best: found }
    }

    fn of(&self, posting: &Posting) -> f64 {
        self.saturation(posting.in_title.into(), posting.in_text.into(), posting.title_length.into(), posting.text_length.into())
    }
}

/// How many passages have each term.
pub fn passage_counts(blocks: &[PostingBlock]) -> HashMap<&str, u64> {
    let mut counts = HashMap::new();
    for block in blocks {
        *counts.entry(block.term.as_str()).or_default() += block.len() as u64;
    }
    counts
}

/// Scores of the passages of one block.
struct Sums {
    scores: Vec<f64>,
    numbers: Vec<u16>,
    needed: Vec<bool>,
}

impl Sums {
    fn new() -> Self {
        let size = PostingBlock::PASSAGES as usize;
        Sums { scores: vec![0.0; size], numbers: vec![0; size], needed: vec![false; size] }
    }

    fn clear(&mut self) {
        self.scores.fill(0.0);
        self.needed.fill(false);
    }

    fn add(&mut self, posting: &Posting, score: f64, needed: bool) {
        let at = usize::from(posting.offset) % self.scores.len();
        self.scores[at] += score;
        self.numbers[at] = posting.number;
        self.needed[at] |= needed;
    }

    /// Appends the documents of the block. One that began in the block before is already the last of `found`.
    fn collect(&self, corpus: u32, start: u32, within: Option<&[PlaceRange]>, found: &mut Vec<Scored>) {
        let first_of = |place: Place, number: u16| Place { passage: place.passage.saturating_sub(number.into()), ..place };
        let mut document = None;
        for (at, score) in self.scores.iter().enumerate().filter(|(at, _)| self.needed[*at]) {
            let place = Place { corpus, passage: start + at as u32 };
            if !within.is_none_or(|ranges| contains(ranges, place)) {
                continue;
            }
            let first = first_of(place, self.numbers[at]);
            let same =
                document == Some(first) || document.is_none() && found.last().is_some_and(|last| last.place.corpus == corpus && last.place >= first);
            match found.last_mut().filter(|_| same) {
                Some(last) if last.score >= *score => {}
                Some(last) => *last = Scored { place, score: *score },
                None => found.push(Scored { place, score: *score }),
            }
            document = Some(first);
        }
    }
}

fn contains(ranges: &[PlaceRange], place: Place) -> bool {
    let after = ranges.partition_point(|range| range.first <= place);
    after > 0 && {
        let range = ranges[after - 1];
        range.first.corpus == place.corpus && place.passage - range.first.passage < range.passages
    }
}
