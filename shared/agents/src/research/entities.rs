//! What rules can find in a text: dates, amounts, addresses, names, definitions and key terms.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use regex::Regex;
use serde::Serialize;

use crate::reading::{
    passages::{paragraphs, sentences},
    terms::{is_stopword, stem, words},
};

/// Something found, with how often.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entity {
    /// As it stands in the text.
    pub text: String,
    /// Times.
    pub count: usize,
    /// ISO 8601 for dates, the number for amounts, where it can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `term` is what is defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// What is defined.
    pub term: String,
    /// As what.
    pub definition: String,
}

const MONTHS: &str =
    "January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec";
const NUMBER: &str = r"\d+(?:,\d{3})*(?:\.\d+)?";
const UNITS: &str = "km/h|m/s|ft/s|kWh|kg|mg|km|cm|mm|nm|µm|kHz|MHz|GHz|Hz|kPa|MPa|Pa|psi|kW|MW|GW|°C|°F|°|degrees?|GB|MB|KB|TB|ms|seconds?|minutes?|hours?|days?|weeks?|months?|years?|\
metres?|meters?|kilometres?|kilometers?|miles?|feet|inches|pounds?|tons?|tonnes?|grams?|litres?|liters?|volts?|watts?|newtons?|joules?|kelvins?|people|times|g|m|s|W|V|N|J|K|A|lb|ft|mph";

/// Kinds of entities, each with the expressions that find it. Earlier kinds take their text away from later ones.
static KINDS: LazyLock<Vec<(&str, Vec<Regex>)>> = LazyLock::new(|| {
    let scale = r"(?:\s?(?:thousand|million|billion|trillion|k|m|bn))?";
    let rows: Vec<(&str, Vec<String>)> = vec![
        ("urls", vec![r#"https?://[^\s<>"'\])]+[^\s<>"'\]).,;:!?]"#.into()]),
        ("emails", vec![r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}".into()]),
        (
            "dates",
            vec![
                r"\b\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?(?:Z|[+\-]\d{2}:\d{2})?)?\b".into(),
                format!(r"\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{MONTHS})\.?,?\s+\d{{4}}\b"),
                format!(r"\b(?:{MONTHS})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}\b"),
                format!(r"\b(?:{MONTHS})\.?,?\s+\d{{4}}\b"),
                r"\b\d{1,2}[./]\d{1,2}[./]\d{4}\b".into(),
                r"\bQ[1-4]\s+\d{4}\b".into(),
            ],
        ),
        ("percentages", vec![format!(r"(?i)[+\-−]?\b{NUMBER}\s?(?:%|percent\b|per cent\b)")]),
        (
            "amounts",
            vec![
                format!(r"(?i)[$€£¥]\s?{NUMBER}{scale}\b"),
                format!(r"\b(?:USD|EUR|GBP|CHF|JPY)\s?{NUMBER}(?i:{scale})\b"),
                format!(r"(?i)\b{NUMBER}{scale}\s?(?:USD|EUR|GBP|CHF|JPY|US dollars|dollars|euros|pounds sterling|yen|€|£)"),
            ],
        ),
        (
            "phones",
            vec![
                r"\+\d{1,3}[ .\-]?(?:\(\d{1,4}\)[ .\-]?)?\d{2,4}(?:[ .\-]?\d{2,4}){1,4}\b".into(),
                r"(?:\(\d{3}\) ?|\b\d{3}[.\-])\d{3}[.\-]\d{4}\b".into(),
            ],
        ),
        ("measurements", vec![format!(r"[+\-−]?\b{NUMBER}(?:\s|-)?(?:{UNITS})\b")]),
        ("years", vec![r"\b(?:1[5-9]|20)\d{2}\b".into()]),
    ];
    rows.into_iter().map(|(kind, expressions)| (kind, expressions.iter().filter_map(|expression| Regex::new(expression).ok()).collect())).collect()
});

/// Entities by kind, in the order in which they first stand in the text.
pub fn entities(text: &str) -> BTreeMap<&'static str, Vec<Entity>> {
    let mut taken: Vec<std::ops::Range<usize>> = vec![];
    let mut found: BTreeMap<&'static str, Vec<Entity>> = BTreeMap::new();
    for (kind, expressions) in &*KINDS {
        let mut spans = vec![];
        for expression in expressions {
            for matched in expression.find_iter(text) {
                let span = matched.range();
                if !taken.iter().any(|other| span.start < other.end && other.start < span.end) {
                    taken.push(span.clone());
                    spans.push(span);
                }
            }
        }
        spans.sort_by_key(|span| span.start);
        let entities = counted(spans.into_iter().map(|span| text[span].trim().to_owned()));
        found.insert(kind, entities.into_iter().map(|(text, count)| Entity { value: value(kind, &text), text, count }).collect());
    }
    let blanked = blank(text, &taken);
    found.insert("names", counted(names(&blanked).into_iter()).into_iter().map(|(text, count)| Entity { text, count, value: None }).collect());
    found
}

/// The text without its addresses, whose parts are no words.
fn without_addresses(text: &str) -> String {
    let addresses = KINDS.iter().filter(|(kind, _)| matches!(*kind, "urls" | "emails")).flat_map(|(_, expressions)| expressions);
    let spans: Vec<_> = addresses.flat_map(|expression| expression.find_iter(text)).map(|found| found.range()).collect();
    blank(text, &spans)
}

/// The most telling terms, by how often the text has them and how rare they are elsewhere; `weight` says the latter for a stem.
pub fn key_terms(text: &str, most: usize, weight: impl Fn(&str) -> f64) -> Vec<(String, f64)> {
    let text = &without_addresses(text);
    let mut forms: HashMap<String, (f64, BTreeMap<String, usize>)> = HashMap::new();
    let mut add = |key: String, form: String, worth: f64| {
        let (sum, seen) = forms.entry(key).or_default();
        *sum += worth;
        *seen.entry(form).or_default() += 1;
    };
    let mut before: Option<(String, std::ops::Range<usize>)> = None;
    for span in words(text) {
        let word = &text[span.clone()];
        let Some(stem) = stem(word).filter(|stem| stem.chars().count() > 2 && stem.chars().any(char::is_alphabetic)) else {
            before = None;
            continue;
        };
        if let Some((first, first_span)) = &before
            && matches!(&text[first_span.end..span.start], " " | "-")
        {
            add(format!("{first} {stem}"), text[first_span.start..span.end].to_lowercase(), 0.8 * (weight(first) + weight(&stem)));
        }
        add(stem.clone(), word.to_lowercase(), weight(&stem));
        before = Some((stem, span));
    }
    // A pair that stands only once is chance.
    let mut terms: Vec<(String, String, f64)> = forms
        .into_iter()
        .filter(|(key, (_, seen))| !key.contains(' ') || seen.values().sum::<usize>() > 1)
        .filter_map(|(key, (worth, seen))| Some((key, seen.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)))?.0, worth)))
        .collect();
    terms.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    // A word whose pair is listed already adds nothing.
    let mut chosen: Vec<(String, String, f64)> = vec![];
    for term in terms {
        if chosen.len() < most && !chosen.iter().any(|(key, _, _)| key.split(' ').any(|part| part == term.0)) {
            chosen.push(term);
        }
    }
    chosen.into_iter().map(|(_, form, worth)| (form, worth)).collect()
}

/// Sentences that say what something is.
pub fn definitions(text: &str) -> Vec<Definition> {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^(?P<term>(?:(?i:an?|the)\s+)?[\w][\w\- ]{1,60}?)(?:\s+\([^)]*\))?\s+(?:is|are)\s+(?:defined as\s+|called\s+)?(?P<definition>(?:an?|the|any|one of)\s+[^.!?]{8,300})|^(?P<term2>[\w][\w\- ]{1,60}?)\s+(?:refers to|means|denotes|stands for)\s+(?P<definition2>[^.!?]{4,300})").ok()
    });
    const NO_TERMS: [&str; 12] = ["it", "this", "that", "there", "these", "those", "he", "she", "they", "which", "what", "here"];
    let Some(form) = &*FORM else { return vec![] };
    let mut found = vec![];
    for sentence in paragraphs(text).into_iter().flat_map(|paragraph| sentences(paragraph).into_iter().map(move |span| &paragraph[span])) {
        let Some(parts) = form.captures(sentence) else { continue };
        let part = |name: &str, other: &str| {
            parts.name(name).or_else(|| parts.name(other)).map(|part| part.as_str().split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let (Some(term), Some(definition)) = (part("term", "term2"), part("definition", "definition2")) else { continue };
        let first = term.split(' ').next().unwrap_or_default().to_lowercase();
        if !NO_TERMS.contains(&first.as_str()) && term.split(' ').count() <= 6 {
            found.push(Definition { term, definition });
        }
    }
    found
}

/// Capitalised words that follow each other, and single ones that don't begin a sentence.
fn names(text: &str) -> Vec<String> {
    const LINKS: [&str; 5] = ["of", "de", "van", "von", "der"];
    let mut found = vec![];
    for sentence in paragraphs(text).into_iter().flat_map(|paragraph| sentences(paragraph).into_iter().map(move |span| &paragraph[span])) {
        let spans: Vec<_> = words(sentence).collect();
        let word = |at: usize| &sentence[spans[at].clone()];
        let capital = |at: usize| {
            word(at).starts_with(char::is_uppercase)
                && word(at).len() > 1
                && !(is_stopword(word(at)) && word(at).chars().skip(1).all(char::is_lowercase))
        };
        let near = |a: usize, b: usize| matches!(&sentence[spans[a].end..spans[b].start], " " | "-" | ". " | "'" | "’" | " & ");
        let mut at = 0;
        while at < spans.len() {
            if !capital(at) {
                at += 1;
                continue;
            }
            let mut end = at;
            loop {
                if end + 1 < spans.len()
                    && near(end, end + 1)
                    && (capital(end + 1) || word(end + 1).len() == 1 && word(end + 1).starts_with(char::is_uppercase))
                {
                    end += 1;
                } else if end + 2 < spans.len()
                    && near(end, end + 1)
                    && near(end + 1, end + 2)
                    // `University of Zurich` is one name, `Jane Smith of Zurich` are two.
                    && (LINKS[1..].contains(&word(end + 1)) || end == at && word(end + 1) == LINKS[0])
                    && capital(end + 2)
                {
                    end += 2;
                } else {
                    break;
                }
            }
            let single = end == at;
            let acronym = word(at).chars().filter(|c| c.is_uppercase()).count() > 1;
            if !single || at > 0 || acronym {
                found.push(sentence[spans[at].start..spans[end].end].to_owned());
            }
            at = end + 1;
        }
    }
    found
}

fn counted(items: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = vec![];
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in items {
        match places.get(&item) {
            Some(place) => counts[*place].1 += 1,
            None => {
                places.insert(item.clone(), counts.len());
                counts.push((item, 1));
            }
        }
    }
    counts
}

/// Spaces in place of what has been recognised as something else, so that `March 2020` is no name.
fn blank(text: &str, spans: &[std::ops::Range<usize>]) -> String {
    let mut blanked = text.to_owned();
    for span in spans {
        blanked.replace_range(span.clone(), &",".repeat(span.len()));
    }
    blanked
}

fn value(kind: &str, text: &str) -> Option<String> {
    match kind {
        "dates" => date(text),
        "percentages" | "amounts" | "measurements" => {
            let digits: String = text
                .replace('−', "-")
                .chars()
                .skip_while(|c| !c.is_ascii_digit() && *c != '-')
                .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-'))
                .collect();
            let number: f64 = digits.replace(',', "").trim_end_matches(['-', '.']).parse().ok()?;
            let lower = text.to_lowercase();
            let scale = [("trillion", 1e12), ("billion", 1e9), ("million", 1e6), ("thousand", 1e3)]
                .into_iter()
                .find(|(word, _)| lower.contains(word))
                .map_or(1.0, |(_, scale)| scale);
            Some((number * scale).to_string())
        }
        _ => None,
    }
}

/// ISO 8601 as far as the text goes; day and month in figures are left as they are, because nobody knows which is which.
fn date(text: &str) -> Option<String> {
    if text.as_bytes().first()?.is_ascii_digit() && text.as_bytes().get(4) == Some(&b'-') {
        return Some(text.to_owned());
    }
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let month = words.iter().find_map(|word| {
        let start = word.to_lowercase();
        let start = start.get(..3)?;
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"].iter().position(|month| *month == start)
    })? + 1;
    let number = |word: &&str| word.trim_end_matches(|c: char| c.is_alphabetic()).parse::<u32>().ok();
    let year = words.iter().filter_map(number).find(|number| *number > 31)?;
    let day = words.iter().filter_map(number).find(|number| (1..=31).contains(number));
    Some(day.map_or_else(|| format!("{year}-{month:02}"), |day| format!("{year}-{month:02}-{day:02}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "On 12 March 2021 Ada Lovelace Ltd. paid $3.5 million to the University of Zurich. Sales rose by 12.5% in Q3 2020. \
                        Write to info@example.org or see https://example.org/a?b=c. The beam is 2.5 m long. The report by NASA came on 2020-01-31.";

    fn texts(kind: &str) -> Vec<String> {
        entities(TEXT).remove(kind).unwrap_or_default().into_iter().map(|entity| entity.text).collect()
    }

    #[test]
    fn each_kind_is_found_once() {
        assert_eq!(texts("dates"), ["12 March 2021", "Q3 2020", "2020-01-31"]);
        assert_eq!(texts("amounts"), ["$3.5 million"]);
        assert_eq!(texts("percentages"), ["12.5%"]);
        assert_eq!(texts("emails"), ["info@example.org"]);
        assert_eq!(texts("urls"), ["https://example.org/a?b=c"]);
        assert_eq!(texts("measurements"), ["2.5 m"]);
        assert_eq!(texts("names"), ["Ada Lovelace Ltd", "University of Zurich", "NASA"]);
        assert_eq!(texts("years"), Vec::<String>::new());
    }

    #[test]
    fn people_and_their_firms_currencies_before_amounts_and_phones_are_told_apart() {
        let text = "We know that Dr. Jane Smith of Acme Corp paid EUR 1,200.50; call +1 (555) 123-4567 or 555-123-4568, jane.smith@example.com.";
        let found = entities(text);
        let texts = |kind: &str| found[kind].iter().map(|entity| entity.text.as_str()).collect::<Vec<_>>();
        assert_eq!(texts("names"), ["Dr. Jane Smith", "Acme Corp"]);
        assert_eq!((texts("amounts"), found["amounts"][0].value.as_deref()), (vec!["EUR 1,200.50"], Some("1200.5")));
        assert_eq!(texts("phones"), ["+1 (555) 123-4567", "555-123-4568"]);
        assert!(key_terms(text, 20, |_| 1.0).iter().all(|(term, _)| term != "com" && term != "example"));
    }

    #[test]
    fn values_are_normalised() {
        let values = |kind: &str| entities(TEXT).remove(kind).unwrap_or_default().into_iter().map(|entity| entity.value).collect::<Vec<_>>();
        assert_eq!(values("dates")[0].as_deref(), Some("2021-03-12"));
        assert_eq!(values("amounts")[0].as_deref(), Some("3500000"));
    }

    #[test]
    fn definitions_say_what_something_is() {
        let found = definitions("A heat pump is a machine that moves heat. It is a pity. Drag refers to the force against motion.");
        assert_eq!(found[0], Definition { term: "A heat pump".into(), definition: "a machine that moves heat".into() });
        assert_eq!(found[1].term, "Drag");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn key_terms_are_frequent_and_rare_elsewhere() {
        let text = "Heat pumps move heat. A heat pump needs power. Heat pumps are common.";
        let terms = key_terms(text, 3, |stem| if stem == "common" { 0.1 } else { 1.0 });
        assert_eq!(terms[0].0, "heat pumps");
    }
}
