//! What has to hold, and whether it does: the command's exit code says it.

use serde::Serialize;

use crate::{options::LoadOptions, results::Counted};

/// A bound that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bound {
    /// The flag that asks for it, without its dashes.
    pub name: &'static str,
    pub bound: f64,
    pub measured: f64,
    pub met: bool,
}

/// All that were asked for. Where nothing was answered, none is met.
pub fn bounds(options: &LoadOptions, all: &Counted) -> Vec<Bound> {
    let any = all.requests() > 0;
    let at_most = |name, bound: Option<f64>, measured: f64| bound.map(|bound| Bound { name, bound, measured, met: any && measured <= bound });
    let at_least = |name, bound: Option<f64>, measured: f64| bound.map(|bound| Bound { name, bound, measured, met: any && measured >= bound });
    [
        at_most("max-average-ms", options.max_average_ms, all.latencies.mean_ms()),
        at_most("max-p99-ms", options.max_p99_ms, all.latencies.quantile_ms(0.99)),
        at_least("min-success-percent", options.min_success_percent, all.success_percent()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Bound { name, bound, measured, met } = self;
        let verdict = if *met { "met" } else { "MISSED" };
        write!(f, "--{name} {bound}: {verdict} ({measured:.2})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{options::tests::options, results::tests::results};

    fn met(arguments: &[&str], outcomes: &[(u64, Option<&str>)]) -> Vec<bool> {
        bounds(&options(arguments), &results(outcomes).all).into_iter().map(|bound| bound.met).collect()
    }

    #[test]
    fn each_bound_is_met_or_missed_by_itself() {
        let outcomes = [(10, None), (20, None), (30, None), (40, Some("task failed"))];
        assert!(met(&[], &outcomes).is_empty());
        assert_eq!(met(&["--max-average-ms", "25.1", "--max-p99-ms", "39"], &outcomes), [true, false]);
        assert_eq!(met(&["--max-average-ms", "24.9", "--max-p99-ms", "41"], &outcomes), [false, true]);
        assert_eq!(met(&["--min-success-percent", "75"], &outcomes), [true]);
        assert_eq!(met(&["--min-success-percent", "75.1"], &outcomes), [false]);
    }

    #[test]
    fn without_an_answer_no_bound_is_met() {
        assert_eq!(met(&["--max-average-ms", "1", "--max-p99-ms", "1", "--min-success-percent", "0"], &[]), [false; 3]);
    }
}
