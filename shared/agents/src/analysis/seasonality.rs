//! Whether a series repeats: the first strong peak of its autocorrelation.

/// A season.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Season {
    /// In steps of the series.
    pub(crate) period: usize,
    /// Correlation of the series with itself one period later, up to 1.
    pub(crate) strength: f64,
}

/// So many products are computed at most.
const MAX_WORK: usize = 50_000_000;
/// A shorter series repeats by chance.
const MIN_LENGTH: usize = 8;

/// The season of a series without trend; `None` where nothing repeats at least twice.
pub(crate) fn find(series: &[f64]) -> Option<Season> {
    let n = series.len();
    if n < MIN_LENGTH || series.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let longest = (n / 2).min((MAX_WORK / n).max(50));
    let correlations: Vec<f64> = (0..=longest).map(|lag| correlation(series, lag)).collect();
    let strongest = (2..=longest).filter(|lag| is_peak(&correlations, *lag, n)).map(|lag| correlations[lag]).fold(0.0, f64::max);
    let period = (2..=longest).find(|lag| is_peak(&correlations, *lag, n) && correlations[*lag] >= 0.9 * strongest)?;
    Some(Season { period, strength: correlations[period].min(1.0) })
}

/// Higher than its neighbours, than what chance gives, and than a trough before it.
fn is_peak(correlations: &[f64], lag: usize, n: usize) -> bool {
    let here = correlations[lag];
    let chance = (3.0 / ((n - lag) as f64).sqrt()).clamp(0.3, 0.9);
    let trough = correlations[1..lag].iter().copied().fold(1.0, f64::min);
    here > chance && here > correlations[lag - 1] && correlations.get(lag + 1).is_none_or(|next| here >= *next) && here - trough > 0.2
}

/// Pearson's correlation of a series with itself so many steps later; 0 where it isn't defined.
pub(crate) fn correlation(series: &[f64], lag: usize) -> f64 {
    let (early, late) = (&series[..series.len() - lag], &series[lag..]);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (early_mean, late_mean) = (mean(early), mean(late));
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for (a, b) in early.iter().zip(late) {
        let (a, b) = (a - early_mean, b - late_mean);
        both += a * b;
        first += a * a;
        second += b * b;
    }
    let scale = (first * second).sqrt();
    let noise = 1e-24 * series.iter().map(|value| value * value).sum::<f64>();
    if scale > noise && scale.is_finite() { both / scale } else { 0.0 }
}

/// A series less the straight line through it, by plain sums: nothing but repetition is looked for in what is left.
pub(crate) fn detrended(values: &[f64]) -> Vec<f64> {
    let middle = (values.len() - 1) as f64 / 2.0;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (mut both, mut square) = (0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        let place = at as f64 - middle;
        both += place * (value - mean);
        square += place * place;
    }
    let slope = both / square;
    values.iter().enumerate().map(|(at, value)| value - mean - slope * (at as f64 - middle)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_series_has_its_period() {
        let weeks = [3.0, 5.0, 9.0, 4.0, 2.0, 8.0, 1.0].repeat(6);
        let season = find(&weeks).expect("a season");
        assert_eq!(season.period, 7);
        assert!(season.strength > 0.999);
        let sine: Vec<f64> = (0..96).map(|i| (f64::from(i) * std::f64::consts::TAU / 12.0).sin()).collect();
        assert_eq!(find(&sine).map(|season| season.period), Some(12));
        assert_eq!(find(&[1.0, 2.0].repeat(10)).map(|season| season.period), Some(2));
    }

    #[test]
    fn what_does_not_repeat_has_none() {
        assert_eq!(find(&[1.0, 2.0, 1.0]), None);
        assert_eq!(find(&[4.0; 50]), None);
        let curve: Vec<f64> = (0..60).map(|i| f64::from(i * i)).collect();
        assert_eq!(find(&curve), None);
        // A linear congruential generator, for noise that is always the same.
        let noise: Vec<f64> =
            std::iter::successors(Some(7u64), |x| Some((x * 1_103_515_245 + 12_345) % 2_147_483_648)).map(|x| (x >> 8) as f64).take(200).collect();
        assert_eq!(find(&noise), None);
    }
}
