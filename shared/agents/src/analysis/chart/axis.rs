//! Where numbers stand on an axis, and which of them are written there.

use crate::analysis::number::words;

/// A range of numbers on a range of pixels.
pub(super) struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// An axis that holds all numbers with a little room, from one pixel to another.
    pub(super) fn over(numbers: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) =
            numbers.filter(|number| number.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), n| (low.min(n), high.max(n)));
        // Far ends are kept off the edge of what floats can hold, so that no difference overflows.
        let (low, high) = (low.clamp(-1e300, 1e300), high.clamp(-1e300, 1e300));
        let (low, high) = match high - low {
            range if range > 0.0 && range.is_finite() => (low - range * 0.03, high + range * 0.03),
            _ if low.is_finite() && high >= low => (low - low.abs().max(1.0) * 0.5, high + high.abs().max(1.0) * 0.5),
            _ => (0.0, 1.0),
        };
        Axis { low, high, from, to }
    }

    /// The pixel of a number.
    pub(super) fn at(&self, number: f64) -> f64 {
        let share = ((number - self.low) / (self.high - self.low)).clamp(-0.1, 1.1);
        self.from + (self.to - self.from) * share
    }

    /// The numbers at its ends.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// About so many round numbers with their labels; whole ones where halves make no sense.
    pub(super) fn ticks(&self, about: usize, whole: bool) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / about as f64;
        let rough = if whole { rough.max(1.0) } else { rough };
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|round| round * power).find(|step| *step >= 0.75 * rough).unwrap_or(rough);
        let first = (self.low / step).ceil();
        let number = |at: usize| (first + at as f64) * step;
        // A number next to 0 is 0.
        let tick = |at: usize| if number(at).abs() < step * 1e-9 { 0.0 } else { number(at) };
        (0..=2 * about + 2).map(tick).take_while(|tick| *tick <= self.high).map(|tick| (tick, grouped(words(tick)))).collect()
    }
}

/// `1600000` as `1,600,000`; numbers of four digits, years among them, as they are.
fn grouped(text: String) -> String {
    let digits = text.trim_start_matches('-');
    if digits.len() < 5 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text;
    }
    let sign = &text[..text.len() - digits.len()];
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    format!("{sign}{}", groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_axis() {
        let axis = Axis::over([0.0, 97.0].into_iter(), 0.0, 100.0);
        let labels: Vec<String> = axis.ticks(5, false).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0", "20", "40", "60", "80"]);
    }

    #[test]
    fn long_numbers_are_grouped_and_years_are_not() {
        let group = |text: &str| grouped(text.into());
        assert_eq!(
            (group("1600000"), group("-25000"), group("2024"), group("0.12345")),
            ("1,600,000".into(), "-25,000".into(), "2024".into(), "0.12345".into())
        );
    }

    #[test]
    fn counts_have_no_halves() {
        let labels =
            |high: f64| Axis::over([0.0, high].into_iter(), 0.0, 100.0).ticks(6, true).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!((labels(3.0), labels(1.0)), (vec!["0".into(), "1".into(), "2".into(), "3".into()], vec!["0".to_string(), "1".into()]));
    }

    #[test]
    fn no_numbers_one_number_and_huge_numbers_have_an_axis() {
        for numbers in [vec![], vec![5.0], vec![0.0], vec![f64::MAX, -f64::MAX], vec![5e-324, 1e-323], vec![1e16, 1e16 + 2.0]] {
            let axis = Axis::over(numbers.iter().copied(), 0.0, 100.0);
            assert!(axis.ticks(5, false).len() <= 13);
            assert!(numbers.iter().all(|number| axis.at(*number).is_finite()), "{numbers:?}");
        }
    }
}
