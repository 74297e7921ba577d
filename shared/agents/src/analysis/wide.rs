//! Numbers of twice the precision of `f64` (about 32 decimal digits), so that no sum of ours loses what the data holds.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// The unevaluated sum of two floats; `lo` is at most half a unit in the last place of `hi`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wide {
    hi: f64,
    lo: f64,
}

/// 2^53: up to here every whole number is a float.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

impl Wide {
    pub(crate) const ZERO: Wide = Wide { hi: 0.0, lo: 0.0 };
    pub(crate) const ONE: Wide = Wide { hi: 1.0, lo: 0.0 };

    /// The float itself.
    pub(crate) const fn exact(value: f64) -> Self {
        Wide { hi: value, lo: 0.0 }
    }

    /// The decimal that the float stands for: what its shortest text says, as it stood in the client's JSON or CSV.
    ///
    /// 10000000.1 is no float, and its nearest one is wrong from the 17th digit on; deviations of such data would be wrong from their 9th.
    pub(crate) fn decimal(value: f64) -> Self {
        if value == value.trunc() && value.abs() <= EXACT_INTEGERS || !value.is_finite() {
            return Wide::exact(value);
        }
        let near = Self::parse(&format!("{value:e}")).unwrap_or(Wide::exact(value));
        if (near.hi - value).abs() <= value.abs() * f64::EPSILON { near } else { Wide::exact(value) }
    }

    /// Reads `d.dddde±x` as Rust writes it.
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once('e')?;
        let fraction_digits = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits: i64 = mantissa.replace('.', "").parse().ok()?;
        let power = exponent.parse::<i32>().ok()? - i32::try_from(fraction_digits).ok()?;
        let scale = Self::ten_to(power.unsigned_abs());
        let digits = Self::integer(digits);
        Some(if power < 0 { digits / scale } else { digits * scale })
    }

    fn integer(value: i64) -> Self {
        let hi = value as f64;
        Self::quick(hi, (i128::from(value) - hi as i128) as f64)
    }

    fn ten_to(power: u32) -> Self {
        let (mut result, mut base, mut left) = (Wide::ONE, Wide::exact(10.0), power);
        while left > 0 {
            if left & 1 == 1 {
                result = result * base;
            }
            base = base * base;
            left >>= 1;
        }
        result
    }

    /// A count.
    pub(crate) const fn count(n: usize) -> Self {
        Wide::exact(n as f64)
    }

    /// Rounded to a float.
    pub(crate) fn value(self) -> f64 {
        self.hi + self.lo
    }

    #[cfg(test)]
    fn abs(self) -> Self {
        if self.hi < 0.0 { -self } else { self }
    }

    /// Exact for powers of two that overflow nothing.
    pub(crate) fn scaled(self, power_of_two: f64) -> Self {
        Wide { hi: self.hi * power_of_two, lo: self.lo * power_of_two }
    }

    pub(crate) fn sqrt(self) -> Self {
        if self.hi <= 0.0 {
            return Wide::exact(self.hi.sqrt());
        }
        let root = Wide::exact(self.hi.sqrt());
        let step = (self - root * root).scaled(0.5) / root;
        root + step
    }

    pub(crate) fn is_zero(self) -> bool {
        self.hi == 0.0
    }

    /// Two floats, the first at least as large as the second.
    fn quick(hi: f64, lo: f64) -> Self {
        let sum = hi + lo;
        Wide { hi: sum, lo: lo - (sum - hi) }
    }

    fn two_sum(a: f64, b: f64) -> Self {
        let sum = a + b;
        let shadow = sum - a;
        Wide { hi: sum, lo: (a - (sum - shadow)) + (b - shadow) }
    }

    fn two_product(a: f64, b: f64) -> Self {
        let product = a * b;
        Wide { hi: product, lo: a.mul_add(b, -product) }
    }
}

impl Add for Wide {
    type Output = Wide;

    fn add(self, other: Wide) -> Wide {
        let high = Wide::two_sum(self.hi, other.hi);
        let low = Wide::two_sum(self.lo, other.lo);
        let once = Wide::quick(high.hi, high.lo + low.hi);
        Wide::quick(once.hi, once.lo + low.lo)
    }
}

impl Sub for Wide {
    type Output = Wide;

    fn sub(self, other: Wide) -> Wide {
        self + -other
    }
}

impl Neg for Wide {
    type Output = Wide;

    fn neg(self) -> Wide {
        Wide { hi: -self.hi, lo: -self.lo }
    }
}

impl Mul for Wide {
    type Output = Wide;

    fn mul(self, other: Wide) -> Wide {
        let product = Wide::two_product(self.hi, other.hi);
        Wide::quick(product.hi, product.lo + (self.hi * other.lo + self.lo * other.hi))
    }
}

impl Div for Wide {
    type Output = Wide;

    fn div(self, other: Wide) -> Wide {
        let first = self.hi / other.hi;
        if !first.is_finite() || other.hi.is_infinite() {
            return Wide::exact(first);
        }
        let rest = self - other * Wide::exact(first);
        let second = rest.hi / other.hi;
        let rest = rest - other * Wide::exact(second);
        Wide::quick(first, second) + Wide::exact(rest.hi / other.hi)
    }
}

impl std::iter::Sum for Wide {
    fn sum<I: Iterator<Item = Wide>>(values: I) -> Wide {
        values.fold(Wide::ZERO, Add::add)
    }
}

/// The power of two at or below a magnitude; 1 for 0 and for what has no usable one.
pub(crate) fn power_of_two_below(magnitude: f64) -> f64 {
    let power = 2f64.powi(magnitude.log2().floor().clamp(-1000.0, 1000.0) as i32);
    if power.is_finite() && power > 0.0 && magnitude > 0.0 { power } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_what_its_text_says() {
        let tenth = Wide::decimal(0.1);
        assert!((tenth * Wide::exact(10.0) - Wide::ONE).abs().value() < 1e-31);
        let sum = Wide::decimal(0.1) + Wide::decimal(0.2) - Wide::decimal(0.3);
        assert!(sum.abs().value() < 1e-32);
        let spread = Wide::decimal(10_000_000.3) - Wide::decimal(10_000_000.2);
        assert!((spread * Wide::exact(10.0) - Wide::ONE).abs().value() < 1e-23);
    }

    #[test]
    fn division_and_roots_undo_products() {
        let third = Wide::ONE / Wide::exact(3.0);
        assert!((third * Wide::exact(3.0) - Wide::ONE).abs().value() < 1e-31);
        let root = Wide::exact(2.0).sqrt();
        assert!((root * root - Wide::exact(2.0)).abs().value() < 1e-30);
        assert_eq!(Wide::ZERO.sqrt(), Wide::ZERO);
    }

    #[test]
    fn extreme_floats_stay_what_they_are() {
        for value in [f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e300, -1e-300, 123_456_789_012_345_680.0, f64::INFINITY] {
            assert_eq!(Wide::decimal(value).value(), value);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_decimal_rounds_to_its_float(value in proptest::num::f64::NORMAL) {
            proptest::prop_assert_eq!(Wide::decimal(value).value(), value);
        }
    }
}
