//! Floats as JSON, which knows neither NaN nor infinity, and as words.

use serde_json::{Number, Value};

/// Null for what is missing or not finite; whole numbers without a fraction.
pub(crate) fn number(value: Option<f64>) -> Value {
    value.and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}

/// At most six significant digits, for prose and axes.
pub(crate) fn words(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..9.0).contains(&magnitude) {
        let text = format!("{value:.4e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", without_trailing_zeros(mantissa));
    }
    let decimals = (5.0 - magnitude).clamp(0.0, 9.0) as usize;
    without_trailing_zeros(&format!("{value:.decimals$}")).to_string()
}

/// As [`words`], with a dash for what isn't there.
pub(crate) fn words_or_dash(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(|| "-".into(), words)
}

fn without_trailing_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_cannot_say_is_null() {
        assert_eq!(number(Some(f64::NAN)), Value::Null);
        assert_eq!(number(Some(f64::INFINITY)), Value::Null);
        assert_eq!(number(None), Value::Null);
        assert_eq!(number(Some(1.5)), serde_json::json!(1.5));
    }

    #[test]
    fn words_are_short() {
        for (value, text) in [(0.0, "0"), (1.0, "1"), (1234.5678, "1234.57"), (-0.001234567, "-0.00123457"), (1e-9, "1e-9"), (6.022e23, "6.022e23")] {
            assert_eq!(words(value), text);
        }
    }
}
