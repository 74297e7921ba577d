//! Where a series goes: a line or polynomial through it, what comes next, and its season.

use serde_json::{Value, json};

use super::{
    number::{number, words, words_or_dash},
    regression::{self, Fit, Model},
    seasonality::{self, Season},
    settings::Settings,
};

/// A fitted series.
pub(crate) struct Trend {
    /// What is fitted.
    pub(crate) response: String,
    /// Over what; `None` for the row's number, from 0.
    pub(crate) over: Option<String>,
    /// The points, ordered by `x`.
    pub(crate) points: Vec<(f64, f64)>,
    /// `None` with fewer points than terms, or if all lie at one place.
    pub(crate) fit: Option<Fit>,
    /// What comes next.
    pub(crate) forecast: Vec<Forecast>,
    pub(crate) season: Option<Season>,
}

/// One expected value with its 95 % prediction interval.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Forecast {
    pub(crate) x: f64,
    pub(crate) value: f64,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
}

/// The name of the row's number where it stands for `x`.
const INDEX: &str = "index";

impl Trend {
    /// Fits pairs of place and value.
    pub(crate) fn of(response: &str, over: Option<&str>, mut points: Vec<(f64, f64)>, settings: &Settings) -> Self {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        let predictors = vec![(over.unwrap_or(INDEX), x.as_slice())];
        let fit = regression::fit(&Model { response: &y, predictors, degree: settings.degree, intercept: settings.intercept })
            .filter(|fit| fit.collinear.is_empty());
        let forecast = fit.as_ref().map(|fit| forecast(fit, &x, settings.horizon)).unwrap_or_default();
        let season = seasonality::find(&rest(fit.as_ref(), &points)).filter(|_| is_even(&x));
        Trend { response: response.into(), over: over.map(Into::into), points, fit, forecast, season }
    }

    fn place(&self) -> &str {
        self.over.as_deref().unwrap_or(INDEX)
    }

    /// As `trend` in the answer.
    pub(crate) fn to_json(&self) -> Value {
        let term = |name: &str| self.fit.as_ref().and_then(|fit| fit.term(name));
        let slope = term(self.place());
        let intercept = term("intercept");
        let through_origin = self.fit.is_some() && intercept.is_none();
        let forecast = |step: &Forecast| json!({"x": number(Some(step.x)), "value": number(Some(step.value)), "low": number(step.low), "high": number(step.high)});
        json!({
            "response": self.response,
            "over": self.place(),
            "count": self.points.len(),
            "slope": number(slope.map(|term| term.estimate)),
            "intercept": number(intercept.map(|term| term.estimate).or(through_origin.then_some(0.0))),
            "r_squared": number(self.fit.as_ref().and_then(|fit| fit.r_squared)),
            "p_value": number(slope.and_then(|term| term.p_value)),
            "std_error": number(slope.and_then(|term| term.std_error)),
            "intercept_std_error": number(intercept.and_then(|term| term.std_error)),
            "residual_std_dev": number(self.fit.as_ref().and_then(|fit| fit.residual_std_dev)),
            "direction": self.direction(),
            "forecast": self.forecast.iter().map(forecast).collect::<Vec<_>>(),
            "seasonality": self.season.as_ref().map_or(Value::Null, |season| json!({"period": season.period, "strength": number(Some(season.strength))})),
        })
    }

    /// `increasing`, `decreasing`, `flat` where the slope can't be told from 0 at 5 %, or `unknown`.
    pub(crate) fn direction(&self) -> &'static str {
        let Some(slope) = self.fit.as_ref().and_then(|fit| fit.term(self.place())) else { return "unknown" };
        match slope.p_value {
            _ if slope.estimate == 0.0 => "flat",
            Some(p) if p > 0.05 => "flat",
            None if self.points.len() < 2 => "unknown",
            _ if slope.estimate > 0.0 => "increasing",
            _ => "decreasing",
        }
    }

    /// A sentence or two.
    pub(crate) fn summary(&self) -> String {
        let (name, place) = (&self.response, self.place());
        let Some(fit) = &self.fit else {
            return format!("{name}: {} values over {place} don't make a trend.", self.points.len());
        };
        let Some(slope) = fit.term(place) else { return String::new() };
        let shape = match self.direction() {
            "increasing" => "rises",
            "decreasing" => "falls",
            _ => "shows no significant trend; its fitted change is",
        };
        let mut text = format!(
            "{name} {shape} {} for each unit of {place} (r squared {}, p = {}, {} values).",
            words(slope.estimate.abs()).trim_start_matches('-'),
            words_or_dash(fit.r_squared),
            words_or_dash(slope.p_value),
            fit.count
        );
        if let (Some(first), Some(last)) = (self.forecast.first(), self.forecast.last()) {
            text += &format!(" Expected at {place} {}: {}", words(first.x), words(first.value));
            if self.forecast.len() > 1 {
                text += &format!("; at {}: {}", words(last.x), words(last.value));
            }
            if let (Some(low), Some(high)) = (last.low, last.high) {
                text += &format!(" (95 % between {} and {})", words(low), words(high));
            }
            text += ".";
        }
        if let Some(season) = &self.season {
            text += &format!(" It repeats every {} values (strength {}).", season.period, words(season.strength));
        }
        text
    }
}

/// The next places, as far apart as those that are there usually are.
fn forecast(fit: &Fit, x: &[f64], horizon: usize) -> Vec<Forecast> {
    let Some(last) = x.last() else { return vec![] };
    let mut steps: Vec<f64> = x.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0.0).collect();
    steps.sort_by(f64::total_cmp);
    let step = steps.get(steps.len() / 2).copied().unwrap_or(1.0);
    let places = (1..=horizon).map(|number| last + step * number as f64);
    let expected = |x: f64| {
        let (value, margin) = fit.predict(x, 0.95)?;
        Some(Forecast { x, value, low: margin.map(|margin| value - margin), high: margin.map(|margin| value + margin) })
    };
    places.filter_map(expected).collect()
}

/// What the line leaves unexplained.
fn rest(fit: Option<&Fit>, points: &[(f64, f64)]) -> Vec<f64> {
    let expected = |x: f64| fit.and_then(|fit| fit.predict_value(x)).unwrap_or(0.0);
    points.iter().map(|(x, y)| y - expected(*x)).collect()
}

fn is_even(x: &[f64]) -> bool {
    let mut steps = x.windows(2).map(|pair| pair[1] - pair[0]);
    let Some(first) = steps.next() else { return false };
    first > 0.0 && steps.all(|step| (step - first).abs() <= first * 1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::nist::{column, digits};

    fn series(values: &[f64]) -> Vec<(f64, f64)> {
        values.iter().enumerate().map(|(index, value)| (index as f64, *value)).collect()
    }

    #[test]
    fn norris_over_x_has_its_certified_line() {
        let points = column("Norris", "x").into_iter().zip(column("Norris", "y")).collect();
        let trend = Trend::of("y", Some("x"), points, &Settings::default()).to_json();
        let got = |name: &str| trend[name].as_f64();
        assert!(digits(got("slope"), 1.00211681802045) >= 14.0);
        assert!(digits(got("intercept"), -0.262323073774029) >= 14.0);
        assert!(digits(got("std_error"), 0.429796848199937e-3) >= 14.0);
        assert!(digits(got("r_squared"), 0.999993745883712) >= 14.0);
        assert!(got("p_value").is_some_and(|p| p < 1e-80));
    }

    #[test]
    fn the_forecast_goes_on_where_the_series_ends() {
        let settings = Settings { horizon: 2, ..Settings::default() };
        let trend = Trend::of("values", None, series(&[1.0, 3.0, 5.0, 7.0]), &settings);
        let step = |x, value| Forecast { x, value, low: Some(value), high: Some(value) };
        assert_eq!(trend.forecast, [step(4.0, 9.0), step(5.0, 11.0)]);
        assert_eq!(trend.direction(), "increasing");
    }

    #[test]
    fn prediction_intervals_agree_with_the_textbook() {
        let trend = Trend::of("values", None, series(&[2.0, 1.0, 4.0, 3.0, 6.0]), &Settings { horizon: 1, ..Settings::default() });
        // Slope 1, intercept 1.2, s² = 1.6, t(3) = 3.18244630528371, s·√(1 + 1/5 + 9/10).
        let margin = 3.182_446_305_283_71 * (1.6f64 * (1.0 + 0.2 + 0.9)).sqrt();
        assert!((trend.forecast[0].value - 6.2).abs() < 1e-12);
        assert!((trend.forecast[0].high.expect("a bound") - 6.2 - margin).abs() < 1e-10);
    }

    #[test]
    fn one_value_two_values_and_a_constant_have_nulls_where_nothing_is_defined() {
        let of = |values: &[f64]| Trend::of("values", None, series(values), &Settings::default()).to_json();
        let one = of(&[5.0]);
        assert_eq!((&one["slope"], &one["p_value"], &one["forecast"]), (&Value::Null, &Value::Null, &json!([])));
        let two = of(&[5.0, 7.0]);
        assert_eq!((&two["slope"], &two["p_value"], &two["std_error"]), (&json!(2.0), &Value::Null, &Value::Null));
        assert_eq!(two["forecast"][0]["low"], Value::Null);
        let constant = of(&[5.0; 6]);
        assert_eq!((&constant["slope"], &constant["r_squared"], &constant["direction"]), (&json!(0.0), &Value::Null, &json!("flat")));
        assert_eq!(constant["seasonality"], Value::Null);
    }
}
