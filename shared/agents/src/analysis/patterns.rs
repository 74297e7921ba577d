//! Patterns within a column and between columns.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    describe::Description,
    number::{number, words},
    relations::Correlation,
    seasonality,
    table::{Column, Table},
};

/// A pattern in words and in numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    /// What kind, such as `change_point`.
    pub(crate) kind: &'static str,
    /// For people.
    pub(crate) description: String,
    /// The rest, by kind.
    pub(crate) details: Value,
}

/// Steps of a progression are equal up to this share.
const PROGRESSION_TOLERANCE: f64 = 1e-9;
/// At most so many change points are reported.
const MAX_CHANGES: usize = 10;

impl Pattern {
    fn new(kind: &'static str, description: String, details: Value) -> Option<Self> {
        Some(Pattern { kind, description, details })
    }

    /// As one of `patterns` in the answer.
    pub(crate) fn to_json(&self, column: Option<&str>) -> Value {
        let mut map = Map::from_iter([("type".to_string(), json!(self.kind)), ("description".to_string(), json!(self.description))]);
        if let Some(column) = column {
            map.insert("column".into(), json!(column));
        }
        map.extend(self.details.as_object().cloned().unwrap_or_default());
        Value::Object(map)
    }
}

/// The patterns of one column.
pub(crate) fn of_column(column: &Column) -> Vec<Pattern> {
    let (rows, values): (Vec<usize>, Vec<f64>) = column.present().unzip();
    if values.len() < 3 {
        return vec![];
    }
    if values.iter().all(|value| *value == values[0]) {
        let text = format!("all {} values are {}", values.len(), words(values[0]));
        return Pattern::new("constant", text, json!({"value": number(Some(values[0]))})).into_iter().collect();
    }
    let mut patterns: Vec<Pattern> = [progression(&values), run(&values, &rows), period(&values)].into_iter().flatten().collect();
    patterns.extend(changes(&values, &rows));
    patterns.extend([clusters(&values), repeated(&values), autocorrelation(&values), skew(&values)].into_iter().flatten());
    patterns
}

/// Strong correlations between columns.
pub(crate) fn between(table: &Table, correlations: &[Correlation]) -> Vec<Pattern> {
    let strong = correlations.iter().filter_map(|correlation| {
        let r = correlation.r.filter(|r| r.abs() >= 0.7 && correlation.p_value.is_some_and(|p| p < 0.05))?;
        let (a, b) = (&table.columns[correlation.pair.0].name, &table.columns[correlation.pair.1].name);
        let way = if r > 0.0 { "rise together" } else { "go opposite ways" };
        Pattern::new(
            "correlation",
            format!("{a} and {b} {way} (r = {})", words(r)),
            json!({"columns": [a, b], "r": number(Some(r)), "p_value": number(correlation.p_value)}),
        )
    });
    strong.collect()
}

fn progression(values: &[f64]) -> Option<Pattern> {
    let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let equal = |values: &[f64]| values.iter().all(|value| (value - values[0]).abs() <= PROGRESSION_TOLERANCE * values[0].abs());
    if equal(&steps) {
        return Pattern::new(
            "arithmetic_progression",
            format!("each value is {} more than the one before", words(steps[0])),
            json!({"step": number(Some(steps[0]))}),
        );
    }
    if values.iter().all(|value| *value != 0.0) {
        let ratios: Vec<f64> = values.windows(2).map(|pair| pair[1] / pair[0]).collect();
        if equal(&ratios) {
            return Pattern::new(
                "geometric_progression",
                format!("each value is {} times the one before", words(ratios[0])),
                json!({"ratio": number(Some(ratios[0]))}),
            );
        }
    }
    let sums = values.len() >= 5 && values.windows(3).all(|three| (three[0] + three[1] - three[2]).abs() <= PROGRESSION_TOLERANCE * three[2].abs());
    if sums { Pattern::new("recurrence", "each value is the sum of the two before".into(), json!({"order": 2})) } else { None }
}

/// The longest rise or fall, if chance seldom gives one as long.
fn run(values: &[f64], rows: &[usize]) -> Option<Pattern> {
    let mut best = (0, 0, true);
    for rising in [true, false] {
        let goes_on = |at: usize| if rising { values[at] > values[at - 1] } else { values[at] < values[at - 1] };
        let mut begin = 0;
        for at in 1..values.len() {
            if !goes_on(at) {
                begin = at;
            } else if at - begin > best.1 - best.0 {
                best = (begin, at, rising);
            }
        }
    }
    let (begin, end, rising) = best;
    let length = end - begin + 1;
    // Runs of random values of length k come about n / k! times.
    let surprising = length >= 5 && (1..=length.min(20)).map(|k| k as f64).product::<f64>() > 20.0 * values.len() as f64;
    let whole = length == values.len();
    if !surprising && !whole {
        return None;
    }
    let way = if rising { "increasing" } else { "decreasing" };
    let text = if whole {
        format!("the whole series is {way}")
    } else {
        format!("{length} values in a row are {way}, from index {} to index {}", rows[begin], rows[end])
    };
    Pattern::new("monotone_run", text, json!({"direction": way, "start": rows[begin], "end": rows[end], "length": length}))
}

fn period(values: &[f64]) -> Option<Pattern> {
    let rest = seasonality::detrended(values);
    let season = seasonality::find(&rest)?;
    let text = format!("it repeats every {} values (strength {})", season.period, words(season.strength));
    Pattern::new("periodicity", text, json!({"period": season.period, "strength": number(Some(season.strength))}))
}

/// Where the level changes: binary segmentation by least squares, each cut worth its price.
fn changes(values: &[f64], rows: &[usize]) -> Vec<Pattern> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let centered: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let mut cuts = vec![];
    let mut segments = vec![(0, values.len())];
    while let Some((begin, end)) = segments.pop() {
        if let Some(cut) = cut(&centered[begin..end]).map(|cut| begin + cut)
            && cuts.len() < MAX_CHANGES
        {
            cuts.push((begin, cut, end));
            segments.extend([(begin, cut), (cut, end)]);
        }
    }
    cuts.sort_by_key(|(_, cut, _)| *cut);
    let level = |begin: usize, end: usize| values[begin..end].iter().sum::<f64>() / (end - begin) as f64;
    let pattern = |(begin, cut, end): (usize, usize, usize)| {
        let (before, after) = (level(begin, cut), level(cut, end));
        let text = format!("the level changes at index {} from {} to {}", rows[cut], words(before), words(after));
        Pattern::new("change_point", text, json!({"index": rows[cut], "before": number(Some(before)), "after": number(Some(after))}))
    };
    cuts.into_iter().filter_map(pattern).collect()
}

/// The best place to cut a segment into two levels, if that explains much more than one level and more than a line.
fn cut(values: &[f64]) -> Option<usize> {
    let n = values.len();
    if n < 8 {
        return None;
    }
    let total: f64 = values.iter().sum();
    let whole = values.iter().map(|value| value * value).sum::<f64>() - total * total / n as f64;
    let mut left = 0.0;
    let mut best = (0.0, 0);
    for at in 1..n {
        left += values[at - 1];
        let right = total - left;
        let gain = left * left / at as f64 + right * right / (n - at) as f64 - total * total / n as f64;
        if at >= 3 && n - at >= 3 && gain > best.0 {
            best = (gain, at);
        }
    }
    let (gain, at) = best;
    let line = whole - seasonality::detrended(values).iter().map(|rest| rest * rest).sum::<f64>();
    let rest = (whole - gain).max(0.0);
    let worth_it = rest <= whole * (-(6.0 * (n as f64).ln() + 6.0) / n as f64).exp();
    (whole > 0.0 && whole.is_finite() && worth_it && gain > 1.1 * line).then_some(at)
}

/// Groups of values with wide gaps between them.
fn clusters(values: &[f64]) -> Option<Pattern> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let range = sorted[n - 1] - sorted[0];
    if n < 6 || !range.is_finite() {
        return None;
    }
    let boundaries: Vec<usize> = (1..n).filter(|at| sorted[*at] - sorted[at - 1] > range * 0.15).collect();
    let mut edges = vec![0];
    edges.extend(&boundaries);
    edges.push(n);
    let groups: Vec<&[f64]> = edges.windows(2).map(|pair| &sorted[pair[0]..pair[1]]).collect();
    let narrowest_gap = boundaries.iter().map(|at| sorted[*at] - sorted[at - 1]).fold(f64::INFINITY, f64::min);
    let widest_step = groups.iter().flat_map(|group| group.windows(2)).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    if groups.len() < 2 || groups.len() > 6 || groups.iter().any(|group| group.len() < 2) || narrowest_gap < 3.0 * widest_step {
        return None;
    }
    let center = |group: &[f64]| group.iter().sum::<f64>() / group.len() as f64;
    let text =
        format!("the values form {} groups around {}", groups.len(), groups.iter().map(|group| words(center(group))).collect::<Vec<_>>().join(", "));
    let group = |group: &&[f64]| json!({"center": number(Some(center(group))), "count": group.len(), "min": number(group.first().copied()), "max": number(group.last().copied())});
    Pattern::new("clusters", text, json!({"clusters": groups.iter().map(group).collect::<Vec<_>>()}))
}

fn repeated(values: &[f64]) -> Option<Pattern> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for value in values {
        // 0 and -0 are one value.
        *counts.entry((value + 0.0).to_bits()).or_default() += 1;
    }
    let expected = values.len() as f64 / counts.len() as f64;
    let (bits, count) = counts.into_iter().max_by_key(|(bits, count)| (*count, *bits))?;
    let value = f64::from_bits(bits);
    let share = count as f64 / values.len() as f64;
    if count < 3 || share < 0.1 || (count as f64) < 2.0 * expected {
        return None;
    }
    let text = format!("{} comes {count} times ({} %)", words(value), words((share * 1000.0).round() / 10.0));
    Pattern::new("repeated_value", text, json!({"value": number(Some(value)), "count": count, "share": number(Some(share))}))
}

fn autocorrelation(values: &[f64]) -> Option<Pattern> {
    let n = values.len() as f64;
    let rest = seasonality::detrended(values);
    let square: f64 = rest.iter().map(|value| value * value).sum();
    let r = rest.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / square;
    let size: f64 = values.iter().map(|value| value * value).sum();
    if values.len() < 10 || !r.is_finite() || square <= size * 1e-20 || r.abs() <= 2.576 / n.sqrt() {
        return None;
    }
    let text = if r > 0.0 { "neighbouring values are alike" } else { "values alternate around their trend" };
    Pattern::new("autocorrelation", format!("{text} (r = {} at lag 1)", words(r)), json!({"lag": 1, "r": number(Some(r))}))
}

fn skew(values: &[f64]) -> Option<Pattern> {
    let skewness = Description::of(values).skewness.filter(|skewness| skewness.abs() > 1.0 && values.len() >= 8)?;
    let side = if skewness > 0.0 { "large" } else { "small" };
    Pattern::new(
        "skewed_distribution",
        format!("a few {side} values stretch the distribution (skewness {})", words(skewness)),
        json!({"skewness": number(Some(skewness))}),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(values: &[f64]) -> Vec<&'static str> {
        of(values).iter().map(|pattern| pattern.kind).collect()
    }

    fn of(values: &[f64]) -> Vec<Pattern> {
        of_column(&Column { name: "values".into(), values: values.to_vec() })
    }

    #[test]
    fn progressions_are_named_with_their_step() {
        assert_eq!(of(&[0.1, 0.2, 0.3, 0.4])[0].details, json!({"step": 0.1}));
        assert_eq!((kinds(&[2.0, 4.0, 8.0, 16.0])[0], &of(&[2.0, 4.0, 8.0, 16.0])[0].details), ("geometric_progression", &json!({"ratio": 2.0})));
        assert_eq!(kinds(&[1.0, 1.0, 2.0, 3.0, 5.0, 8.0])[0], "recurrence");
        assert_eq!(kinds(&[4.0; 5]), ["constant"]);
    }

    #[test]
    fn a_change_of_level_is_found_at_its_row() {
        let mut values = [1.0, 1.2, 0.9, 1.1].repeat(5);
        values.extend([9.0, 9.2, 8.9, 9.1].repeat(5));
        let change = of(&values).into_iter().find(|pattern| pattern.kind == "change_point").expect("a change");
        assert_eq!(change.details["index"], json!(20));
        let line: Vec<f64> = (0..40).map(|i| f64::from(i) + f64::from(i % 3)).collect();
        assert!(!kinds(&line).contains(&"change_point"));
    }

    #[test]
    fn periods_clusters_and_repetitions_are_found() {
        assert!(kinds(&[3.0, 5.0, 9.0, 4.0].repeat(6)).contains(&"periodicity"));
        assert!(kinds(&[1.0, 10.0, 1.1, 10.2, 0.9, 10.1, 1.05]).contains(&"clusters"));
        assert!(kinds(&[7.0, 1.0, 7.0, 3.5, 7.0, 12.0, 7.0, 2.0, 15.0, 4.0]).contains(&"repeated_value"));
        assert!(kinds(&[1.0, 2.0, 3.0, 5.0, 8.0, 9.0, 12.0, 10.0]).contains(&"monotone_run"));
    }

    #[test]
    fn noise_has_few_patterns_and_no_input_makes_it_panic() {
        let noise: Vec<f64> =
            std::iter::successors(Some(7u64), |x| Some((x * 1_103_515_245 + 12_345) % 2_147_483_648)).map(|x| (x >> 8) as f64).take(200).collect();
        assert_eq!(kinds(&noise), Vec::<&str>::new());
        assert_eq!(kinds(&[]), Vec::<&str>::new());
        kinds(&[f64::MAX, -f64::MAX, 0.0, f64::MIN_POSITIVE, f64::MAX, -f64::MAX, 1.0, 2.0, 3.0]);
    }
}
