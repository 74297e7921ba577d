//! One answer: the data part, the words and the chart of a skill.

use protocol::types::{Artifact, Part};
use serde_json::{Map, Value, json};

use super::{
    anomalies::{self, Anomaly},
    chart::{self, Chart, Kind},
    describe::Description,
    number::{number, words, words_or_dash},
    patterns,
    relations::{self, View},
    settings::Settings,
    skill::Skill,
    table::{Column, Dates, Place, Table},
    trend::Trend,
};
use crate::say;

/// What stands in an answer.
pub(crate) struct Answer {
    data: Map<String, Value>,
    summary: Vec<String>,
    chart: Chart,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// A setting doesn't fit the data.
    Setting(String),
    /// The client canceled.
    Canceled,
}

/// So many anomalies are listed at most.
const MAX_ANOMALIES: usize = 1000;
/// So many columns are written about at most; the data part has them all.
const MAX_WORDS: usize = 6;

/// Computes a skill's answer. `stop` is asked between columns.
///
/// # Errors
/// See [`NoAnswer`].
pub(crate) fn answer(skill: Skill, table: &Table, settings: &Settings, stop: &dyn Fn() -> bool) -> Result<Answer, NoAnswer> {
    let mut answer = match skill {
        Skill::StatisticalAnalysis => statistics(table, settings, stop)?,
        Skill::TrendAnalysis => trend(table, settings, stop)?,
        Skill::AnomalyDetection => anomalies(table, settings, stop)?,
        Skill::PatternRecognition => pattern(table, stop)?,
        Skill::DataVisualization => visualization(table, settings)?,
    };
    if stop() {
        return Err(NoAnswer::Canceled);
    }
    if settings.chart.is_some() && skill != Skill::DataVisualization {
        answer.chart = Chart::of_table(table, relations::time(table, settings), settings.chart);
    }
    if let Some(title) = &settings.title {
        answer.chart.title.clone_from(title);
    }
    let missing: Map<String, Value> =
        table.columns.iter().filter(|column| column.missing() > 0).map(|column| (column.name.clone(), json!(column.missing()))).collect();
    if !missing.is_empty() {
        let text = missing.iter().map(|(name, count)| format!("{count} in {name}")).collect::<Vec<_>>().join(", ");
        answer.summary.push(format!("Missing values were left out: {text}."));
    }
    // Names of rows aren't left out: charts show them.
    let left_out: Vec<&str> =
        table.categorical.iter().filter(|name| table.labels.is_empty() || **name != table.labels_of).map(String::as_str).collect();
    if !left_out.is_empty() {
        answer.summary.push(format!("Columns without numbers were left out: {}.", left_out.join(", ")));
    }
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    answer.data.extend([
        ("skill".to_string(), json!(skill.id())),
        ("rows".to_string(), json!(table.rows())),
        ("columns".to_string(), json!(columns)),
        ("missing".to_string(), Value::Object(missing)),
        ("categorical_columns".to_string(), json!(table.categorical)),
    ]);
    if !table.dates.is_empty() {
        let one = |dates: &Dates| json!({"name": dates.column.name, "unit": dates.calendar.unit(), "from": dates.written(f64::min), "to": dates.written(f64::max)});
        answer.data.insert("date_columns".into(), table.dates.iter().map(one).collect());
    }
    answer.data.entry("chart").or_insert_with(|| json!({"kind": answer.chart.kind.name(), "title": answer.chart.title}));
    Ok(answer)
}

impl Answer {
    /// Data, words and chart as the three parts of one artifact.
    pub(crate) fn into_artifact(self) -> Artifact {
        let svg = self.chart.to_svg().into_bytes();
        let parts = vec![
            Part::data(Value::Object(self.data)).with_media_type("application/json"),
            Part::text(self.summary.join("\n")).with_media_type("text/plain"),
            Part::raw(svg).with_media_type("image/svg+xml").with_filename("chart.svg"),
        ];
        Artifact { description: Some("Numbers, a summary in words, and a chart.".into()), ..say::artifact_of("analysis", "Analysis", parts) }
    }
}

/// One object for a single column without a name, else one for each column.
fn by_column(table: &Table, stop: &dyn Fn() -> bool, mut of: impl FnMut(&Column) -> Value) -> Result<Value, NoAnswer> {
    if table.is_plain() {
        return table.columns.first().map(of).ok_or(NoAnswer::Canceled);
    }
    let mut map = Map::new();
    for column in &table.columns {
        if stop() {
            return Err(NoAnswer::Canceled);
        }
        map.insert(column.name.clone(), of(column));
    }
    Ok(Value::Object(map))
}

fn statistics(table: &Table, settings: &Settings, stop: &dyn Fn() -> bool) -> Result<Answer, NoAnswer> {
    let mut summary = vec![];
    let statistics = by_column(table, stop, |column| {
        let description = Description::of(&column.numbers());
        if summary.len() < MAX_WORDS {
            summary.push(describe(&column.name, &description));
        }
        Value::Object(description.to_json())
    })?;
    let mut data = Map::from_iter([("statistics".to_string(), statistics)]);
    if table.columns.len() > 1 {
        let correlations = relations::correlations(table, stop);
        if !correlations.is_empty() {
            summary.extend(patterns::between(table, &correlations).into_iter().take(MAX_WORDS).map(|pattern| format!("{}.", pattern.description)));
            data.insert("correlation".into(), relations::correlation_json(table, &correlations));
        }
        regression(table, settings, &mut data, &mut summary)?;
    }
    let chart = match table.columns.as_slice() {
        [only] if only.values.len() >= 8 => Chart::of_table(table, None, Some(Kind::Histogram)),
        [_] => Chart::of_table(table, None, Some(Kind::Bar)),
        _ => Chart::of_table(table, None, Some(Kind::Box)),
    };
    Ok(Answer { data, summary, chart })
}

fn describe(name: &str, description: &Description) -> String {
    let Description { count, mean, median, min, max, std_dev, q1, q3, ci95, .. } = description;
    let mut text = format!(
        "{name}: {count} values from {} to {}, mean {}, median {}, standard deviation {}, quartiles {} and {}",
        words_or_dash(*min),
        words_or_dash(*max),
        words_or_dash(*mean),
        words_or_dash(*median),
        words_or_dash(*std_dev),
        words_or_dash(*q1),
        words_or_dash(*q3)
    );
    if let Some((low, high)) = ci95 {
        text += &format!("; with 95 % confidence the mean lies between {} and {}", words(*low), words(*high));
    }
    text + "."
}

fn regression(table: &Table, settings: &Settings, data: &mut Map<String, Value>, summary: &mut Vec<String>) -> Result<(), NoAnswer> {
    let Some(roles) = relations::roles(table, settings).map_err(NoAnswer::Setting)? else { return Ok(()) };
    let Some(fit) = relations::regression(&roles, settings) else { return Ok(()) };
    let predictors = roles.predictors.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    let f = fit.f_p_value.map_or_else(String::new, |p| format!(", p = {}", words(p)));
    summary.push(format!("{} by {predictors}: r squared {}{f}.", roles.response.name, words_or_dash(fit.r_squared)));
    data.insert("regression".into(), relations::regression_json(&roles, &fit));
    Ok(())
}

/// The trend of the response where there is one, else of each column, over the column of time or the row.
fn trend(table: &Table, settings: &Settings, stop: &dyn Fn() -> bool) -> Result<Answer, NoAnswer> {
    let View { response, over, is_multiple } = relations::view(table, settings).map_err(NoAnswer::Setting)?;
    let over_for = |column: &Column| over.filter(|over| over.column.name != column.name);
    let mut data = Map::new();
    let mut summary = vec![];
    let chart = if let Some(response) = response {
        let trend = Trend::of_column(response, over_for(response), settings);
        data.insert("trend".into(), trend.to_json());
        summary.push(trend.summary());
        Chart::of_trend(&trend)
    } else {
        let others: Vec<Column> = table.columns.iter().filter(|column| over.is_none_or(|over| over.column.name != column.name)).cloned().collect();
        let trends = by_column(&Table::of_columns(others), stop, |column| {
            let trend = Trend::of_column(column, over_for(column), settings);
            if summary.len() < MAX_WORDS {
                summary.push(trend.summary());
            }
            trend.to_json()
        })?;
        data.insert("trend".into(), trends);
        Chart::of_table(table, over, Some(Kind::Line))
    };
    if settings.degree > 1 || is_multiple {
        regression(&with_index(table), settings, &mut data, &mut summary)?;
    }
    Ok(Answer { data, summary, chart })
}

/// A single column gets the row's number beside it, to be explained by.
fn with_index(table: &Table) -> Table {
    let mut table = table.clone();
    if let [only] = table.columns.as_slice() {
        let index = Column { name: "index".into(), values: (0..only.values.len()).map(|row| row as f64).collect() };
        table.columns.insert(0, index);
    }
    table
}

fn anomalies(table: &Table, settings: &Settings, stop: &dyn Fn() -> bool) -> Result<Answer, NoAnswer> {
    let mut all: Vec<(&Column, Vec<Anomaly>)> = vec![];
    for column in &table.columns {
        if stop() {
            return Err(NoAnswer::Canceled);
        }
        all.push((column, anomalies::find(column, settings.method, settings.threshold)));
    }
    let total: usize = all.iter().map(|(_, found)| found.len()).sum();
    let over = relations::time(table, settings).filter(|over| over.calendar.is_some());
    let one = |column: &Column, anomaly: &Anomaly| {
        let mut map = json!({
            "index": anomaly.index,
            "value": number(Some(anomaly.value)),
            "score": number(Some(anomaly.score)),
            "method": anomaly.method.name(),
        });
        if !table.is_plain() {
            map["column"] = json!(column.name);
        }
        if let Some(date) = over.and_then(|over| over.date(anomaly.index)) {
            map["date"] = json!(date);
        }
        if let Some(label) = table.labels.get(anomaly.index) {
            map["label"] = json!(label);
        }
        map
    };
    let listed: Vec<Value> =
        all.iter().flat_map(|(column, found)| found.iter().map(move |anomaly| one(column, anomaly))).take(MAX_ANOMALIES).collect();
    let mut summary = vec![];
    for (column, found) in all.iter().filter(|(_, found)| !found.is_empty()).take(MAX_WORDS) {
        let most = found.iter().max_by(|a, b| a.score.abs().total_cmp(&b.score.abs()));
        let most = most.map_or_else(String::new, |most| {
            let date = || over.and_then(|over| over.date(most.index));
            let place = table.labels.get(most.index).cloned().or_else(date).unwrap_or_else(|| format!("index {}", most.index));
            format!("; the strongest is {} at {place} (score {}, {})", words(most.value), words(most.score), most.method.name())
        });
        summary.push(format!("{}: {} of {} values don't fit{most}.", column.name, found.len(), column.present().count()));
    }
    if total == 0 {
        summary.push("No value stands out from the others.".into());
    }
    let shown = all.iter().max_by_key(|(_, found)| found.len()).map(|(column, found)| Chart::of_anomalies(column, found, over));
    let data = Map::from_iter([("anomalies".to_string(), json!(listed)), ("anomaly_count".to_string(), json!(total))]);
    Ok(Answer { data, summary, chart: shown.unwrap_or_else(|| Chart::of_table(table, None, None)) })
}

fn pattern(table: &Table, stop: &dyn Fn() -> bool) -> Result<Answer, NoAnswer> {
    let mut listed = vec![];
    let mut summary = vec![];
    for column in &table.columns {
        if stop() {
            return Err(NoAnswer::Canceled);
        }
        for pattern in patterns::of_column(column) {
            listed.push(pattern.to_json((!table.is_plain()).then_some(column.name.as_str())));
            summary.push(format!("{}: {}.", column.name, pattern.description));
        }
    }
    for pattern in patterns::between(table, &relations::correlations(table, stop)) {
        listed.push(pattern.to_json(None));
        summary.push(format!("{}.", pattern.description));
    }
    if listed.is_empty() {
        summary.push("No pattern stands out.".into());
    }
    summary.truncate(4 * MAX_WORDS);
    let over = relations::time(table, &Settings::default()).filter(|over| over.calendar.is_some() || table.columns.len() > 1);
    Ok(Answer { data: Map::from_iter([("patterns".to_string(), json!(listed))]), summary, chart: Chart::of_table(table, over, Some(Kind::Line)) })
}

fn visualization(table: &Table, settings: &Settings) -> Result<Answer, NoAnswer> {
    let over = relations::view(table, settings).map_err(NoAnswer::Setting)?.over;
    // A single column isn't drawn over itself, and rows with names are told by them if nobody asks for anything else.
    let is_asked = !settings.predictors.is_empty() || settings.chart == Some(Kind::Scatter);
    let is_over = |over: &Place<'_>| table.columns.len() > 1 && (is_asked || table.labels.is_empty() || relations::is_time(over.column));
    let over = over.filter(|over| over.calendar.is_some() || is_over(over));
    let chart = Chart::of_table(table, over, settings.chart);
    let data = json!({"kind": chart.kind.name(), "title": chart.title, "x": chart.x_label, "y": chart.y_label});
    Ok(Answer { data: Map::from_iter([("chart".to_string(), data)]), summary: vec![chart::sentence(&chart)], chart })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{
        nist::{column, digits},
        table::Cell,
    };

    fn table(columns: &[(&str, &[f64])]) -> Table {
        let columns = columns.iter().map(|(name, values)| Column { name: (*name).into(), values: values.to_vec() }).collect();
        Table::of_columns(columns)
    }

    fn data(skill: Skill, table: &Table, settings: &Settings) -> Value {
        Value::Object(answer(skill, table, settings, &|| false).unwrap_or_else(|error| panic!("{error:?}")).data)
    }

    #[test]
    fn statistics_of_plain_values_are_flat_and_those_of_columns_are_keyed() {
        let flat = data(Skill::StatisticalAnalysis, &Table::of_values(vec![1.0, 2.0, 3.0]), &Settings::default());
        assert_eq!(flat["statistics"]["mean"], json!(2.0));
        assert!(flat["statistics"]["ci95"].is_array());
        let keyed = data(Skill::StatisticalAnalysis, &table(&[("x", &[1.0, 2.0, 3.0]), ("y", &[2.0, 4.0, 7.0])]), &Settings::default());
        assert_eq!((&keyed["statistics"]["x"]["count"], &keyed["statistics"]["y"]["median"]), (&json!(3), &json!(4.0)));
        assert_eq!(keyed["correlation"]["columns"], json!(["x", "y"]));
        assert_eq!(keyed["regression"]["response"], json!("y"));
    }

    #[test]
    fn a_trend_of_two_columns_is_y_over_x() {
        let (x, y) = (column("Norris", "x"), column("Norris", "y"));
        let found = data(Skill::TrendAnalysis, &table(&[("y", &y), ("x", &x)]), &Settings::default());
        assert!(digits(found["trend"]["slope"].as_f64(), 1.00211681802045) >= 14.0);
        assert_eq!(found["trend"]["forecast"].as_array().map(Vec::len), Some(5));
        let unnamed = data(Skill::TrendAnalysis, &table(&[("ozone", &x), ("reading", &y)]), &Settings::default());
        assert!(digits(unnamed["trend"]["slope"].as_f64(), 1.00211681802045) >= 14.0);
    }

    #[test]
    fn a_polynomial_is_asked_for_by_its_degree() {
        let (x, y) = (column("Filip", "x"), column("Filip", "y"));
        let found = data(Skill::TrendAnalysis, &table(&[("x", &x), ("y", &y)]), &Settings { degree: 10, ..Settings::default() });
        assert!(digits(found["regression"]["coefficients"]["x^10"].as_f64(), -0.402962525080404e-4) >= 13.5);
    }

    #[test]
    fn columns_over_time_have_a_trend_each() {
        let found = data(
            Skill::TrendAnalysis,
            &table(&[("year", &[2020.0, 2021.0, 2022.0]), ("north", &[1.0, 2.0, 3.0]), ("south", &[5.0, 4.0, 3.0])]),
            &Settings::default(),
        );
        assert_eq!((&found["trend"]["north"]["slope"], &found["trend"]["south"]["slope"]), (&json!(1.0), &json!(-1.0)));
    }

    #[test]
    fn columns_over_dates_have_a_trend_each_and_anomalies_their_date() {
        let cells = |texts: &[&str]| texts.iter().map(|text| Cell::read(text, false)).collect::<Vec<_>>();
        let table = Table::of_cells(vec![
            ("day".into(), cells(&["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"])),
            ("sales".into(), cells(&["1", "2", "3", "4", "90"])),
            ("visits".into(), cells(&["9", "8", "7", "6", "5"])),
        ]);
        let found = data(Skill::TrendAnalysis, &table, &Settings::default());
        assert_eq!((&found["trend"]["visits"]["slope"], &found["trend"]["visits"]["over"]), (&json!(-1.0), &json!("day")));
        assert_eq!(found["date_columns"], json!([{"name": "day", "unit": "day", "from": "2024-01-01", "to": "2024-01-05"}]));
        let odd = data(Skill::AnomalyDetection, &table, &Settings::default());
        assert_eq!((&odd["anomalies"][0]["index"], &odd["anomalies"][0]["date"]), (&json!(4), &json!("2024-01-05")));
        let chosen = Settings { response: Some("sales".into()), predictors: vec!["day".into()], ..Settings::default() };
        assert_eq!(data(Skill::TrendAnalysis, &table, &chosen)["trend"]["response"], json!("sales"));
        assert_eq!(data(Skill::DataVisualization, &table, &Settings::default())["chart"]["x"], json!("day"));
    }

    #[test]
    fn an_anomaly_names_its_row_and_its_column() {
        let plain = data(Skill::AnomalyDetection, &Table::of_values(vec![10.0, 12.0, 11.0, 95.0, 13.0, 11.0]), &Settings::default());
        assert_eq!((&plain["anomalies"][0]["index"], &plain["anomalies"][0]["value"], &plain["anomaly_count"]), (&json!(3), &json!(95.0), &json!(1)));
        let keyed = data(Skill::AnomalyDetection, &table(&[("a", &[1.0; 4]), ("b", &[1.0, 1.0, 1.0, 9.0])]), &Settings::default());
        assert_eq!((&keyed["anomalies"][0]["index"], &keyed["anomalies"][0]["column"]), (&json!(3), &json!("b")));
    }

    #[test]
    fn a_wrong_column_is_a_matter_of_settings_and_a_cancellation_stops() {
        let table = table(&[("a", &[1.0, 2.0]), ("b", &[1.0, 2.0])]);
        let settings = Settings { response: Some("z".into()), ..Settings::default() };
        let wrong = answer(Skill::TrendAnalysis, &table, &settings, &|| false).err();
        assert_eq!(wrong, Some(NoAnswer::Setting("there is no column of numbers `z` (a, b)".into())));
        assert_eq!(answer(Skill::StatisticalAnalysis, &table, &Settings::default(), &|| true).err(), Some(NoAnswer::Canceled));
    }

    proptest::proptest! {
        #[test]
        fn every_skill_answers_whatever_the_numbers(
            columns in proptest::collection::vec(proptest::collection::vec(proptest::num::f64::ANY, 0..24), 1..4),
            degree in 1u32..4,
        ) {
            let names = ["x", "y", "z"];
            let mut table = Table::default();
            for (name, values) in names.iter().zip(columns) {
                table.join(Table::of_columns(vec![Column { name: (*name).into(), values }]));
            }
            for skill in Skill::ALL {
                let settings = Settings { degree, ..Settings::default() };
                let artifact = answer(skill, &table, &settings, &|| false).unwrap_or_else(|error| panic!("{error:?}")).into_artifact();
                proptest::prop_assert_eq!(artifact.parts.len(), 3);
            }
        }
    }
}
