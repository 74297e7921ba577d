//! `rate(1 minute)` as a time.

use std::time::Duration;

use anyhow::{Context, Result};

/// The time between two calls of a schedule.
pub(super) fn parse(expression: &str) -> Result<Duration> {
    seconds(expression).map(Duration::from_secs).with_context(|| format!("`{expression}` is no rate such as `rate(1 minute)`"))
}

fn seconds(expression: &str) -> Option<u64> {
    let (count, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.trim().split_once(' ')?;
    let unit = match unit.trim().trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3600,
        "day" => 24 * 3600,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(unit).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_in_each_unit() {
        for (expression, seconds) in [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(2 hours)", 7200), ("rate(1 day)", 86_400)] {
            assert_eq!(parse(expression).unwrap(), Duration::from_secs(seconds), "{expression}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for expression in ["", "rate()", "rate(0 minutes)", "rate(1 week)", "rate(-1 minute)", "cron(0 * * * ? *)"] {
            assert!(parse(expression).is_err(), "{expression}");
        }
    }
}
