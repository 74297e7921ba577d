//! Data as numbers in a sentence, told apart from the numbers that sentences have anyway.
//!
//! Data is a list: three numbers or more with nothing but separators between them, two after a colon or `of`, or labelled ones such as
//! `Jan: 10, Feb: 12, Mar: 15`. Years, dates, versions, `top 5`, `last 30 days` and numbers within words stand alone, so they are no data.

use crate::analysis::table::{Cell, Column, Table};

/// A number with its place in the text.
struct Token {
    begin: usize,
    end: usize,
    value: f64,
}

/// A list of numbers.
struct List {
    label: Option<String>,
    begin: usize,
    values: Vec<f64>,
}

/// The longest list; several lists with a label each are columns of these names. `None` if there is no list.
pub(crate) fn table(text: &str) -> Option<Table> {
    // The minus sign proper is a number's sign like the hyphen.
    let text = &text.replace('\u{2212}', "-");
    let lists = lists(text);
    let labelled: Vec<&List> = lists.iter().filter(|list| list.label.is_some()).collect();
    if labelled.len() >= 3 && labelled.iter().all(|list| list.values.len() == 1) {
        return Some(Table::of_values(labelled.iter().flat_map(|list| list.values.clone()).collect()));
    }
    let named: Vec<&List> = labelled.into_iter().filter(|list| list.values.len() >= 2).collect();
    if named.len() >= 2 {
        let mut table = Table::default();
        for list in named {
            let column = Column { name: list.label.clone().unwrap_or_default(), values: list.values.clone() };
            table.join(Table::of_columns(vec![column]));
        }
        return Some(table);
    }
    let longest = lists.into_iter().reduce(|best, list| if list.values.len() > best.values.len() { list } else { best })?;
    let after_colon = text[..longest.begin].trim_end().ends_with([':', '=', '[', '(']);
    let alone = text.trim_start_matches(is_filler).len() + longest.begin == text.len() && longest.values.len() >= 2;
    let years_only = longest.values.iter().all(|value| value.fract() == 0.0 && (1900.0..=2100.0).contains(value)) && !after_colon;
    let after_of = text[..longest.begin].trim_end().ends_with(" of");
    let enough = longest.values.len() >= if after_colon || after_of || alone { 2 } else { 3 };
    (enough && !(years_only && longest.values.len() < 5)).then(|| Table::of_values(longest.values))
}

fn is_filler(c: char) -> bool {
    c.is_whitespace() || matches!(c, '[' | '(' | '{')
}

fn lists(text: &str) -> Vec<List> {
    let mut lists: Vec<List> = vec![];
    let mut last_end = None;
    for token in tokens(text) {
        let joined = last_end.is_some_and(|end: usize| is_separator(&text[end..token.begin]));
        last_end = Some(token.end);
        match lists.last_mut() {
            Some(list) if joined => list.values.push(token.value),
            _ => lists.push(List { label: label(&text[..token.begin]), begin: token.begin, values: vec![token.value] }),
        }
    }
    lists
}

/// The word before a colon or an equals sign.
fn label(before: &str) -> Option<String> {
    let before = before.trim_end().trim_end_matches(['[', '(', '{']).trim_end().strip_suffix([':', '='])?.trim_end();
    let word = before.rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-'))).next()?;
    word.chars().any(char::is_alphabetic).then(|| word.to_string())
}

/// Whether what stands between two numbers only separates them.
fn is_separator(between: &str) -> bool {
    let units = |word: &str| word.len() <= 3 && word.chars().all(char::is_alphabetic) || matches!(word, "%" | "°");
    let mut words =
        between.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '/' | '&' | '$' | '€' | '£')).filter(|w| !w.is_empty());
    // `5 ms, 7 ms`: a unit stands right after its number; `and` and `or` anywhere.
    let is_link = |word: &str| matches!(word, "and" | "or" | "then");
    let is_stop =
        |word: &str| matches!(word, "in" | "on" | "of" | "to" | "by" | "at" | "for" | "is" | "was" | "vs" | "out" | "per" | "the" | "has" | "are");
    match (words.next(), words.next(), words.next()) {
        (None, ..) => !between.is_empty(),
        (Some(word), None, _) => is_link(word) || units(word) && !is_stop(word) && between.contains([',', ';', '\n']),
        (Some(unit), Some(word), None) => is_link(word) && units(unit) && !is_stop(unit),
        _ => false,
    }
}

/// Every number that stands for itself.
fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let spaced = text.contains(", ") || text.contains(';') || text.contains('\n');
    let mut tokens = vec![];
    let mut at = 0;
    while at < bytes.len() {
        let starts = bytes[at].is_ascii_digit() || matches!(bytes[at], b'.' | b'-' | b'+') && number_end(bytes, at, spaced) > at + 1;
        if !starts {
            at += 1;
            continue;
        }
        let end = number_end(bytes, at, spaced);
        let before = text[..at].chars().next_back();
        let glued =
            before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '#' | '@' | '/' | ':') && !glue_is_label(&text[..at]));
        let next = text[end..].chars().next();
        // What goes on with a letter or another group of digits is a word, a date, a time or a version.
        let goes_on = next.is_some_and(|c| c.is_alphabetic() && !is_unit(&text[end..]) || c == '_')
            || next.is_some_and(|c| matches!(c, '-' | '/' | ':' | '.') && text[end + 1..].starts_with(|c: char| c.is_ascii_digit()));
        if !glued
            && !goes_on
            && let Cell::Number(value) = Cell::read(&text[at..end], false)
        {
            tokens.push(Token { begin: at, end, value });
            at = end;
        } else {
            // Past the whole word.
            at = end.max(at + 1);
            while at < bytes.len()
                && (bytes[at].is_ascii_alphanumeric()
                    || matches!(bytes[at], b'-' | b'/' | b':' | b'.' | b'_') && at + 1 < bytes.len() && bytes[at + 1].is_ascii_alphanumeric())
            {
                at += 1;
            }
        }
    }
    tokens
}

/// `x:5` has a label; `12:30` is a time.
fn glue_is_label(before: &str) -> bool {
    before.strip_suffix(':').is_some_and(|rest| rest.ends_with(char::is_alphabetic))
}

/// A short unit such as `ms` or `kg` right behind a number.
fn is_unit(after: &str) -> bool {
    let word: String = after.chars().take_while(|c| c.is_alphanumeric()).collect();
    matches!(
        word.as_str(),
        "ms" | "s" | "kg" | "g" | "km" | "m" | "cm" | "mm" | "k" | "K" | "M" | "C" | "F" | "kb" | "mb" | "gb" | "KB" | "MB" | "GB"
    )
}

/// Where the number that starts here ends.
fn number_end(bytes: &[u8], begin: usize, spaced: bool) -> usize {
    let digits = |mut at: usize| {
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        at
    };
    let sign = usize::from(matches!(bytes[begin], b'-' | b'+'));
    let mut end = digits(begin + sign);
    let whole = end - begin - sign;
    // Thousands, where commas between numbers are followed by something else than a digit, or a decimal point follows.
    let mut grouped = end;
    while (1..=3).contains(&whole) && bytes.get(grouped) == Some(&b',') && digits(grouped + 1) == grouped + 4 {
        grouped += 4;
    }
    let has_fraction = bytes.get(grouped) == Some(&b'.') && digits(grouped + 1) > grouped + 1;
    if spaced || has_fraction {
        end = grouped;
    }
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    if end == begin + sign {
        return begin;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_numbers_are_data() {
        for (text, values) in [
            ("analyze 3, 5, 8.5 and -2e3", vec![3.0, 5.0, 8.5, -2000.0]),
            ("Describe these: 10 12", vec![10.0, 12.0]),
            ("1 2 3", vec![1.0, 2.0, 3.0]),
            ("4, 5", vec![4.0, 5.0]),
            ("Find outliers in 10,12,11,95,13", vec![10.0, 12.0, 11.0, 95.0, 13.0]),
            ("What is the mean of 100,200,300?", vec![100.0, 200.0, 300.0]),
            ("sales: 1,200, 3,400 and 5,600", vec![1200.0, 3400.0, 5600.0]),
            ("What is the average of 1,234.5 and 2,345.5 and 3?", vec![1234.5, 2345.5, 3.0]),
            ("the mean of 4 and 8", vec![4.0, 8.0]),
            ("temperatures: -3.5, 2, \u{2212}4", vec![-3.5, 2.0, -4.0]),
            ("Jan: 10, Feb: 12, Mar: 15", vec![10.0, 12.0, 15.0]),
            ("latencies of 12ms, 15ms, 11ms", vec![12.0, 15.0, 11.0]),
            ("loads of 5 kg, 7 kg and 9 kg", vec![5.0, 7.0, 9.0]),
            ("prices $5, $7.50, $9", vec![5.0, 7.5, 9.0]),
            ("1\n2\n-3\n", vec![1.0, 2.0, -3.0]),
            ("Forecast the next 3 of 1.5, 2.5, 3.5, 4.5.", vec![1.5, 2.5, 3.5, 4.5]),
            (".5, -.25, +1", vec![0.5, -0.25, 1.0]),
            ("shares of 5%, 10%, 20%", vec![5.0, 10.0, 20.0]),
        ] {
            let found = table(text).map(|table| table.columns[0].values.clone());
            assert_eq!(found, Some(values), "{text}");
        }
    }

    #[test]
    fn labelled_lists_are_columns() {
        let found = table("Correlate x: 1, 2, 3 and y = [2, 4, 6.5]").expect("data");
        let found: Vec<(&str, &[f64])> = found.columns.iter().map(|column| (column.name.as_str(), column.values.as_slice())).collect();
        assert_eq!(found, [("x", &[1.0, 2.0, 3.0][..]), ("y", &[2.0, 4.0, 6.5][..])]);
    }

    #[test]
    fn numbers_that_sentences_have_anyway_are_no_data() {
        for text in [
            "Analyze statistical trends in AI research",
            "What happened in 2023?",
            "Compare 2021, 2022 and 2023",
            "Between 2019 and 2024 the top 5 models of A2A v1.0.3",
            "Show the last 30 days of Q1 and Q2",
            "Call 555-123-4567 at 12:30 on 2024-01-05, 3/4/2024 or 192.168.0.1",
            "I have 3 cats and 2 dogs",
            "sales were 100 in 2021, 120 in 2022 and 150 in 2023",
            "the 1st, 2nd and 3rd",
            "the sales of 2021 and 2022",
            "",
        ] {
            assert_eq!(table(text), None, "{text}");
        }
    }
}
