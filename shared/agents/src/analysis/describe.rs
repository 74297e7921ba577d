//! What one column of numbers looks like: centre, spread and shape.

use serde_json::{Map, Value, json};

use super::{
    number::number,
    student_t,
    wide::{Wide, power_of_two_below},
};

/// Descriptive statistics. `None` where a figure isn't defined: a deviation of one value, a shape of values that are all equal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Description {
    /// Values that are there.
    pub(crate) count: usize,
    pub(crate) mean: Option<f64>,
    pub(crate) median: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    /// Of the sample: divided by `count - 1`.
    pub(crate) std_dev: Option<f64>,
    /// Of the sample.
    pub(crate) variance: Option<f64>,
    /// Linear between order statistics (type 7, the default of numpy and R).
    pub(crate) q1: Option<f64>,
    /// As `q1`.
    pub(crate) q3: Option<f64>,
    pub(crate) iqr: Option<f64>,
    /// g1 = m3 / m2^1.5, without correction for bias (the default of scipy).
    pub(crate) skewness: Option<f64>,
    /// Excess: g2 = m4 / m2^2 - 3, without correction for bias (the default of scipy).
    pub(crate) kurtosis: Option<f64>,
    /// Where the mean lies with 95 % confidence, by Student's t.
    pub(crate) ci95: Option<(f64, f64)>,
}

impl Description {
    /// Of values that are all finite.
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let moments = Moments::of(values);
        let n = values.len();
        let std_dev = moments.as_ref().and_then(Moments::std_dev);
        let mean = moments.as_ref().map(|moments| moments.mean);
        let (q1, q3) = (quantile(&sorted, 1, 4), quantile(&sorted, 3, 4));
        Description {
            count: n,
            mean: mean.and_then(finite),
            median: quantile(&sorted, 1, 2).and_then(finite),
            min: sorted.first().copied(),
            max: sorted.last().copied(),
            std_dev: std_dev.and_then(finite),
            variance: moments.as_ref().and_then(Moments::variance).and_then(finite),
            q1: q1.and_then(finite),
            q3: q3.and_then(finite),
            iqr: q1.zip(q3).and_then(|(q1, q3)| finite(q3 - q1)),
            skewness: moments.as_ref().and_then(Moments::skewness),
            kurtosis: moments.as_ref().and_then(Moments::kurtosis),
            ci95: mean.zip(std_dev).and_then(|(mean, deviation)| {
                let margin = Wide::exact(student_t::two_sided_quantile(0.95, (n - 1) as f64)?) * deviation / Wide::count(n).sqrt();
                finite(mean - margin).zip(finite(mean + margin))
            }),
        }
    }

    /// With null for what isn't defined.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("count".into(), json!(self.count));
        for (name, value) in [
            ("mean", self.mean),
            ("median", self.median),
            ("min", self.min),
            ("max", self.max),
            ("std_dev", self.std_dev),
            ("variance", self.variance),
            ("q1", self.q1),
            ("q3", self.q3),
            ("iqr", self.iqr),
            ("skewness", self.skewness),
            ("kurtosis", self.kurtosis),
        ] {
            map.insert(name.into(), number(value));
        }
        map.insert("ci95".into(), self.ci95.map_or(Value::Null, |(low, high)| json!([number(Some(low)), number(Some(high))])));
        map
    }
}

fn finite(value: Wide) -> Option<f64> {
    Some(value.value()).filter(|value| value.is_finite())
}

/// The quantile of order `numerator / denominator` of sorted values.
fn quantile(sorted: &[f64], numerator: usize, denominator: usize) -> Option<Wide> {
    let steps = sorted.len().checked_sub(1)? * numerator;
    let (index, rest) = (steps / denominator, steps % denominator);
    let low = Wide::decimal(*sorted.get(index)?);
    let Some(high) = sorted.get(index + 1).filter(|_| rest > 0) else { return Some(low) };
    Some(low + (Wide::decimal(*high) - low) * Wide::count(rest) / Wide::count(denominator))
}

/// Sums of powers of deviations from the mean, over values divided by `scale`.
struct Moments {
    n: usize,
    scale: f64,
    mean: Wide,
    second: Wide,
    third: Wide,
    fourth: Wide,
}

impl Moments {
    fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        let first = *values.first()?;
        let scale = power_of_two_below(values.iter().fold(0.0, |largest, value| value.abs().max(largest)));
        let wide = |value: &f64| Wide::decimal(*value).scaled(1.0 / scale);
        if values.iter().all(|value| *value == first) {
            return Some(Moments { n, scale, mean: Wide::decimal(first), second: Wide::ZERO, third: Wide::ZERO, fourth: Wide::ZERO });
        }
        let values: Vec<Wide> = values.iter().map(wide).collect();
        let mean = values.iter().copied().sum::<Wide>() / Wide::count(n);
        let (mut second, mut third, mut fourth) = (Wide::ZERO, Wide::ZERO, Wide::ZERO);
        for value in values {
            let deviation = value - mean;
            let square = deviation * deviation;
            second = second + square;
            third = third + square * deviation;
            fourth = fourth + square * square;
        }
        Some(Moments { n, scale, mean: mean.scaled(scale), second, third, fourth })
    }

    fn variance(&self) -> Option<Wide> {
        (self.n > 1).then(|| (self.second / Wide::count(self.n - 1)).scaled(self.scale).scaled(self.scale))
    }

    fn std_dev(&self) -> Option<Wide> {
        (self.n > 1).then(|| (self.second / Wide::count(self.n - 1)).sqrt().scaled(self.scale))
    }

    fn skewness(&self) -> Option<f64> {
        (!self.second.is_zero()).then(|| Wide::count(self.n).sqrt() * self.third / (self.second * self.second.sqrt())).and_then(finite)
    }

    fn kurtosis(&self) -> Option<f64> {
        (!self.second.is_zero()).then(|| Wide::count(self.n) * self.fourth / (self.second * self.second) - Wide::exact(3.0)).and_then(finite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::nist::{self, digits};

    #[test]
    fn the_certified_means_and_deviations_are_right_to_fourteen_digits() {
        let certified = [
            (nist::column("Lew", "y"), -177.435, 277.332168044316),
            (nist::column("Lottery", "y"), 518.958715596330, 291.699727470969),
            (nist::column("Mavro", "y"), 2.001856, 0.000429123454003053),
            (nist::column("Michelso", "y"), 299.8524, 0.0790105478190518),
            (nist::column("PiDigits", "y"), 4.5348, 2.86733906028871),
            (vec![10_000_001.0, 10_000_003.0, 10_000_002.0], 10_000_002.0, 1.0),
            (nist::alternating(1.2, 1.1, 1.3), 1.2, 0.1),
            (nist::alternating(1_000_000.2, 1_000_000.1, 1_000_000.3), 1_000_000.2, 0.1),
            (nist::alternating(10_000_000.2, 10_000_000.1, 10_000_000.3), 10_000_000.2, 0.1),
        ];
        for (values, mean, deviation) in certified {
            let description = Description::of(&values);
            assert!(digits(description.mean, mean) >= 14.0, "mean {:?} for {mean}", description.mean);
            assert!(digits(description.std_dev, deviation) >= 14.0, "std_dev {:?} for {deviation}", description.std_dev);
        }
    }

    #[test]
    fn quartiles_lie_between_order_statistics() {
        let description = Description::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!((description.q1, description.median, description.q3, description.iqr), (Some(1.75), Some(2.5), Some(3.25), Some(1.5)));
    }

    #[test]
    fn shape_and_interval_agree_with_high_precision_arithmetic() {
        let description = Description::of(&[2.0, 8.0, 0.5, 4.0, 1.0, 9.5, 3.25]);
        let right = [
            ("skewness", description.skewness, 0.624_461_903_331_729_7),
            ("kurtosis", description.kurtosis, -1.1160622434736944),
            ("low", description.ci95.map(|ci| ci.0), 0.830_762_981_962_969_8),
            ("high", description.ci95.map(|ci| ci.1), 7.240_665_589_465_602),
        ];
        for (name, got, right) in right {
            assert!(digits(got, right) >= 11.0, "{name}: {got:?} for {right}");
        }
    }

    #[test]
    fn what_is_not_defined_is_none() {
        let none = Description::of(&[]);
        assert_eq!((none.count, none.mean, none.median, none.std_dev, none.ci95), (0, None, None, None, None));
        let one = Description::of(&[5.0]);
        assert_eq!((one.mean, one.q1, one.std_dev, one.variance, one.skewness, one.ci95), (Some(5.0), Some(5.0), None, None, None, None));
        let two = Description::of(&[1.0, 3.0]);
        assert_eq!((two.mean, two.variance, two.skewness, two.kurtosis), (Some(2.0), Some(2.0), Some(0.0), Some(-2.0)));
        let constant = Description::of(&[0.1; 7]);
        assert_eq!((constant.mean, constant.std_dev, constant.skewness, constant.kurtosis), (Some(0.1), Some(0.0), None, None));
        assert_eq!(constant.ci95, Some((0.1, 0.1)));
    }

    #[test]
    fn very_large_and_very_small_values_neither_overflow_nor_vanish() {
        let large = Description::of(&[1e300, 2e300, 3e300]);
        assert_eq!((large.mean, large.std_dev, large.variance), (Some(2e300), Some(1e300), None));
        let small = Description::of(&[1e-200, 2e-200, 3e-200]);
        assert_eq!((small.mean, small.std_dev), (Some(2e-200), Some(1e-200)));
    }
}
