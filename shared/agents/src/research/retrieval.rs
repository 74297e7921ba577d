//! Finds the documents for a query: ranks once, learns from the best passages which other terms go with the query, and ranks again.

use std::collections::{HashMap, HashSet};

use engine::ports::{DocumentFilter, DocumentStore, Place, PlaceRange, PostingBlock, StoreError, StoredPassage};

use super::{
    scorer::{Ranking, Scorer, WeightedTerms, passage_counts},
    spelling,
};
use crate::reading::terms::stems;

/// Terms of a query beyond this many are left out: a page pasted as a query is answered by what it begins with.
const MOST_QUERY_TERMS: usize = 96;
/// Passages to learn from.
const FEEDBACK_PASSAGES: usize = 10;
/// Terms to learn.
const FEEDBACK_TERMS: usize = 25;
/// Terms that are looked at for that.
const FEEDBACK_CANDIDATES: usize = 160;
/// Share of the query's own words in the second ranking.
const QUERY_SHARE: f64 = 0.5;
/// What a term counts that stands in for a misspelt one.
const CORRECTED_WEIGHT: f64 = 0.8;
/// A term that more of all passages have tells nothing about the topic.
const MOST_COMMON: f64 = 0.2;

/// What to look for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Plain words.
    pub text: String,
    /// Which documents count.
    pub filter: DocumentFilter,
    /// So many of the best documents are passed over.
    pub offset: usize,
    /// At most so many are returned.
    pub limit: usize,
    /// Whether words that no document has may be read as similar ones.
    pub forgiving: bool,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Documents that have one of the query's terms.
    pub total: usize,
    /// The page asked for, best first.
    pub hits: Vec<Hit>,
    /// The query's terms, as stems.
    pub terms: Vec<String>,
    /// Terms that no document has, with those that they were read as.
    pub corrected: Vec<(String, String)>,
}

/// A document by its best passage.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The passage with its document's data.
    pub passage: StoredPassage,
    /// From 0 to 1, the share of what the best conceivable passage would score.
    pub relevance: f64,
}

/// Searches what an owner sees.
pub async fn retrieve(store: &dyn DocumentStore, owner: &str, query: &Query) -> Result<Found, StoreError> {
    let mut wanted = weigh(stems(&query.text).into_iter().map(|stem| (stem, 1.0)));
    let mut required: Vec<String> = wanted.iter().map(|(term, _)| term.clone()).collect();
    let nothing = |terms| Found { terms, ..Found::default() };
    if required.is_empty() {
        return Ok(nothing(required));
    }
    let within = match query.filter.is_empty() {
        true => None,
        false => Some(store.ranges(owner, &query.filter).await?),
    };
    let (statistics, mut blocks) = store.statistics_and_postings(owner, &required).await?;
    let scorer = Scorer::new(statistics);
    let mut corrected = vec![];
    if query.forgiving {
        let known: HashSet<&str> = blocks.iter().map(|block| block.term.as_str()).collect();
        let unknown = required.iter().map(String::as_str).filter(|term| !known.contains(term));
        corrected = spelling::correct(store, owner, unknown, required.len() == 1).await?;
    }
    if !corrected.is_empty() {
        let instead = corrected.iter().map(|(_, term)| (term.clone(), CORRECTED_WEIGHT));
        let asked = wanted.len();
        wanted = weigh(wanted.into_iter().chain(instead));
        required = wanted.iter().map(|(term, _)| term.clone()).collect();
        if required.len() > asked {
            add(&mut blocks, store.postings(owner, &required[asked..]).await?);
        }
    }
    let search = Search { store, owner, scorer, within, required: &required };

    let most = query.offset.saturating_add(query.limit);
    let first = search.rank(&wanted, &blocks, most.max(FEEDBACK_PASSAGES));
    if first.total == 0 {
        return Ok(nothing(required.clone()));
    }
    let (ranking, terms, blocks, seen) = search.again(first, &wanted, blocks, most).await?;

    let page: Vec<_> = ranking.best.into_iter().skip(query.offset).take(query.limit).collect();
    let best_conceivable = search.best_conceivable(&terms, &blocks);
    let places: Vec<Place> = page.iter().map(|scored| scored.place).collect();
    let mut passages: HashMap<Place, StoredPassage> = seen.into_iter().map(|passage| (passage.place, passage)).collect();
    let unseen: Vec<Place> = places.iter().filter(|place| !passages.contains_key(place)).copied().collect();
    if !unseen.is_empty() {
        passages.extend(store.passages(owner, &unseen).await?.into_iter().map(|passage| (passage.place, passage)));
    }
    let missing = places.iter().filter(|place| !passages.contains_key(place)).count();
    let hits = page
        .into_iter()
        .filter_map(|scored| Some(Hit { passage: passages.remove(&scored.place)?, relevance: (scored.score / best_conceivable).clamp(0.0, 1.0) }))
        .collect();
    Ok(Found { total: ranking.total - missing, hits, terms: required, corrected })
}

/// Each term once, its weights added up, in the order of the text.
fn weigh(terms: impl IntoIterator<Item = (String, f64)>) -> WeightedTerms {
    let mut weighted: WeightedTerms = vec![];
    for (stem, weight) in terms {
        match weighted.iter().position(|(term, _)| *term == stem) {
            Some(known) => weighted[known].1 += weight,
            None if weighted.len() < MOST_QUERY_TERMS => weighted.push((stem, weight)),
            None => {}
        }
    }
    weighted
}

struct Search<'a> {
    store: &'a dyn DocumentStore,
    owner: &'a str,
    scorer: Scorer,
    within: Option<Vec<PlaceRange>>,
    required: &'a [String],
}

impl Search<'_> {
    fn rank(&self, terms: &WeightedTerms, blocks: &[PostingBlock], most: usize) -> Ranking {
        self.scorer.rank(terms, self.required, blocks, self.within.as_deref(), most)
    }

    /// The second ranking, with what made it, and the passages that were read for it.
    async fn again(
        &self,
        first: Ranking,
        wanted: &WeightedTerms,
        mut blocks: Vec<PostingBlock>,
        most: usize,
    ) -> Result<(Ranking, WeightedTerms, Vec<PostingBlock>, Vec<StoredPassage>), StoreError> {
        let (learned, seen) = self.learn(&first).await?;
        let known: HashSet<&str> = self.required.iter().map(String::as_str).collect();
        let new: Vec<String> = learned.iter().map(|(term, _)| term.clone()).filter(|term| !known.contains(term.as_str())).collect();
        if !new.is_empty() {
            add(&mut blocks, self.store.postings(self.owner, &new).await?);
        }
        let terms = mix(wanted, &learned);
        let ranking = self.rank(&terms, &blocks, most);
        Ok((ranking, terms, blocks, seen))
    }

    /// The terms that set the best passages apart, each with its weight, and these passages.
    async fn learn(&self, first: &Ranking) -> Result<(WeightedTerms, Vec<StoredPassage>), StoreError> {
        let scores: HashMap<Place, f64> = first.best.iter().take(FEEDBACK_PASSAGES).map(|scored| (scored.place, scored.score)).collect();
        let places: Vec<Place> = scores.keys().copied().collect();
        let mut passages = self.store.passages(self.owner, &places).await?;
        passages.sort_by_key(|passage| passage.place);

        let mut weights: HashMap<&str, (f64, u32)> = HashMap::new();
        for passage in &passages {
            let length: u32 = passage.terms.iter().map(|term| u32::from(term.in_text)).sum();
            for term in passage.terms.iter().filter(|term| term.in_text > 0) {
                let (weight, times) = weights.entry(&term.term).or_default();
                *weight += scores[&passage.place] * self.scorer.saturation(0.0, term.in_text.into(), 0.0, length.into());
                *times += 1;
            }
        }
        // What only one of several passages says is its own affair.
        let least = if passages.len() > 2 { 2 } else { 1 };
        let mut candidates: WeightedTerms =
            weights.into_iter().filter(|(_, (_, times))| *times >= least).map(|(term, (weight, _))| (term.to_owned(), weight)).collect();
        keep_best(&mut candidates, FEEDBACK_CANDIDATES);

        let names: Vec<String> = candidates.iter().map(|(term, _)| term.clone()).collect();
        let counts: HashMap<String, u64> = self.store.passage_counts(self.owner, &names).await?.into_iter().collect();
        let most_common = self.scorer.passages() as f64 * MOST_COMMON;
        candidates.retain_mut(|(term, weight)| {
            let count = counts.get(term).copied().unwrap_or(0);
            *weight *= self.scorer.inverse_frequency(count);
            count as f64 <= most_common.max(1.0)
        });
        keep_best(&mut candidates, FEEDBACK_TERMS);
        Ok((candidates, passages))
    }

    fn best_conceivable(&self, terms: &WeightedTerms, blocks: &[PostingBlock]) -> f64 {
        let counts = passage_counts(blocks);
        terms
            .iter()
            .map(|(term, weight)| weight * self.scorer.inverse_frequency(counts.get(term.as_str()).copied().unwrap_or(0)))
            .sum::<f64>()
            .max(f64::MIN_POSITIVE)
    }
}

/// Postings of other terms.
fn add(blocks: &mut Vec<PostingBlock>, others: Vec<PostingBlock>) {
    blocks.extend(others);
    blocks.sort_by_key(|block| (block.corpus, block.block));
}

fn keep_best(terms: &mut WeightedTerms, most: usize) {
    terms.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    terms.truncate(most);
}

/// Both in proportion, as shares of one.
fn mix(wanted: &WeightedTerms, learned: &WeightedTerms) -> WeightedTerms {
    let sum = |terms: &WeightedTerms| terms.iter().map(|(_, weight)| weight).sum::<f64>().max(f64::MIN_POSITIVE);
    let (all_wanted, all_learned) = (sum(wanted), sum(learned));
    let mut mixed: WeightedTerms = wanted.iter().map(|(term, weight)| (term.clone(), QUERY_SHARE * weight / all_wanted)).collect();
    for (term, weight) in learned {
        let share = (1.0 - QUERY_SHARE) * weight / all_learned;
        match mixed.iter_mut().find(|(known, _)| known == term) {
            Some((_, weight)) => *weight += share,
            None => mixed.push((term.clone(), share)),
        }
    }
    mixed
}
