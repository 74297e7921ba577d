//! Student's t: how surprising a ratio is, and how wide an interval must be.

use statrs::{
    distribution::{Continuous, ContinuousCDF, FisherSnedecor, Normal, StudentsT},
    statistics::Distribution,
};

/// Above this many degrees of freedom the expansion around the normal distribution has more digits than the incomplete beta function.
const MANY: f64 = 500.0;

/// The chance of a ratio at least as far from 0; 0 for infinite ones, `None` without degrees of freedom.
pub(crate) fn two_sided_p(ratio: f64, degrees_of_freedom: f64) -> Option<f64> {
    if ratio.is_nan() || degrees_of_freedom < 1.0 {
        return None;
    }
    let distribution = StudentsT::new(0.0, 1.0, degrees_of_freedom).ok()?;
    Some((2.0 * distribution.sf(ratio.abs())).clamp(0.0, 1.0))
}

/// The chance of an F ratio at least as large.
pub(crate) fn f_p(ratio: f64, between: f64, within: f64) -> Option<f64> {
    if ratio.is_nan() || ratio < 0.0 {
        return None;
    }
    if ratio.is_infinite() {
        return Some(0.0);
    }
    Some(FisherSnedecor::new(between, within).ok()?.sf(ratio).clamp(0.0, 1.0))
}

/// Within this distance from 0 lies this share (such as 0.95) of the distribution.
pub(crate) fn two_sided_quantile(share: f64, degrees_of_freedom: f64) -> Option<f64> {
    if degrees_of_freedom < 1.0 || !(0.0..1.0).contains(&share) {
        return None;
    }
    let tail = (1.0 - share) / 2.0;
    if degrees_of_freedom > MANY {
        return Some(expansion(normal_quantile(1.0 - tail)?, degrees_of_freedom));
    }
    let distribution = StudentsT::new(0.0, 1.0, degrees_of_freedom).ok()?;
    // The library's inverse has about eight digits; Newton's method on its distribution function gives the others.
    let mut quantile = distribution.inverse_cdf(1.0 - tail);
    for _ in 0..4 {
        quantile += (distribution.sf(quantile) - tail) / distribution.pdf(quantile);
    }
    quantile.is_finite().then_some(quantile)
}

fn normal_quantile(probability: f64) -> Option<f64> {
    let normal = Normal::new(0.0, 1.0).ok()?;
    let mut quantile = normal.mean()? + normal.inverse_cdf(probability);
    for _ in 0..2 {
        quantile += (normal.sf(quantile) - (1.0 - probability)) / normal.pdf(quantile);
    }
    Some(quantile)
}

/// Abramowitz and Stegun, 26.7.5.
fn expansion(z: f64, degrees_of_freedom: f64) -> f64 {
    let square = z * z;
    let terms = [
        z * (square + 1.0) / 4.0,
        z * ((5.0 * square + 16.0) * square + 3.0) / 96.0,
        z * (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0,
        z * ((((79.0 * square + 776.0) * square + 1482.0) * square - 1920.0) * square - 945.0) / 92_160.0,
    ];
    terms.iter().rev().fold(0.0, |sum, term| (sum + term) / degrees_of_freedom) + z
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::nist::digits;

    #[test]
    fn quantiles_have_eleven_digits_for_few_and_many_degrees_of_freedom() {
        for (degrees, right) in QUANTILES {
            assert!(digits(two_sided_quantile(0.95, degrees), right) >= 11.0, "{degrees}: {:?}", two_sided_quantile(0.95, degrees));
        }
    }

    #[test]
    fn chances_agree_with_high_precision_arithmetic() {
        for (ratio, degrees, right) in CHANCES {
            assert!(digits(two_sided_p(ratio, degrees), right) >= 9.0, "{ratio}, {degrees}: {:?}", two_sided_p(ratio, degrees));
        }
    }

    #[test]
    fn without_degrees_of_freedom_there_is_no_answer() {
        assert_eq!(two_sided_p(2.0, 0.0), None);
        assert_eq!(two_sided_quantile(0.95, 0.0), None);
        assert_eq!(two_sided_p(f64::INFINITY, 3.0), Some(0.0));
    }

    const QUANTILES: [(f64, f64); 8] = [
        (1.0, 12.706204736174705),
        (2.0, 4.302_652_729_749_464),
        (5.0, 2.5705818356363155),
        (30.0, 2.042_272_456_301_238),
        (217.0, 1.9709563005273891),
        (499.0, 1.964_729_390_987_689),
        (5000.0, 1.960_438_551_706_508),
        (999999.0, 1.9599663568164793),
    ];
    const CHANCES: [(f64, f64, f64); 7] = [
        (0.5, 3.0, 0.651_447_964_848_151),
        (2.0, 10.0, 0.073_388_034_770_740_37),
        (2331.6, 34.0, 4.6544335339439642e-90),
        (4.9, 7.0, 1.7531251020137283e-3),
        (30.0, 20.0, 4.195_225_323_999_658e-18),
        (0.177, 9.0, 0.863_427_619_808_824_8),
        (1.96, 400.0, 0.050_689_670_300_027_58),
    ];
}
