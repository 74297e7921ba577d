//! How columns go together: which explains which, their correlations and their regression.

use serde_json::{Map, Value, json};

use super::{
    number::number,
    regression::{self, Fit, MAX_TERMS, Model},
    settings::Settings,
    student_t,
    table::{Column, Dates, Place, Table},
    wide::Wide,
};

/// Correlations are computed of at most so many columns.
pub(crate) const MAX_CORRELATED: usize = 64;
/// Names of columns that other columns are seen over.
const TIMES: [&str; 12] = ["x", "t", "time", "date", "year", "month", "week", "day", "hour", "period", "step", "index"];

/// What explains what.
pub(crate) struct Roles<'a> {
    pub(crate) response: &'a Column,
    pub(crate) predictors: Vec<&'a Column>,
}

/// The column to explain and those that explain it: as the settings say, or `y` by all others, or the second of two by the first.
///
/// # Errors
/// A named column that isn't there.
pub(crate) fn roles<'a>(table: &'a Table, settings: &Settings) -> Result<Option<Roles<'a>>, String> {
    let named = |name: &String| column_of(table, name);
    let are_dates = |name: &&String| table.place(name).is_some_and(|place| place.calendar.is_some());
    let chosen: Vec<&Column> = settings.predictors.iter().filter(|name| !are_dates(name)).map(named).collect::<Result<_, _>>()?;
    let response = match &settings.response {
        Some(name) => Some(named(name)?),
        None => table.column("y").or(match table.columns.as_slice() {
            [first, second] if !is_time(second) || is_time(first) => Some(second),
            [first, _] => Some(first),
            _ => None,
        }),
    };
    let response = response.or_else(|| {
        // With predictors named, the one column that is none of them.
        let mut others = table.columns.iter().filter(|column| !chosen.is_empty() && chosen.iter().all(|other| other.name != column.name));
        others.next().filter(|_| others.next().is_none())
    });
    let Some(response) = response else { return Ok(None) };
    let others = || table.columns.iter().filter(|column| column.name != response.name).collect();
    let predictors = if chosen.is_empty() { others() } else { chosen };
    Ok((!predictors.is_empty()).then_some(Roles { response, predictors }))
}

/// The column that others are seen over, if there is one: the predictor that is named, or `x` or `t`, or dates, or a column of another name that
/// speaks of time.
pub(crate) fn time<'a>(table: &'a Table, settings: &Settings) -> Option<Place<'a>> {
    if let [name] = settings.predictors.as_slice() {
        return table.place(name);
    }
    let numbers = |names: &[&str]| names.iter().find_map(|name| table.column(name)).map(|column| Place { column, calendar: None });
    let dates = || table.dates.first().map(Dates::place);
    numbers(&TIMES[..2]).or_else(dates).or_else(|| numbers(&TIMES[2..]))
}

/// What is seen over what, in a trend and on a chart.
pub(crate) struct View<'a> {
    /// `None` for every column but the one that they are seen over.
    pub(crate) response: Option<&'a Column>,
    /// `None` for the row.
    pub(crate) over: Option<Place<'a>>,
    /// Several columns explain the response.
    pub(crate) is_multiple: bool,
}

/// One column over the other, or over dates where there are any; several over the column of time.
///
/// # Errors
/// A named column that isn't there.
pub(crate) fn view<'a>(table: &'a Table, settings: &Settings) -> Result<View<'a>, String> {
    let time = time(table, settings);
    if let Some(over) = time.filter(|over| over.calendar.is_some()) {
        let only = || table.columns.first().filter(|_| table.columns.len() == 1);
        let named = settings.response.as_ref().map(|name| column_of(table, name)).transpose()?;
        return Ok(View { response: named.or_else(only), over: Some(over), is_multiple: false });
    }
    Ok(match roles(table, settings)? {
        Some(Roles { response, predictors }) => {
            let only = predictors.first().filter(|_| predictors.len() == 1).map(|column| Place { column, calendar: None });
            View { response: Some(response), over: only.or(time), is_multiple: predictors.len() > 1 }
        }
        None => View { response: table.columns.first().filter(|_| table.columns.len() == 1), over: time, is_multiple: false },
    })
}

fn column_of<'a>(table: &'a Table, name: &str) -> Result<&'a Column, String> {
    let known = || table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    table.column(name).ok_or_else(|| format!("there is no column of numbers `{name}` ({})", known()))
}

/// Whether its name speaks of time, or of the place that others have.
pub(crate) fn is_time(column: &Column) -> bool {
    TIMES.iter().any(|name| column.name.eq_ignore_ascii_case(name))
}

/// The regression of the response on all its predictors, over rows that have them all.
pub(crate) fn regression(roles: &Roles<'_>, settings: &Settings) -> Option<Fit> {
    if roles.predictors.len() + usize::from(settings.intercept) > MAX_TERMS {
        return None;
    }
    let complete = |row: &usize| roles.response.values[*row].is_finite() && roles.predictors.iter().all(|column| column.values[*row].is_finite());
    let rows: Vec<usize> = (0..roles.response.values.len()).filter(complete).collect();
    let of = |column: &Column| rows.iter().map(|row| column.values[*row]).collect::<Vec<f64>>();
    let response = of(roles.response);
    let predictors: Vec<(&str, Vec<f64>)> = roles.predictors.iter().map(|column| (column.name.as_str(), of(column))).collect();
    regression::fit(&Model {
        response: &response,
        predictors: predictors.iter().map(|(name, values)| (*name, values.as_slice())).collect(),
        degree: settings.degree,
        intercept: settings.intercept,
    })
}

/// As `regression` in the answer.
pub(crate) fn regression_json(roles: &Roles<'_>, fit: &Fit) -> Value {
    let map = |value: fn(&regression::Term) -> Option<f64>| -> Map<String, Value> {
        fit.terms.iter().map(|term| (term.name.clone(), number(value(term)))).collect()
    };
    json!({
        "response": roles.response.name,
        "predictors": roles.predictors.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
        "collinear": fit.collinear,
        "count": fit.count,
        "degrees_of_freedom": fit.degrees_of_freedom,
        "intercept": number(fit.term("intercept").map(|term| term.estimate)),
        "coefficients": map(|term| Some(term.estimate)),
        "std_errors": map(|term| term.std_error),
        "t_values": map(|term| term.t),
        "p_values": map(|term| term.p_value),
        "r_squared": number(fit.r_squared),
        "adjusted_r_squared": number(fit.adjusted_r_squared),
        "residual_std_dev": number(fit.residual_std_dev),
        "f_statistic": number(fit.f_statistic),
        "f_p_value": number(fit.f_p_value),
    })
}

/// Pearson's correlation of two columns.
pub(crate) struct Correlation {
    /// Numbers of the columns.
    pub(crate) pair: (usize, usize),
    /// `None` where one of them is constant.
    pub(crate) r: Option<f64>,
    /// Of no correlation.
    pub(crate) p_value: Option<f64>,
}

/// Correlations of all pairs of columns; empty with too many columns, or if `stop` says so.
pub(crate) fn correlations(table: &Table, stop: &dyn Fn() -> bool) -> Vec<Correlation> {
    let n = table.columns.len();
    if n > MAX_CORRELATED {
        return vec![];
    }
    let pairs = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)));
    pairs.take_while(|_| !stop()).map(|(a, b)| correlation((a, b), &table.columns[a], &table.columns[b])).collect()
}

fn correlation(pair: (usize, usize), a: &Column, b: &Column) -> Correlation {
    let both = || a.values.iter().zip(&b.values).filter(|(a, b)| a.is_finite() && b.is_finite());
    let count = both().count();
    let mean = |of: fn((&f64, &f64)) -> f64| both().map(|row| Wide::exact(of(row))).sum::<Wide>() / Wide::count(count.max(1));
    let (mean_a, mean_b) = (mean(|row| *row.0), mean(|row| *row.1));
    let (mut product, mut square_a, mut square_b) = (Wide::ZERO, Wide::ZERO, Wide::ZERO);
    for (a, b) in both() {
        let (a, b) = (Wide::exact(*a) - mean_a, Wide::exact(*b) - mean_b);
        product = product + a * b;
        square_a = square_a + a * a;
        square_b = square_b + b * b;
    }
    let constant = |mean: Wide, square: Wide| square.value() <= mean.value().powi(2) * count as f64 * 1e-28;
    let r = (product / (square_a.sqrt() * square_b.sqrt())).value().clamp(-1.0, 1.0);
    let r = Some(r).filter(|r| r.is_finite() && !constant(mean_a, square_a) && !constant(mean_b, square_b));
    let degrees = count.saturating_sub(2) as f64;
    let p_value = r.and_then(|r| student_t::two_sided_p(if r.abs() < 1.0 { r * (degrees / (1.0 - r * r)).sqrt() } else { f64::INFINITY }, degrees));
    Correlation { pair, r, p_value }
}

/// As `correlation` in the answer: a symmetric matrix.
pub(crate) fn correlation_json(table: &Table, correlations: &[Correlation]) -> Value {
    let n = table.columns.len();
    let mut matrix = vec![vec![Value::Null; n]; n];
    let mut p_values = vec![vec![Value::Null; n]; n];
    for Correlation { pair: (a, b), r, p_value } in correlations {
        for (a, b) in [(*a, *b), (*b, *a)] {
            matrix[a][b] = number(*r);
            p_values[a][b] = number(*p_value);
        }
    }
    (0..n).for_each(|at| matrix[at][at] = json!(1.0));
    json!({"columns": table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), "matrix": matrix, "p_values": p_values})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::nist::{self, digits};

    fn longley() -> Table {
        let names = ["y", "x1", "x2", "x3", "x4", "x5", "x6"];
        let columns = names.map(|name| Column { name: name.into(), values: nist::column("Longley", name) });
        Table::of_columns(columns.to_vec())
    }

    #[test]
    fn y_is_explained_by_all_others() {
        let table = longley();
        let roles = roles(&table, &Settings::default()).expect("roles").expect("roles");
        let fit = regression(&roles, &Settings::default()).expect("a fit");
        let answer = regression_json(&roles, &fit);
        assert!(digits(answer["coefficients"]["x6"].as_f64(), 1829.15146461355) >= 14.0);
        assert!(digits(answer["intercept"].as_f64(), -3482258.63459582) >= 14.0);
        assert!(digits(answer["std_errors"]["x1"].as_f64(), 84.9149257747669) >= 14.0);
        assert_eq!(answer["predictors"].as_array().map(Vec::len), Some(6));
    }

    #[test]
    fn settings_choose_the_columns_and_a_wrong_name_is_named() {
        let table = longley();
        let settings = Settings { response: Some("x1".into()), predictors: vec!["X6".into()], ..Settings::default() };
        let found = roles(&table, &settings).expect("roles").expect("roles");
        assert_eq!((found.response.name.as_str(), found.predictors[0].name.as_str()), ("x1", "x6"));
        let wrong = roles(&table, &Settings { response: Some("z".into()), ..Settings::default() });
        assert_eq!(wrong.err().as_deref(), Some("there is no column of numbers `z` (y, x1, x2, x3, x4, x5, x6)"));
    }

    #[test]
    fn correlations_are_symmetric_and_null_for_constants() {
        let column = |name: &str, values: &[f64]| Column { name: name.into(), values: values.to_vec() };
        let table = Table::of_columns(vec![column("a", &[1.0, 2.0, 3.0, 4.0]), column("b", &[2.0, 4.0, 6.0, 8.0]), column("c", &[5.0; 4])]);
        let answer = correlation_json(&table, &correlations(&table, &|| false));
        assert_eq!(answer["matrix"], json!([[1.0, 1.0, null], [1.0, 1.0, null], [null, null, 1.0]]));
        assert_eq!(answer["p_values"][0][1], json!(0.0));
    }
}
