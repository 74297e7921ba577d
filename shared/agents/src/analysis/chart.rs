//! Charts as standalone SVG: what is drawn, apart from how.

mod axis;
mod draw;

use super::{
    anomalies::Anomaly,
    describe::Description,
    number::words,
    table::{Column, Table},
    trend::Trend,
};

/// A kind of chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Line,
    Bar,
    Scatter,
    Histogram,
    Box,
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chart {
    pub(crate) kind: Kind,
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    marks: Vec<Mark>,
    /// Names on the x axis instead of numbers: the n-th stands at n.
    categories: Vec<String>,
}

/// Something on the plot, in data coordinates.
#[derive(Debug, Clone, PartialEq)]
struct Mark {
    /// In the legend, where several marks have one.
    name: Option<String>,
    shape: Shape,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Line {
        points: Vec<(f64, f64)>,
        dashed: bool,
    },
    Band {
        points: Vec<(f64, f64, f64)>,
    },
    Points {
        points: Vec<(f64, f64)>,
        stressed: bool,
    },
    /// From, to, height.
    Bars(Vec<(f64, f64, f64)>),
    Box {
        place: f64,
        five: [f64; 5],
        outliers: Vec<f64>,
    },
}

/// At most so many columns are drawn.
const MAX_SERIES: usize = 8;
/// At most so many points of a scatter plot are drawn.
const MAX_POINTS: usize = 3000;
/// Up to here single values are drawn as bars.
const MAX_BARS: usize = 24;

impl Kind {
    pub(crate) const ALL: [Kind; 5] = [Kind::Line, Kind::Bar, Kind::Scatter, Kind::Histogram, Kind::Box];

    /// As in `metadata.chart` and in the answer.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::Line => "line",
            Kind::Bar => "bar",
            Kind::Scatter => "scatter",
            Kind::Histogram => "histogram",
            Kind::Box => "box",
        }
    }

    /// The kind of that name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = name.trim_end_matches(" chart").trim_end_matches(" plot").trim_end_matches("plot");
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind that a text names.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        [
            ("histogram", Kind::Histogram),
            ("scatter", Kind::Scatter),
            ("box plot", Kind::Box),
            ("boxplot", Kind::Box),
            ("bar", Kind::Bar),
            ("line", Kind::Line),
        ]
        .into_iter()
        .find(|(word, _)| text.split(|c: char| !c.is_alphanumeric() && c != ' ').any(|piece| format!(" {piece}").contains(&format!(" {word}"))))
        .map(|(_, kind)| kind)
    }
}

impl Chart {
    /// Columns in the way that suits them, or as asked.
    pub(crate) fn of_table(table: &Table, over: Option<&Column>, kind: Option<Kind>) -> Self {
        let series: Vec<&Column> = table.columns.iter().filter(|column| over.is_none_or(|over| over.name != column.name)).take(MAX_SERIES).collect();
        let series = if series.is_empty() { table.columns.iter().take(MAX_SERIES).collect() } else { series };
        let kind = kind.unwrap_or_else(|| suits(&series, over));
        let (marks, categories) = match kind {
            Kind::Line => (series.iter().map(|column| line(column, over)).collect(), vec![]),
            Kind::Scatter => (series.iter().map(|column| scatter(column, over)).collect(), vec![]),
            Kind::Bar => bars(&series),
            Kind::Histogram => (series.first().map(|column| histogram(&column.numbers())).into_iter().collect(), vec![]),
            Kind::Box => (
                series.iter().enumerate().filter_map(|(at, column)| five(at, column)).collect(),
                series.iter().map(|column| column.name.clone()).collect(),
            ),
        };
        let names = series.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
        let place = over.map_or("index", |column| column.name.as_str());
        let (x_label, y_label) = match kind {
            Kind::Histogram => (series.first().map_or_else(String::new, |column| column.name.clone()), "count".into()),
            Kind::Box => (String::new(), "value".into()),
            Kind::Bar if series.len() > 1 => ("column".into(), "mean".into()),
            _ => (place.to_string(), if series.len() == 1 { names.clone() } else { "value".into() }),
        };
        let title = match kind {
            Kind::Histogram => format!("Distribution of {x_label}"),
            Kind::Box => format!("Spread of {names}"),
            Kind::Bar if series.len() > 1 => format!("Means of {names}"),
            _ => format!("{names} over {place}"),
        };
        Chart { kind, title, x_label, y_label, marks, categories }
    }

    /// A series with its trend and forecast.
    pub(crate) fn of_trend(trend: &Trend) -> Self {
        let kind = if trend.over.is_some() { Kind::Scatter } else { Kind::Line };
        let mut marks = vec![Mark {
            name: Some(trend.response.clone()),
            shape: match kind {
                Kind::Scatter => Shape::Points { points: thin(&trend.points), stressed: false },
                _ => Shape::Line { points: trend.points.clone(), dashed: false },
            },
        }];
        let (first, last) = (trend.points.first().map(|point| point.0), trend.points.last().map(|point| point.0));
        if let (Some(fit), Some(first), Some(last)) = (&trend.fit, first, last) {
            let end = trend.forecast.last().map_or(last, |step| step.x);
            let at = |step: i32| first + (end - first) * f64::from(step) / 100.0;
            let points = (0..=100).filter_map(|step| Some((at(step), fit.predict_value(at(step))?))).collect();
            marks.push(Mark { name: Some("trend".into()), shape: Shape::Line { points, dashed: true } });
            let band: Vec<_> = trend.forecast.iter().filter_map(|step| Some((step.x, step.low?, step.high?))).collect();
            if !band.is_empty() {
                marks.push(Mark { name: Some("95 % of what comes next".into()), shape: Shape::Band { points: band } });
            }
        }
        let place = trend.over.clone().unwrap_or_else(|| "index".into());
        Chart {
            kind,
            title: format!("Trend of {} over {place}", trend.response),
            x_label: place,
            y_label: trend.response.clone(),
            marks,
            categories: vec![],
        }
    }

    /// A column with its anomalies.
    pub(crate) fn of_anomalies(column: &Column, anomalies: &[Anomaly]) -> Self {
        let points = anomalies.iter().take(MAX_POINTS).map(|anomaly| (anomaly.index as f64, anomaly.value)).collect();
        let marks = vec![line(column, None), Mark { name: Some("anomaly".into()), shape: Shape::Points { points, stressed: true } }];
        Chart {
            kind: Kind::Line,
            title: format!("Anomalies of {}", column.name),
            x_label: "index".into(),
            y_label: column.name.clone(),
            marks,
            categories: vec![],
        }
    }

    /// The SVG document.
    pub(crate) fn to_svg(&self) -> String {
        draw::svg(self)
    }
}

fn suits(series: &[&Column], over: Option<&Column>) -> Kind {
    let rises = |column: &Column| column.numbers().windows(2).all(|pair| pair[0] < pair[1]);
    match (over, series) {
        (Some(over), _) if rises(over) => Kind::Line,
        (Some(_), _) => Kind::Scatter,
        (None, [only]) if only.values.len() <= MAX_BARS => Kind::Bar,
        _ => Kind::Line,
    }
}

fn places<'a>(column: &'a Column, over: Option<&'a Column>) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> =
        column.present().map(|(row, value)| (over.map_or(row as f64, |over| over.values[row]), value)).filter(|(x, _)| x.is_finite()).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

fn line(column: &Column, over: Option<&Column>) -> Mark {
    Mark { name: Some(column.name.clone()), shape: Shape::Line { points: places(column, over), dashed: false } }
}

fn scatter(column: &Column, over: Option<&Column>) -> Mark {
    Mark { name: Some(column.name.clone()), shape: Shape::Points { points: thin(&places(column, over)), stressed: false } }
}

/// Evenly chosen points, where there are too many.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    points.iter().copied().step_by(points.len().div_ceil(MAX_POINTS).max(1)).collect()
}

/// One bar for each value of a short column; for longer ones or several one for each mean.
fn bars(series: &[&Column]) -> (Vec<Mark>, Vec<String>) {
    let bars = |heights: Vec<f64>| heights.into_iter().enumerate().map(|(at, height)| (at as f64 - 0.4, at as f64 + 0.4, height)).collect();
    match series {
        [only] => {
            let heights = only.present().take(10 * MAX_BARS).map(|(row, height)| (row as f64 - 0.4, row as f64 + 0.4, height)).collect();
            (vec![Mark { name: None, shape: Shape::Bars(heights) }], vec![])
        }
        _ => {
            let means = series.iter().map(|column| Description::of(&column.numbers()).mean.unwrap_or(0.0)).collect();
            (vec![Mark { name: None, shape: Shape::Bars(bars(means)) }], series.iter().map(|column| column.name.clone()).collect())
        }
    }
}

/// Bins after Freedman and Diaconis, 5 to 50 of them.
fn histogram(values: &[f64]) -> Mark {
    let description = Description::of(values);
    let (low, high) = (description.min.unwrap_or(0.0), description.max.unwrap_or(1.0));
    let width = 2.0 * description.iqr.unwrap_or(0.0) / (values.len().max(1) as f64).cbrt();
    let range = high - low;
    let bins = if range > 0.0 && range.is_finite() && width > 0.0 { (range / width).ceil().clamp(5.0, 50.0) as usize } else { 5 };
    let (low, range) = if range > 0.0 && range.is_finite() { (low, range) } else { (low - 0.5, 1.0) };
    let mut counts = vec![0usize; bins];
    for value in values {
        let bin = ((value - low) / range * bins as f64) as usize;
        counts[bin.min(bins - 1)] += 1;
    }
    let edge = |at: usize| low + range * at as f64 / bins as f64;
    Mark { name: None, shape: Shape::Bars(counts.into_iter().enumerate().map(|(at, count)| (edge(at), edge(at + 1), count as f64)).collect()) }
}

/// Whiskers reach to the last value within 1.5 interquartile ranges.
fn five(at: usize, column: &Column) -> Option<Mark> {
    let values = column.numbers();
    let description = Description::of(&values);
    let (q1, median, q3, iqr) = (description.q1?, description.median?, description.q3?, description.iqr?);
    let inside = |value: &&f64| (q1 - 1.5 * iqr..=q3 + 1.5 * iqr).contains(*value);
    let low = values.iter().filter(inside).copied().fold(q1, f64::min);
    let high = values.iter().filter(inside).copied().fold(q3, f64::max);
    let outliers = values.iter().filter(|value| !inside(value)).copied().take(MAX_POINTS / MAX_SERIES).collect();
    Some(Mark { name: None, shape: Shape::Box { place: at as f64, five: [low, q1, median, q3, high], outliers } })
}

/// What a chart shows, in a sentence.
pub(crate) fn sentence(chart: &Chart) -> String {
    let points: usize = chart.marks.iter().map(|mark| mark.shape.len()).sum();
    format!("The {} chart \"{}\" shows {} points.", chart.kind.name(), chart.title, words(points as f64))
}

impl Shape {
    fn len(&self) -> usize {
        match self {
            Shape::Line { points, .. } | Shape::Points { points, .. } => points.len(),
            Shape::Band { points } => points.len(),
            Shape::Bars(bars) => bars.len(),
            Shape::Box { outliers, .. } => 5 + outliers.len(),
        }
    }
}
