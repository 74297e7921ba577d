//! Which sentences of some texts say most of what all of them say, without saying it twice.

use std::collections::{BTreeMap, HashMap};

use crate::reading::{
    passages::{paragraphs, sentences},
    terms::stems,
};

/// Words of a sentence that can stand alone: neither a heading nor a table.
const LENGTH: std::ops::RangeInclusive<usize> = 6..=70;
/// What a sentence that leans on the one before is worth.
const LEANING: f64 = 0.6;
/// Sentences beyond this many are left out: each is compared with each.
const MOST_SENTENCES: usize = 400;

/// A sentence with its terms weighed.
#[derive(Debug, Clone)]
pub struct Sentence {
    /// Which text it is of.
    pub text_index: usize,
    /// As it stands there, on one line.
    pub words: String,
    vector: Vector,
}

type Vector = BTreeMap<String, f64>;

/// A chosen sentence.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Which one.
    pub sentence: Sentence,
    /// The texts that say it: its own first, then others that say nearly the same.
    pub said_by: Vec<usize>,
}

/// The sentences of texts, each weighed by how rare its terms are among all of them. Texts take turns, so that a long one leaves room.
pub fn split(texts: &[String]) -> Vec<Sentence> {
    let each: Vec<Vec<String>> = texts.iter().map(|text| sentences_of(text)).collect();
    let mut all: Vec<(usize, String, Vec<String>)> = vec![];
    for turn in 0..each.iter().map(Vec::len).max().unwrap_or(0) {
        for (index, sentences) in each.iter().enumerate() {
            if let Some(words) = sentences.get(turn).filter(|_| all.len() < MOST_SENTENCES) {
                all.push((index, words.clone(), stems(words)));
            }
        }
    }
    let mut having: HashMap<&str, f64> = HashMap::new();
    for (_, _, stems) in &all {
        let once: std::collections::HashSet<&str> = stems.iter().map(String::as_str).collect();
        once.into_iter().for_each(|stem| *having.entry(stem).or_default() += 1.0);
    }
    let count = all.len() as f64;
    let rarity: HashMap<String, f64> = having.into_iter().map(|(stem, with)| (stem.to_owned(), (1.0 + count / with).ln())).collect();
    all.into_iter()
        .map(|(text_index, words, stems)| Sentence { text_index, words, vector: vector(&stems, |stem| rarity.get(stem).copied().unwrap_or(1.0)) })
        .collect()
}

/// Sentences that can stand alone, on one line each.
pub fn sentences_of(text: &str) -> Vec<String> {
    let one_line = |sentence: &str| sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    let of_paragraph = |paragraph: &str| sentences(paragraph).into_iter().map(|span| one_line(&paragraph[span])).collect::<Vec<_>>();
    let stands_alone = |sentence: &String| LENGTH.contains(&sentence.split(' ').count()) && sentence.chars().any(char::is_lowercase);
    paragraphs(text).into_iter().flat_map(of_paragraph).filter(stands_alone).collect()
}

/// At most `most` sentences: near to the query, central among all, and unlike those chosen before (maximal marginal relevance).
pub fn choose(all: &[Sentence], query: &str, most: usize) -> Vec<Chosen> {
    let query = vector(&stems(query), |_| 1.0);
    let centrality = centrality(all);
    let worth = |(sentence, central): (&Sentence, &f64)| {
        let leans = if leans_on_what_comes_before(&sentence.words) { LEANING } else { 1.0 };
        leans * (0.5 * likeness(&sentence.vector, &query) + 0.5 * central)
    };
    let worth: Vec<f64> = all.iter().zip(&centrality).map(worth).collect();
    let mut left: Vec<usize> = (0..all.len()).collect();
    let mut chosen: Vec<usize> = vec![];
    while chosen.len() < most && !left.is_empty() {
        let gain = |index: usize| {
            let repeated = chosen.iter().map(|other| likeness(&all[index].vector, &all[*other].vector)).fold(0.0, f64::max);
            0.7 * worth[index] - 0.3 * repeated
        };
        // The first of equals, so that the same input gives the same text.
        let best = left.iter().copied().map(|index| (gain(index), index)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let Some((_, best)) = best else { break };
        chosen.push(best);
        left.retain(|index| likeness(&all[*index].vector, &all[best].vector) < 0.6);
    }
    chosen.into_iter().map(|index| Chosen { said_by: said_by(all, index), sentence: all[index].clone() }).collect()
}

/// `These results …`, `However, …`, `It was found …`: out of its place such a sentence says less.
fn leans_on_what_comes_before(sentence: &str) -> bool {
    const FIRST: [&str; 21] = [
        "this",
        "these",
        "those",
        "that",
        "it",
        "its",
        "they",
        "their",
        "such",
        "however",
        "therefore",
        "thus",
        "moreover",
        "furthermore",
        "also",
        "hence",
        "but",
        "he",
        "she",
        "finally",
        "similarly",
    ];
    const OPENINGS: [&str; 8] =
        ["in addition", "as a result", "in this", "in the present", "the present", "the final section", "for example", "on the other hand"];
    let start: String = sentence.chars().take(40).flat_map(char::to_lowercase).collect();
    let first = start.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    FIRST.contains(&first) || OPENINGS.iter().any(|opening| start.starts_with(opening))
}

fn said_by(all: &[Sentence], index: usize) -> Vec<usize> {
    let mut texts = vec![all[index].text_index];
    for other in all {
        if !texts.contains(&other.text_index) && likeness(&all[index].vector, &other.vector) >= 0.5 {
            texts.push(other.text_index);
        }
    }
    texts
}

/// How much a sentence shares with the sentences of other texts, as a share of the most that one does.
fn centrality(all: &[Sentence]) -> Vec<f64> {
    let mut sums = vec![0.0; all.len()];
    for (index, one) in all.iter().enumerate() {
        for (offset, other) in all[index + 1..].iter().enumerate() {
            // A text that repeats itself makes nothing more central.
            let weight = if one.text_index == other.text_index { 0.3 } else { 1.0 };
            let shared = weight * likeness(&one.vector, &other.vector);
            sums[index] += shared;
            sums[index + 1 + offset] += shared;
        }
    }
    let most = sums.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    sums.iter().map(|sum| sum / most).collect()
}

fn vector(stems: &[String], weight: impl Fn(&str) -> f64) -> Vector {
    let mut vector = Vector::new();
    for stem in stems {
        *vector.entry(stem.clone()).or_default() += weight(stem);
    }
    let length = vector.values().map(|value| value * value).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    vector.values_mut().for_each(|value| *value /= length);
    vector
}

/// Cosine of two vectors of length one.
fn likeness(a: &Vector, b: &Vector) -> f64 {
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    small.iter().filter_map(|(term, value)| Some(value * large.get(term)?)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Vec<String> {
        vec![
            "Green roofs keep city buildings cooler in the summer months. The caretaker of one house owns a small brown dog.".into(),
            "In the summer months green roofs keep buildings in the city cooler. Bees find food on green roofs in most cities.".into(),
        ]
    }

    #[test]
    fn what_two_texts_say_is_chosen_once_and_said_by_both() {
        let chosen = choose(&split(&texts()), "green roofs", 2);
        assert_eq!(chosen[0].said_by.len(), 2);
        assert!(chosen[1].sentence.words.starts_with("Bees"), "{}", chosen[1].sentence.words);
    }

    #[test]
    fn a_sentence_that_stands_alone_goes_before_one_that_leans() {
        let texts = ["These green roofs keep most buildings cool in summer. Green roofs feed very many bees in summer.".to_owned()];
        assert!(choose(&split(&texts), "green roofs in summer", 1)[0].sentence.words.starts_with("Green"));
    }

    #[test]
    fn nothing_is_chosen_of_nothing() {
        assert!(choose(&split(&[]), "x", 3).is_empty());
        assert!(choose(&split(&["# Heading".into()]), "x", 3).is_empty());
    }
}
