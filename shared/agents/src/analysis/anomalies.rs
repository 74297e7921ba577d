//! Values that don't fit, in five ways.

use super::{seasonality, table::Column};

/// A way to find anomalies. A score at or above the threshold makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Distance from the median in median absolute deviations, scaled to standard deviations (Iglewicz and Hoaglin's modified z-score). On the
    /// longer side of a skewed distribution the deviations are that side's.
    Mad,
    /// Distance from the mean in sample standard deviations.
    ZScore,
    /// Distance from the nearer quartile in interquartile ranges (Tukey's fences).
    Iqr,
    /// Distance from the neighbours in a series, before and after, in scaled medians of such distances, or of steps if those are larger.
    Rolling,
    /// Distance from what a series usually has at that point of its season.
    Seasonal,
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
/// Of the nearest, where there are none on the other side.
const NEIGHBOURS_AT_ENDS: usize = 3;
/// With fewer values nothing can be told.
const MIN_COUNT: usize = 4;
/// A side of fewer values may be nothing but what doesn't fit.
const MIN_SIDE: usize = 10;
/// Where all methods are asked together, one that finds a larger share finds a kind of its own, not what doesn't fit.
const MOST_ODD: f64 = 0.1;
/// So many may be any share.
const FEW: usize = 3;

impl Method {
    /// In the order in which they are asked.
    pub(crate) const ALL: [Method; 5] = [Method::Mad, Method::ZScore, Method::Iqr, Method::Rolling, Method::Seasonal];

    /// As in `metadata.method` and in the answer.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Method::Mad => "mad",
            Method::ZScore => "zscore",
            Method::Iqr => "iqr",
            Method::Rolling => "rolling",
            Method::Seasonal => "seasonal",
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
            Method::Seasonal => 5.0,
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
            Method::Mad => two_sided_scores(values),
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
                let distance = |at: usize| {
                    let before = &values[at.saturating_sub(NEIGHBOURS)..at];
                    let after = &values[at + 1..values.len().min(at + 1 + NEIGHBOURS)];
                    match (before.is_empty(), after.is_empty()) {
                        (true, _) => values[at] - median(&after[..after.len().min(NEIGHBOURS_AT_ENDS)]),
                        (_, true) => values[at] - median(&before[before.len().saturating_sub(NEIGHBOURS_AT_ENDS)..]),
                        _ => between(values[at] - median(before), values[at] - median(after)),
                    }
                };
                let steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
                let usual_step = quantile(&sorted(&steps), 0.5);
                robust_scores(&(0..values.len()).map(distance).collect::<Vec<_>>(), usual_step)
            }
            Method::Seasonal => {
                let rest = seasonality::detrended(values);
                let period = seasonality::find(&rest)?.period;
                // Of two or three values the median says little.
                if values.len() < 4 * period {
                    return None;
                }
                let phase = |at: usize| rest.iter().copied().skip(at).step_by(period).collect::<Vec<f64>>();
                let usual: Vec<f64> = (0..period).map(|at| median(&phase(at))).collect();
                robust_scores(&rest.iter().enumerate().map(|(at, value)| value - usual[at % period]).collect::<Vec<_>>(), 0.0)
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
        let scores = asked.scores(&values).unwrap_or_default();
        let is_odd = |score: f64| score.abs() >= threshold && score.is_finite();
        let odd = scores.iter().filter(|score| is_odd(**score)).count();
        if method.is_none() && odd > FEW && odd as f64 > MOST_ODD * values.len() as f64 {
            continue;
        }
        for (at, score) in scores.into_iter().enumerate().filter(|(_, score)| is_odd(*score)) {
            if found[at].is_none() {
                found[at] = Some(Anomaly { index: rows[at], value: values[at], score, method: asked });
            }
        }
    }
    found.into_iter().flatten().collect()
}

/// Of two distances that nearer to 0; 0 where they point in different directions, as on a slope or at a step.
fn between(a: f64, b: f64) -> f64 {
    match a.signum() == b.signum() {
        true if a.abs() < b.abs() => a,
        true => b,
        false => 0.0,
    }
}

/// Distances from the median in deviations of their own side, where those are larger than the deviations of all.
fn two_sided_scores(values: &[f64]) -> Option<Vec<f64>> {
    let middle = median(values);
    let side = |is_of: fn(f64) -> bool| {
        let distances: Vec<f64> = values.iter().map(|value| value - middle).filter(|distance| is_of(*distance)).map(f64::abs).collect();
        if distances.len() < MIN_SIDE { 0.0 } else { median(&distances) }
    };
    let all = median(&values.iter().map(|value| (value - middle).abs()).collect::<Vec<_>>());
    let stretch = |side: f64| if all > 0.0 && side.is_finite() { (side / all).max(1.0) } else { 1.0 };
    let (below, above) = (stretch(side(|distance| distance < 0.0)), stretch(side(|distance| distance > 0.0)));
    let scores = robust_scores(values, 0.0)?;
    Some(scores.into_iter().map(|score| score / if score < 0.0 { below } else { above }).collect())
}

fn median(values: &[f64]) -> f64 {
    quantile(&sorted(values), 0.5)
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
    fn a_value_at_the_wrong_time_of_its_season_is_found() {
        let mut values: Vec<f64> =
            (0..96).map(|i| 100.0 + 30.0 * (f64::from(i) * std::f64::consts::TAU / 12.0).sin() + f64::from(i * 7 % 5)).collect();
        values[57] = 130.0;
        assert_eq!(indices(&values, None), [57]);
    }

    #[test]
    fn the_neighbours_of_an_outlier_at_an_end_are_left_alone() {
        let mut values: Vec<f64> = (0..42).map(|i| 10.0 + f64::from(i * 7 % 5) * 0.5).collect();
        (values[0], values[41]) = (99.0, -80.0);
        assert_eq!(indices(&values, None), [0, 41]);
    }

    #[test]
    fn a_step_a_second_kind_growth_and_a_long_tail_are_no_anomalies() {
        let step: Vec<f64> = (0..100).map(|i| if i < 50 { 10.0 } else { 30.0 } + f64::from(i * 7 % 5) * 0.3).collect();
        assert_eq!(indices(&step, None), [] as [usize; 0]);
        let kinds: Vec<f64> = (0..100).map(|i| if i * 7 % 9 < 4 { 1.0 } else { 10.0 } + f64::from(i * 3 % 5) * 0.1).collect();
        assert_eq!(indices(&kinds, None), [] as [usize; 0]);
        assert!(indices(&(0..20).map(|i| f64::from(1 << i)).collect::<Vec<_>>(), None).len() <= 3);
        // Quantiles of an exponential distribution in a mixed order.
        let tail: Vec<f64> = (0..300).map(|i| -(1.0 - (f64::from(i * 163 % 300) + 0.5) / 300.0).ln()).collect();
        assert!(indices(&tail, None).len() <= 8, "{:?}", indices(&tail, None));
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
