//! Values that don't fit, in four ways.

use super::table::Column;

/// A way to find anomalies. A score at or above the threshold makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Distance from the median in median absolute deviations, scaled to standard deviations (Iglewicz and Hoaglin's modified z-score).
    Mad,
    /// Distance from the mean in sample standard deviations.
    ZScore,
    /// Distance from the nearer quartile in interquartile ranges (Tukey's fences).
    Iqr,
    /// Distance from the median of the neighbours in a series, in scaled medians of such distances, or of steps if those are larger.
    Rolling,
}

/// A value that doesn't fit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Anomaly {
    /// Row of the input, from 0.
    pub(crate) index: usize,
    pub(crate) value: f64,
    /// By `method`; negative below the middle.
    pub(crate) score: f64,
    pub(crate) method: Method,
}

/// A modified z-score is 0.6745 deviations.
const NORMAL_MAD: f64 = 0.674_489_750_196_081_7;
/// Where the median absolute deviation is 0, the mean one times this estimates the standard deviation.
const NORMAL_MEAN_DEVIATION: f64 = 1.253_314_137_315_500_3;
/// Neighbours on each side.
const NEIGHBOURS: usize = 5;
/// With fewer values nothing can be told.
const MIN_COUNT: usize = 4;

impl Method {
    /// In the order in which they are asked.
    pub(crate) const ALL: [Method; 4] = [Method::Mad, Method::ZScore, Method::Iqr, Method::Rolling];

    /// As in `metadata.method` and in the answer.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Method::Mad => "mad",
            Method::ZScore => "zscore",
            Method::Iqr => "iqr",
            Method::Rolling => "rolling",
        }
    }

    /// The method of that name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace(['-', '_', ' '], "");
        Method::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Where one method is asked for.
    const fn threshold(self) -> f64 {
        match self {
            Method::Mad => 3.5,
            Method::ZScore => 3.0,
            Method::Iqr => 1.5,
            Method::Rolling => 4.0,
        }
    }

    /// Where all are asked together: stricter fences, as each more method adds false alarms.
    const fn strict_threshold(self) -> f64 {
        if let Method::Iqr = self { 3.0 } else { self.threshold() }
    }

    /// One score for each value; `None` where the method can't tell.
    fn scores(self, values: &[f64]) -> Option<Vec<f64>> {
        if values.len() < MIN_COUNT {
            return None;
        }
        match self {
            Method::Mad => robust_scores(values, 0.0),
            Method::ZScore => {
                let scale = values.iter().fold(0.0, |largest: f64, value| value.abs().max(largest));
                let small: Vec<f64> = values.iter().map(|value| value / scale).collect();
                let mean = small.iter().sum::<f64>() / small.len() as f64;
                let deviation = (small.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (small.len() - 1) as f64).sqrt();
                (deviation > 1e-14).then(|| small.iter().map(|value| (value - mean) / deviation).collect())
            }
            Method::Iqr => {
                let sorted = sorted(values);
                let (q1, q3) = (quantile(&sorted, 0.25), quantile(&sorted, 0.75));
                let range = q3 - q1;
                let score = |value: &f64| if *value > q3 { (value - q3) / range } else { (value - q1).min(0.0) / range };
                (range > 0.0 && range.is_finite()).then(|| values.iter().map(score).collect())
            }
            Method::Rolling => {
                if values.len() < 2 * NEIGHBOURS + 1 + MIN_COUNT {
                    return None;
                }
                // As many on either side, so that a slope by itself is no distance.
                let distance = |at: usize| {
                    let reach = NEIGHBOURS.min(at).min(values.len() - 1 - at);
                    let around = (at - reach..=at + reach).filter(|other| *other != at).map(|other| values[other]).collect::<Vec<_>>();
                    if around.is_empty() { 0.0 } else { values[at] - quantile(&sorted(&around), 0.5) }
                };
                let steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
                let usual_step = quantile(&sorted(&steps), 0.5);
                robust_scores(&(0..values.len()).map(distance).collect::<Vec<_>>(), usual_step)
            }
        }
    }
}

/// The anomalies of a column, by row. Without a method all are asked, and the first that finds a value names it.
pub(crate) fn find(column: &Column, method: Option<Method>, threshold: Option<f64>) -> Vec<Anomaly> {
    let (rows, values): (Vec<usize>, Vec<f64>) = column.present().unzip();
    let mut found: Vec<Option<Anomaly>> = vec![None; values.len()];
    for asked in Method::ALL.into_iter().filter(|asked| method.is_none_or(|method| method == *asked)) {
        let threshold = threshold.unwrap_or(if method.is_some() { asked.threshold() } else { asked.strict_threshold() });
        for (at, score) in asked.scores(&values).into_iter().flatten().enumerate() {
            if found[at].is_none() && score.abs() >= threshold && score.is_finite() {
                found[at] = Some(Anomaly { index: rows[at], value: values[at], score, method: asked });
            }
        }
    }
    found.into_iter().flatten().collect()
}

/// Distances from the median in deviations, which are at least `floor` (a median one).
fn robust_scores(values: &[f64], floor: f64) -> Option<Vec<f64>> {
    let middle = quantile(&sorted(values), 0.5);
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let median = quantile(&sorted(&distances), 0.5).max(floor);
    let noise = 1e-12 * middle.abs();
    let scale = if median > noise { median / NORMAL_MAD } else { NORMAL_MEAN_DEVIATION * distances.iter().sum::<f64>() / distances.len() as f64 };
    (scale > noise && scale.is_finite()).then(|| values.iter().map(|value| (value - middle) / scale).collect())
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Type 7, of sorted values that aren't empty.
fn quantile(sorted: &[f64], order: f64) -> f64 {
    let place = order * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(values: &[f64], method: Option<Method>) -> Vec<usize> {
        find(&Column { name: "values".into(), values: values.to_vec() }, method, None).iter().map(|anomaly| anomaly.index).collect()
    }

    #[test]
    fn the_one_that_stands_out_is_found_by_its_row() {
        let values = [10.0, 12.0, f64::NAN, 11.0, 13.0, 12.0, 95.0, 11.0, 10.0, 12.0, 13.0, 11.0, 12.0];
        assert_eq!(indices(&values, None), [6]);
        for method in [Method::Mad, Method::ZScore, Method::Iqr] {
            assert_eq!(indices(&values, Some(method)), [6], "{method:?}");
        }
        let found = find(&Column { name: "values".into(), values: values.to_vec() }, None, None);
        assert_eq!((found[0].value, found[0].method), (95.0, Method::Mad));
        assert!((found[0].score - (95.0 - 12.0) * NORMAL_MAD).abs() < 1e-9);
    }

    #[test]
    fn a_small_sample_hides_nothing_behind_its_own_deviation() {
        assert_eq!(indices(&[1.0, 1.0, 1.0, 1.0, 1.0, 100.0], None), [5]);
        assert_eq!(indices(&[10.0, 11.0, 10.0, 12.0, 11.0, -40.0], None), [5]);
    }

    #[test]
    fn a_value_out_of_place_in_a_rising_series_is_found_by_its_neighbours() {
        let mut values: Vec<f64> = (0..60).map(|i| f64::from(i) + f64::from(i % 3) * 0.1).collect();
        values[40] = 15.0;
        assert_eq!(indices(&values, Some(Method::Rolling)), [40]);
        assert_eq!(indices(&values, None), [40]);
    }

    #[test]
    fn ordinary_values_are_left_alone() {
        assert!(indices(&[5.0; 20], None).is_empty());
        assert!(indices(&[1.0, 2.0, 3.0], None).is_empty());
        assert!(indices(&[], None).is_empty());
        assert!(indices(&(0..200).map(f64::from).collect::<Vec<_>>(), None).is_empty());
        let waves: Vec<f64> = (0..100).map(|i| (f64::from(i) * 0.7).sin()).collect();
        assert!(indices(&waves, None).is_empty());
        assert!(indices(&[f64::MAX, -f64::MAX, f64::MAX, -f64::MAX, 0.0], None).is_empty());
    }

    #[test]
    fn the_threshold_decides() {
        let column = Column { name: "values".into(), values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
        assert_eq!(find(&column, Some(Method::ZScore), Some(1.3)).len(), 2);
        assert_eq!(find(&column, Some(Method::ZScore), None).len(), 0);
    }
}
