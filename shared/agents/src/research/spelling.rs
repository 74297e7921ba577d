//! Words of a query that no document has, read as words that documents do have.

use engine::ports::{DocumentStore, StoreError};

/// A misspelt word most often begins right.
const PREFIX_LETTERS: usize = 2;
/// So many terms are compared at most.
const MOST_CANDIDATES: usize = 5_000;
/// So many words of a query are looked at: one of a hundred unknown words is no misspelt query.
const MOST_UNKNOWN: usize = 8;

/// For each unknown term the known one that differs least, and of those the most frequent; terms without one are left out.
///
/// `alone` says that the query has no other word: then only long words are read otherwise, because nothing else tells what is meant.
pub async fn correct(
    store: &dyn DocumentStore,
    owner: &str,
    unknown: impl Iterator<Item = &str>,
    alone: bool,
) -> Result<Vec<(String, String)>, StoreError> {
    let mut corrected = vec![];
    for term in unknown.take(MOST_UNKNOWN) {
        let allowed = allowed_distance(term, alone);
        if allowed == 0 {
            continue;
        }
        let prefix: String = term.chars().take(PREFIX_LETTERS).collect();
        let known = store.terms(owner, &prefix, MOST_CANDIDATES).await?;
        let near: Vec<(usize, String)> =
            known.into_iter().filter_map(|known| Some((distance(term, &known, allowed)?, known))).filter(|(distance, _)| *distance > 0).collect();
        let least = near.iter().map(|(distance, _)| *distance).min();
        let mut nearest: Vec<String> = near.into_iter().filter(|(distance, _)| Some(*distance) == least).map(|(_, known)| known).collect();
        if nearest.len() > 1 {
            let counts = store.passage_counts(owner, &nearest).await?;
            // By name where both are as frequent, so that the same query always finds the same.
            let best = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
            nearest = best.map(|(known, _)| known).into_iter().collect();
        }
        corrected.extend(nearest.pop().map(|known| (term.to_owned(), known)));
    }
    Ok(corrected)
}

/// Letters that may differ. Numbers and names with digits mean themselves.
fn allowed_distance(term: &str, alone: bool) -> usize {
    match term.chars().count() {
        _ if !term.chars().all(char::is_alphabetic) => 0,
        8.. => 2,
        6.. => 1,
        4.. if !alone => 1,
        _ => 0,
    }
}

/// Letters to add, drop, change or swap with their neighbour (the optimal string alignment); `None` if they are more than `most`.
fn distance(a: &str, b: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (vec![], (0..=b.len()).collect());
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        if row.iter().all(|distance| *distance > most) {
            return None;
        }
        (before, last) = (last, row);
    }
    last.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_added_dropped_changed_or_swapped_are_counted() {
        for (a, b, expected) in
            [("layr", "layer", Some(1)), ("boundri", "boundari", Some(1)), ("hte", "the", Some(1)), ("wing", "wing", Some(0)), ("heat", "flow", None)]
        {
            assert_eq!(distance(a, b, 2), expected, "{a} {b}");
        }
    }

    #[test]
    fn short_words_alone_and_numbers_mean_themselves() {
        assert_eq!(["moon", "x15", "supr"].map(|term| allowed_distance(term, true)), [0, 0, 0]);
        assert_eq!(["layr", "supersonik", "1952"].map(|term| allowed_distance(term, false)), [1, 2, 0]);
    }
}
