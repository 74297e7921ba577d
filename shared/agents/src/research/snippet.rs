//! The stretch of a passage that answers a query best, with the query's words marked.

use std::{collections::HashSet, ops::Range};

use crate::reading::{
    passages::sentences,
    terms::{stem, words},
};

/// Words of a snippet.
const WINDOW: usize = 48;

/// A stretch of a text; `…` stands where something is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// As it stands in the text.
    pub content: String,
    /// The same with `**` around the words of the query.
    pub marked: String,
}

/// The window of `text` that has most of the terms, given as stems.
pub fn snippet(text: &str, terms: &[String]) -> Snippet {
    let spans: Vec<Range<usize>> = words(text).collect();
    let wanted: HashSet<&str> = terms.iter().map(String::as_str).collect();
    let matches: Vec<Option<String>> = spans.iter().map(|span| stem(&text[span.clone()]).filter(|stem| wanted.contains(stem.as_str()))).collect();
    let from = best_start(text, &spans, &matches);
    let to = (from + WINDOW).min(spans.len());
    if from >= to {
        return Snippet { content: text.trim().to_owned(), marked: text.trim().to_owned() };
    }
    // The last word takes its full stop along.
    let start = if from == 0 { 0 } else { spans[from].start };
    let end = if to == spans.len() { text.len() } else { spans[to - 1].end };
    let (before, after) = (if from == 0 { "" } else { "… " }, if to == spans.len() { "" } else { " …" });

    let mut marked = String::new();
    let mut at = start;
    for (span, found) in spans[from..to].iter().zip(&matches[from..to]) {
        if found.is_some() {
            marked.push_str(&text[at..span.start]);
            marked.push_str("**");
            marked.push_str(&text[span.clone()]);
            marked.push_str("**");
            at = span.end;
        }
    }
    marked.push_str(&text[at..end]);
    let whole = |inner: &str| format!("{before}{}{after}", inner.split_whitespace().collect::<Vec<_>>().join(" "));
    Snippet { content: whole(&text[start..end]), marked: whole(&marked) }
}

/// The word at which the best window begins: most different terms, then most terms, not cut off right after one, then at a
/// sentence, then the earliest.
fn best_start(text: &str, spans: &[Range<usize>], matches: &[Option<String>]) -> usize {
    let starts_of_sentences: HashSet<usize> =
        sentences(text).into_iter().map(|sentence| spans.partition_point(|span| span.start < sentence.start)).collect();
    let hits: Vec<usize> = matches.iter().enumerate().filter(|(_, found)| found.is_some()).map(|(at, _)| at).collect();
    let last = spans.len().saturating_sub(WINDOW);
    // A window that is worth anything begins at a sentence or a little before a match.
    let mut starts: Vec<usize> =
        starts_of_sentences.iter().copied().chain(hits.iter().map(|at| at.saturating_sub(4))).map(|at| at.min(last)).collect();
    starts.push(0);
    starts.sort_unstable();
    starts.dedup();
    let worth = |start: usize| {
        let inside = &hits[hits.partition_point(|at| *at < start)..hits.partition_point(|at| *at < start + WINDOW)];
        let different: HashSet<&str> = inside.iter().filter_map(|at| matches[*at].as_deref()).collect();
        let after_last = inside.last().map_or(0, |at| (start + WINDOW).min(spans.len()) - at);
        (different.len(), inside.len().min(different.len() + 2), after_last.min(8), starts_of_sentences.contains(&start), std::cmp::Reverse(start))
    };
    starts.into_iter().max_by_key(|start| worth(*start)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::terms::stems;

    #[test]
    fn a_short_text_is_shown_whole_with_its_matches_marked() {
        let found = snippet("Flows over wings.", &stems("wing flow"));
        assert_eq!(found, Snippet { content: "Flows over wings.".into(), marked: "**Flows** over **wings**.".into() });
    }

    #[test]
    fn the_window_lies_where_the_terms_are() {
        let text = format!("{} Heat flux in slabs is high. {}", "Nothing here matters much. ".repeat(40), "Nor does this one. ".repeat(40));
        let found = snippet(&text, &stems("slab heat"));
        assert!(found.content.starts_with("… ") && found.content.ends_with(" …"), "{}", found.content);
        assert!(found.marked.contains("**Heat** flux in **slabs** is high."), "{}", found.marked);
    }

    #[test]
    fn texts_without_words_or_matches_are_fine() {
        assert_eq!(snippet("", &[]).content, "");
        assert_eq!(snippet("🙂🙂", &stems("x")).content, "🙂🙂");
    }
}
