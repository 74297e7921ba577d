//! What a client asks for besides the data, from the metadata of the message, of the request or of earlier messages.

use engine::ports::Job;
use serde_json::Value;

use super::{anomalies::Method, chart::Kind};

/// How many values are forecast at most.
pub(crate) const MAX_HORIZON: usize = 1000;
/// Polynomials are fitted up to this degree.
pub(crate) const MAX_DEGREE: u32 = 15;

/// The settings that the skills know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    /// How many values to forecast.
    pub(crate) horizon: usize,
    /// Of the polynomial.
    pub(crate) degree: u32,
    /// Whether the line may miss the origin.
    pub(crate) intercept: bool,
    /// The column that is explained.
    pub(crate) response: Option<String>,
    /// The columns that explain it.
    pub(crate) predictors: Vec<String>,
    /// How to find anomalies; all ways if it isn't named.
    pub(crate) method: Option<Method>,
    /// From which score on a value is an anomaly.
    pub(crate) threshold: Option<f64>,
    /// How to draw.
    pub(crate) chart: Option<Kind>,
    /// Of the chart.
    pub(crate) title: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            horizon: 5,
            degree: 1,
            intercept: true,
            response: None,
            predictors: vec![],
            method: None,
            threshold: None,
            chart: None,
            title: None,
        }
    }
}

impl Settings {
    /// # Errors
    /// Which setting can't be used, and what it takes.
    pub(crate) fn of(job: &Job) -> Result<Self, String> {
        let mut settings = Settings::default();
        if let Some(horizon) = setting(job, "horizon") {
            let horizon = horizon.as_u64().and_then(|horizon| usize::try_from(horizon).ok()).filter(|horizon| *horizon <= MAX_HORIZON);
            settings.horizon = horizon.ok_or_else(|| format!("`horizon` takes a whole number from 0 to {MAX_HORIZON}"))?;
        }
        if let Some(degree) = setting(job, "degree") {
            let degree = degree.as_u64().and_then(|degree| u32::try_from(degree).ok()).filter(|degree| (1..=MAX_DEGREE).contains(degree));
            settings.degree = degree.ok_or_else(|| format!("`degree` takes a whole number from 1 to {MAX_DEGREE}"))?;
        }
        if let Some(intercept) = setting(job, "intercept") {
            settings.intercept = intercept.as_bool().ok_or("`intercept` takes true or false")?;
        }
        if let Some(threshold) = setting(job, "threshold") {
            let threshold = threshold.as_f64().filter(|threshold| *threshold > 0.0);
            settings.threshold = Some(threshold.ok_or("`threshold` takes a number above 0")?);
        }
        if let Some(method) = setting(job, "method") {
            let known = method.as_str().and_then(Method::of_name);
            settings.method = Some(known.ok_or_else(|| format!("`method` takes one of {}", Method::ALL.map(Method::name).join(", ")))?);
        }
        if let Some(kind) = setting(job, "chart") {
            let known = kind.as_str().and_then(Kind::of_name);
            settings.chart = Some(known.ok_or_else(|| format!("`chart` takes one of {}", Kind::ALL.map(Kind::name).join(", ")))?);
        }
        settings.title = setting(job, "title").and_then(Value::as_str).map(Into::into);
        settings.response = setting(job, "response").and_then(Value::as_str).map(Into::into);
        settings.predictors = match setting(job, "predictors") {
            Some(Value::String(name)) => vec![name.clone()],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(Into::into).collect(),
            _ => vec![],
        };
        Ok(settings)
    }
}

/// The newest value of a setting: what the client asked for first still holds when a later message brings the data.
pub(crate) fn setting<'a>(job: &'a Job, name: &str) -> Option<&'a Value> {
    let earlier = || job.history.iter().rev().find_map(|message| message.metadata.as_ref()?.get(name));
    job.setting(name).or_else(earlier).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::*;
    use crate::testing::{job, text_message};

    fn of(metadata: Value) -> Result<Settings, String> {
        let mut job = job(text_message("m1", ""));
        job.metadata = serde_json::from_value(metadata).expect("an object");
        Settings::of(&job)
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        assert_eq!(of(json!({"horizon": null})), Ok(Settings::default()));
    }

    #[test]
    fn a_setting_that_cannot_be_used_is_named_with_what_it_takes() {
        for (metadata, reason) in [
            (json!({"horizon": 1001}), "`horizon` takes a whole number from 0 to 1000"),
            (json!({"degree": 0}), "`degree` takes a whole number from 1 to 15"),
            (json!({"intercept": "no"}), "`intercept` takes true or false"),
            (json!({"threshold": -1}), "`threshold` takes a number above 0"),
            (json!({"method": "magic"}), "`method` takes one of mad, zscore, iqr, rolling, seasonal"),
            (json!({"chart": "pie"}), "`chart` takes one of line, bar, scatter, histogram, box"),
        ] {
            assert_eq!(of(metadata), Err(reason.to_string()));
        }
    }

    #[test]
    fn an_earlier_message_may_hold_the_setting() {
        let mut job = job(text_message("m2", "1, 2, 3"));
        let mut first = text_message("m1", "analyze");
        first.metadata = Some(HashMap::from([("horizon".into(), json!(2))]));
        job.history = vec![first];
        assert_eq!(Settings::of(&job).map(|settings| settings.horizon), Ok(2));
    }
}
