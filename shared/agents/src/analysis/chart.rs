//! Charts as standalone SVG: what is drawn, apart from how.

mod axis;
mod draw;
mod shapes;

use super::{
    anomalies::Anomaly,
    calendar::Calendar,
    describe::Description,
    number::words,
    table::{Column, MAX_LABELS, Place, Table},
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
    /// Dates on the x axis instead of numbers.
    calendar: Option<Calendar>,
    /// Axes of things that are counted have no halves.
    whole_x: bool,
    whole_y: bool,
}

/// Something on the plot, in data coordinates.
#[derive(Debug, Clone, PartialEq)]
struct Mark {
    /// In the legend, where several marks have one.
    name: Option<String>,
    /// Which of the colours.
    colour: usize,
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
const MAX_BARS: usize = MAX_LABELS;
/// How much of the room between two names bars take.
const BAR_WIDTH: f64 = 0.8;

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
    pub(crate) fn of_table(table: &Table, over: Option<Place<'_>>, kind: Option<Kind>) -> Self {
        let others = table.columns.iter().filter(|column| over.is_none_or(|over| over.column.name != column.name));
        let series: Vec<&Column> = others.take(MAX_SERIES).collect();
        let series = if series.is_empty() { table.columns.iter().take(MAX_SERIES).collect() } else { series };
        let kind = kind.unwrap_or_else(|| suits(&series, over, &table.labels));
        let rows_are_named = over.is_none() && !table.labels.is_empty() && matches!(kind, Kind::Line | Kind::Bar);
        let mut categories = if rows_are_named { table.labels.clone() } else { vec![] };
        let marks: Vec<Shape> = match kind {
            Kind::Line => series.iter().map(|column| Shape::Line { points: places(column, over), dashed: false }).collect(),
            Kind::Scatter => series.iter().map(|column| Shape::Points { points: thin(&places(column, over)), stressed: false }).collect(),
            Kind::Bar if series.len() == 1 || rows_are_named => bars(&series, over),
            Kind::Bar => {
                categories = series.iter().map(|column| column.name.clone()).collect();
                vec![means(&series)]
            }
            Kind::Histogram => series.first().map(|column| histogram(&column.numbers())).into_iter().collect(),
            Kind::Box => {
                categories = series.iter().map(|column| column.name.clone()).collect();
                series.iter().enumerate().filter_map(|(at, column)| five(at, column)).collect()
            }
        };
        let is_named = marks.len() == series.len() && !matches!(kind, Kind::Box | Kind::Histogram);
        let name = |at: usize| is_named.then(|| series[at].name.clone());
        let marks = marks.into_iter().enumerate().map(|(at, shape)| Mark { name: name(at), colour: at, shape }).collect();

        let names = series.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
        let place = if rows_are_named { table.labels_of.as_str() } else { over.map_or("index", |over| over.column.name.as_str()) };
        let (x_label, y_label) = match kind {
            Kind::Histogram => (series.first().map_or_else(String::new, |column| column.name.clone()), "count".into()),
            Kind::Box => (String::new(), "value".into()),
            Kind::Bar if !is_named => (String::new(), "mean".into()),
            _ => (place.to_string(), if series.len() == 1 { names.clone() } else { "value".into() }),
        };
        let title = match kind {
            Kind::Histogram => format!("Distribution of {x_label}"),
            Kind::Box => format!("Spread of {names}"),
            Kind::Bar if !is_named => format!("Means of {names}"),
            _ if rows_are_named && place.is_empty() => names,
            _ if rows_are_named => format!("{names} by {place}"),
            _ => format!("{names} over {place}"),
        };
        let has_places = matches!(kind, Kind::Line | Kind::Scatter) || kind == Kind::Bar && is_named;
        let calendar = over.filter(|_| has_places).and_then(|over| over.calendar.cloned());
        let whole_x = has_places && over.is_none();
        Chart { kind, title, x_label, y_label, marks, categories, calendar, whole_x, whole_y: kind == Kind::Histogram }
    }

    /// A series with its trend and forecast.
    pub(crate) fn of_trend(trend: &Trend) -> Self {
        let is_series = trend.over.is_none() || trend.calendar.is_some();
        let kind = if is_series { Kind::Line } else { Kind::Scatter };
        let shape = match kind {
            Kind::Scatter => Shape::Points { points: thin(&trend.points), stressed: false },
            _ => Shape::Line { points: trend.points.clone(), dashed: false },
        };
        let mut marks = vec![Mark { name: Some(trend.response.clone()), colour: 0, shape }];
        let (first, last) = (trend.points.first().map(|point| point.0), trend.points.last().map(|point| point.0));
        if let (Some(fit), Some(first), Some(last)) = (&trend.fit, first, last) {
            let at = |step: i32| first + (last - first) * f64::from(step) / 100.0;
            let points = (0..=100).filter_map(|step| Some((at(step), fit.predict_value(at(step))?))).collect();
            marks.push(Mark { name: Some("trend".into()), colour: 1, shape: Shape::Line { points, dashed: true } });
            let points = trend.forecast.iter().map(|step| (step.x, step.value)).collect::<Vec<_>>();
            if !points.is_empty() {
                marks.push(Mark { name: Some("forecast".into()), colour: 2, shape: Shape::Line { points, dashed: false } });
            }
            let band: Vec<_> = trend.forecast.iter().filter_map(|step| Some((step.x, step.low?, step.high?))).collect();
            if !band.is_empty() {
                marks.push(Mark { name: Some("95 % prediction interval".into()), colour: 2, shape: Shape::Band { points: band } });
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
            calendar: trend.calendar.clone(),
            whole_x: trend.over.is_none(),
            whole_y: false,
        }
    }

    /// A column with its anomalies, over its rows or over dates.
    pub(crate) fn of_anomalies(column: &Column, anomalies: &[Anomaly], over: Option<Place<'_>>) -> Self {
        let place = |row: usize| over.map_or(row as f64, |over| over.column.values[row]);
        let points = anomalies.iter().take(MAX_POINTS).map(|anomaly| (place(anomaly.index), anomaly.value)).collect();
        let series = Shape::Line { points: places(column, over), dashed: false };
        let mut marks = vec![Mark { name: Some(column.name.clone()), colour: 0, shape: series }];
        if !anomalies.is_empty() {
            marks.push(Mark { name: Some("anomaly".into()), colour: 1, shape: Shape::Points { points, stressed: true } });
        }
        Chart {
            kind: Kind::Line,
            title: format!("Anomalies of {}", column.name),
            x_label: over.map_or("index", |over| &over.column.name).into(),
            y_label: column.name.clone(),
            marks,
            categories: vec![],
            calendar: over.and_then(|over| over.calendar.cloned()),
            whole_x: over.is_none(),
            whole_y: false,
        }
    }

    /// The SVG document.
    pub(crate) fn to_svg(&self) -> String {
        draw::svg(self)
    }
}

fn suits(series: &[&Column], over: Option<Place<'_>>, labels: &[String]) -> Kind {
    let rises = |column: &Column| column.numbers().windows(2).all(|pair| pair[0] < pair[1]);
    match (over, series) {
        (Some(over), _) if over.calendar.is_some() || rises(over.column) => Kind::Line,
        (Some(_), _) => Kind::Scatter,
        (None, _) if !labels.is_empty() => Kind::Bar,
        (None, [only]) if only.values.len() <= MAX_BARS => Kind::Bar,
        _ => Kind::Line,
    }
}

fn places(column: &Column, over: Option<Place<'_>>) -> Vec<(f64, f64)> {
    let place = |row: usize| over.map_or(row as f64, |over| over.column.values[row]);
    let mut points: Vec<(f64, f64)> = column.present().map(|(row, value)| (place(row), value)).filter(|(x, _)| x.is_finite()).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

/// Evenly chosen points, where there are too many.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    points.iter().copied().step_by(points.len().div_ceil(MAX_POINTS).max(1)).collect()
}

/// One bar for each value; those of several columns stand side by side.
fn bars(series: &[&Column], over: Option<Place<'_>>) -> Vec<Shape> {
    let width = BAR_WIDTH / series.len() as f64;
    let of = |(number, column): (usize, &&Column)| {
        let points = places(column, over);
        // Bars over numbers or dates that lie close to each other are as narrow as these are close.
        let closest = points.windows(2).map(|pair| pair[1].0 - pair[0].0).filter(|gap| *gap > 0.0).fold(f64::INFINITY, f64::min);
        let scale = if closest.is_finite() { closest } else { 1.0 };
        let from = |x: f64| x + scale * (width * number as f64 - BAR_WIDTH / 2.0);
        Shape::Bars(points.into_iter().take(10 * MAX_BARS).map(|(x, height)| (from(x), from(x) + scale * width, height)).collect())
    };
    series.iter().enumerate().map(of).collect()
}

/// One bar for each column.
fn means(series: &[&Column]) -> Shape {
    let mean = |column: &&Column| Description::of(&column.numbers()).mean.unwrap_or(0.0);
    let bar = |(at, height): (usize, f64)| (at as f64 - BAR_WIDTH / 2.0, at as f64 + BAR_WIDTH / 2.0, height);
    Shape::Bars(series.iter().map(mean).enumerate().map(bar).collect())
}

/// Bins after Freedman and Diaconis, 5 to 50 of them.
fn histogram(values: &[f64]) -> Shape {
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
    Shape::Bars(counts.into_iter().enumerate().map(|(at, count)| (edge(at), edge(at + 1), count as f64)).collect())
}

/// Whiskers reach to the last value within 1.5 interquartile ranges.
fn five(at: usize, column: &Column) -> Option<Shape> {
    let values = column.numbers();
    let description = Description::of(&values);
    let (q1, median, q3, iqr) = (description.q1?, description.median?, description.q3?, description.iqr?);
    let inside = |value: &&f64| (q1 - 1.5 * iqr..=q3 + 1.5 * iqr).contains(*value);
    let low = values.iter().filter(inside).copied().fold(q1, f64::min);
    let high = values.iter().filter(inside).copied().fold(q3, f64::max);
    let outliers = values.iter().filter(|value| !inside(value)).copied().take(MAX_POINTS / MAX_SERIES).collect();
    Some(Shape::Box { place: at as f64, five: [low, q1, median, q3, high], outliers })
}

/// What a chart shows, in a sentence.
pub(crate) fn sentence(chart: &Chart) -> String {
    let count: usize = chart.marks.iter().map(|mark| mark.shape.len()).sum();
    let (noun, one, many) = match chart.kind {
        Kind::Line => ("line chart", "point", "points"),
        Kind::Scatter => ("scatter plot", "point", "points"),
        Kind::Bar => ("bar chart", "bar", "bars"),
        Kind::Histogram => ("histogram", "bin", "bins"),
        Kind::Box => ("box plot", "box", "boxes"),
    };
    format!("The {noun} “{}” shows {} {}.", chart.title, words(count as f64), if count == 1 { one } else { many })
}

impl Shape {
    fn len(&self) -> usize {
        match self {
            Shape::Line { points, .. } | Shape::Points { points, .. } => points.len(),
            Shape::Band { points } => points.len(),
            Shape::Bars(bars) => bars.len(),
            Shape::Box { .. } => 1,
        }
    }
}
