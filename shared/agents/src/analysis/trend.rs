//! Where a series goes: a line or polynomial through it, what comes next, and its season.

use serde_json::{Value, json};

use super::{
    calendar::Calendar,
    number::{number, words, words_or_dash},
    regression::{self, Fit, Model},
    seasonality::{self, Season},
    settings::Settings,
    table::{Column, Place},
};

/// A fitted series.
pub(crate) struct Trend {
    /// What is fitted.
    pub(crate) response: String,
    /// Over what; `None` for the row's number, from 0.
    pub(crate) over: Option<String>,
    /// Where the places stand for dates.
    pub(crate) calendar: Option<Calendar>,
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
    /// Of a column over another one, over dates, or over its own rows.
    pub(crate) fn of_column(column: &Column, over: Option<Place<'_>>, settings: &Settings) -> Self {
        let place = |row: usize| over.map_or(row as f64, |over| over.column.values[row]);
        let points = column.present().map(|(row, y)| (place(row), y)).filter(|(x, _)| x.is_finite()).collect();
        let calendar = over.and_then(|over| over.calendar.cloned());
        Trend { calendar, ..Trend::of(&column.name, over.map(|over| over.column.name.as_str()), points, settings) }
    }

    /// Fits pairs of place and value.
    pub(crate) fn of(response: &str, over: Option<&str>, mut points: Vec<(f64, f64)>, settings: &Settings) -> Self {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        let predictors = vec![(over.unwrap_or(INDEX), x.as_slice())];
        let fit = regression::fit(&Model { response: &y, predictors, degree: settings.degree, intercept: settings.intercept })
            .filter(|fit| fit.collinear.is_empty());
        let mut forecast = fit.as_ref().map(|fit| forecast(fit, &x, settings.horizon)).unwrap_or_default();
        let rest = rest(fit.as_ref(), &points);
        let season = seasonality::find(&rest).filter(|_| is_even(&x));
        if let Some(season) = &season {
            add_season(&mut forecast, &rest, season.period);
        }
        Trend { response: response.into(), over: over.map(Into::into), calendar: None, points, fit, forecast, season }
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
        let forecast = |step: &Forecast| {
            let mut map = json!({"x": number(Some(step.x)), "value": number(Some(step.value)), "low": number(step.low), "high": number(step.high)});
            if let Some(calendar) = &self.calendar {
                map["date"] = json!(calendar.written(step.x));
            }
            map
        };
        let mut map = json!({
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
        });
        if let Some(calendar) = &self.calendar {
            map["unit"] = json!(calendar.unit());
            map["origin"] = json!(calendar.written(0.0));
        }
        map
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
        let (shape, change) = match self.direction() {
            "increasing" => ("rises by", slope.estimate.abs()),
            "decreasing" => ("falls by", slope.estimate.abs()),
            _ => ("shows no significant trend; its fitted change is", slope.estimate),
        };
        let each = match &self.calendar {
            Some(calendar) => format!("each {}", calendar.unit()),
            None => format!("for each unit of {place}"),
        };
        let at = |x: f64| self.calendar.as_ref().map_or_else(|| words(x), |calendar| calendar.written(x));
        let mut text = format!(
            "{name} {shape} {} {each} (r squared {}, p = {}, {} values).",
            words(change),
            words_or_dash(fit.r_squared),
            words_or_dash(slope.p_value),
            fit.count
        );
        if let (Some(first), Some(last)) = (self.forecast.first(), self.forecast.last()) {
            text += &format!(" Expected at {place} {}: {}", at(first.x), words(first.value));
            if self.forecast.len() > 1 {
                text += &format!("; at {}: {}", at(last.x), words(last.value));
            }
            if let (Some(low), Some(high)) = (last.low, last.high) {
                text += &format!(" (95 % between {} and {})", words(low), words(high));
            }
            text += ".";
        }
        if let Some(season) = &self.season {
            text += &format!(" It repeats every {} values (strength {}), and so does the forecast.", season.period, words(season.strength));
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

/// Adds to each step what the line usually leaves unexplained at that step of the season; the intervals shrink by what the season explains.
fn add_season(forecast: &mut [Forecast], rest: &[f64], period: usize) {
    let phase = |at: usize| rest.iter().skip(at % period).step_by(period);
    let usual: Vec<f64> = (0..period).map(|at| phase(at).sum::<f64>() / phase(at).count().max(1) as f64).collect();
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let before = square(&mut rest.iter().copied());
    let after = square(&mut rest.iter().enumerate().map(|(at, rest)| rest - usual[at % period]));
    // Each step of the season but one costs a degree of freedom.
    let free = rest.len().saturating_sub(2).max(1) as f64;
    let still_free = (free - (period as f64 - 1.0)).max(1.0);
    let share = (after / still_free / (before / free)).sqrt();
    let share = if share.is_finite() { share.min(1.0) } else { 1.0 };
    for (number, step) in forecast.iter_mut().enumerate() {
        let season = usual[(rest.len() + number) % period];
        let moved = |bound: Option<f64>| bound.map(|bound| step.value + season + (bound - step.value) * share);
        (step.low, step.high) = (moved(step.low), moved(step.high));
        step.value += season;
    }
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
    use crate::analysis::{
        nist::{column, digits},
        table::{Cell, Table},
    };

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
    fn the_forecast_repeats_the_season() {
        let values: Vec<f64> = (0..36).map(|i| f64::from(i) + [0.0, 8.0, -3.0, -5.0][i as usize % 4] + f64::from(i % 3) * 0.1).collect();
        let trend = Trend::of("values", None, series(&values), &Settings { horizon: 4, ..Settings::default() });
        for (step, expected) in trend.forecast.iter().zip([36.0, 45.0, 35.0, 34.0]) {
            assert!((step.value - expected).abs() < 0.5, "{step:?}");
            assert!(step.low.zip(step.high).is_some_and(|(low, high)| low < step.value && step.value < high && high - low < 2.0), "{step:?}");
        }
    }

    #[test]
    fn over_dates_the_forecast_has_dates() {
        let cells = ["2024-01", "2024-02", "2024-03"].map(|text| Cell::read(text, false)).to_vec();
        let table = Table::of_cells(vec![("month".into(), cells), ("sales".into(), [1.0, 3.0, 5.0].map(Cell::Number).to_vec())]);
        let trend = Trend::of_column(&table.columns[0], table.place("month"), &Settings { horizon: 1, ..Settings::default() });
        let json = trend.to_json();
        assert_eq!((&json["slope"], &json["unit"], &json["forecast"][0]["date"]), (&json!(2.0), &json!("month"), &json!("2024-04")));
        assert!(
            trend.summary().starts_with("sales rises by 2 each month (r squared 1, p = 0, 3 values). Expected at month 2024-04: 7"),
            "{}",
            trend.summary()
        );
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
