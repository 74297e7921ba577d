//! The shapes of a chart as SVG elements.

use std::fmt::Write;

use super::{Shape, axis::Axis};

/// For what must not be overlooked.
pub(super) const STRESS: &str = "#d00000";

/// A line with more points than this has only the outermost of each column of pixels.
const MOST_POINTS: usize = 1600;
/// Lines of so few points show where these are.
const MARKED_POINTS: usize = 40;

/// Draws a shape.
pub(super) fn draw(out: &mut String, shape: &Shape, colour: &str, x: &Axis, y: &Axis) {
    match shape {
        Shape::Line { points, dashed } => line(out, points, *dashed, colour, x, y),
        Shape::Band { points } => {
            let low = points.iter().map(|(at, low, _)| (*at, *low));
            let high = points.iter().rev().map(|(at, _, high)| (*at, *high));
            let edge = list(low.chain(high).map(|(a, b)| (x.at(a), y.at(b))));
            let _ = writeln!(out, "<polygon fill=\"{colour}\" fill-opacity=\"0.16\" points=\"{edge}\"/>");
        }
        Shape::Points { points, stressed } => {
            let (colour, radius, opacity) = if *stressed { (STRESS, 5.0, 1.0) } else { (colour, 3.2, 0.7) };
            circles(out, points.iter().map(|(a, b)| (x.at(*a), y.at(*b))), radius, &format!("fill=\"{colour}\" fill-opacity=\"{opacity}\""));
        }
        Shape::Bars(bars) => {
            let _ = writeln!(out, "<g fill=\"{colour}\" fill-opacity=\"0.85\">");
            for (from, to, height) in bars {
                let (left, right) = (x.at(*from), x.at(*to));
                let (top, bottom) = (y.at(height.max(0.0)), y.at(height.min(0.0)));
                let (width, height) = ((right - left - 1.0).max(0.5), bottom - top);
                let _ = writeln!(out, "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>");
            }
            out.push_str("</g>\n");
        }
        Shape::Box { place, five, outliers } => {
            let (left, middle, right) = (x.at(place - 0.22), x.at(*place), x.at(place + 0.22));
            let [low, q1, median, q3, high] = five.map(|value| y.at(value));
            let _ = writeln!(out, "<g stroke=\"{colour}\" stroke-width=\"1.5\" fill=\"{colour}\" fill-opacity=\"0.25\">");
            for (from, to) in [(high, q3), (q1, low)] {
                let _ = writeln!(out, "<line x1=\"{middle:.1}\" y1=\"{from:.1}\" x2=\"{middle:.1}\" y2=\"{to:.1}\"/>");
            }
            for end in [high, low] {
                let _ = writeln!(out, "<line x1=\"{:.1}\" y1=\"{end:.1}\" x2=\"{:.1}\" y2=\"{end:.1}\"/>", middle - 12.0, middle + 12.0);
            }
            let _ = writeln!(out, "<rect x=\"{left:.1}\" y=\"{q3:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>", right - left, q1 - q3);
            let _ = writeln!(out, "<line x1=\"{left:.1}\" y1=\"{median:.1}\" x2=\"{right:.1}\" y2=\"{median:.1}\" stroke-width=\"3\"/>");
            out.push_str("</g>\n");
            circles(out, outliers.iter().map(|outlier| (middle, y.at(*outlier))), 3.2, &format!("fill=\"none\" stroke=\"{colour}\""));
        }
    }
}

/// What stands for a shape in the legend, in a box of 16 pixels.
pub(super) fn sample(out: &mut String, shape: &Shape, colour: &str, left: f64, middle: f64) {
    let _ = match shape {
        Shape::Line { dashed, .. } => {
            let dash = if *dashed { " stroke-dasharray=\"6 4\"" } else { "" };
            writeln!(
                out,
                "<line x1=\"{left:.1}\" y1=\"{middle}\" x2=\"{:.1}\" y2=\"{middle}\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>",
                left + 16.0
            )
        }
        Shape::Points { stressed, .. } => {
            let colour = if *stressed { STRESS } else { colour };
            writeln!(out, "<circle cx=\"{:.1}\" cy=\"{middle}\" r=\"4\" fill=\"{colour}\"/>", left + 8.0)
        }
        Shape::Band { .. } | Shape::Bars(_) | Shape::Box { .. } => {
            let opacity = if matches!(shape, Shape::Band { .. }) { 0.25 } else { 0.85 };
            writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>",
                left + 2.0,
                middle - 6.0
            )
        }
    };
}

fn line(out: &mut String, points: &[(f64, f64)], dashed: bool, colour: &str, x: &Axis, y: &Axis) {
    let dash = if dashed { " stroke-dasharray=\"6 4\"" } else { "" };
    let _ = writeln!(
        out,
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linejoin=\"round\"{dash} points=\"{}\"/>",
        pixels(points, x, y)
    );
    if !dashed && points.len() <= MARKED_POINTS {
        circles(out, points.iter().map(|(a, b)| (x.at(*a), y.at(*b))), 2.6, &format!("fill=\"{colour}\""));
    }
}

fn circles(out: &mut String, places: impl Iterator<Item = (f64, f64)>, radius: f64, style: &str) {
    let _ = writeln!(out, "<g {style}>");
    for (x, y) in places {
        let _ = writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>");
    }
    out.push_str("</g>\n");
}

/// Points of a line; of many in one column of pixels only the outermost.
fn pixels(points: &[(f64, f64)], x: &Axis, y: &Axis) -> String {
    if points.len() <= MOST_POINTS {
        return list(points.iter().map(|(a, b)| (x.at(*a), y.at(*b))));
    }
    let mut columns: Vec<(i64, f64, f64)> = vec![];
    for (a, b) in points {
        let (column, pixel) = (x.at(*a) as i64, y.at(*b));
        match columns.last_mut() {
            Some((last, low, high)) if *last == column => (*low, *high) = (low.min(pixel), high.max(pixel)),
            _ => columns.push((column, pixel, pixel)),
        }
    }
    list(columns.into_iter().flat_map(|(column, low, high)| [(column as f64, low), (column as f64, high)]))
}

fn list(points: impl Iterator<Item = (f64, f64)>) -> String {
    points.map(|(a, b)| format!("{a:.1},{b:.1}")).collect::<Vec<_>>().join(" ")
}

impl Shape {
    /// All places on the x axis.
    pub(super) fn xs(&self) -> Vec<f64> {
        match self {
            Shape::Line { points, .. } | Shape::Points { points, .. } => points.iter().map(|point| point.0).collect(),
            Shape::Band { points } => points.iter().map(|point| point.0).collect(),
            Shape::Bars(bars) => bars.iter().flat_map(|(from, to, _)| [*from, *to]).collect(),
            Shape::Box { place, .. } => vec![place - 0.5, place + 0.5],
        }
    }

    /// All places on the y axis.
    pub(super) fn ys(&self) -> Vec<f64> {
        match self {
            Shape::Line { points, .. } | Shape::Points { points, .. } => points.iter().map(|point| point.1).collect(),
            Shape::Band { points } => points.iter().flat_map(|(_, low, high)| [*low, *high]).collect(),
            // Bars stand on 0.
            Shape::Bars(bars) => bars.iter().map(|bar| bar.2).chain([0.0]).collect(),
            Shape::Box { five, outliers, .. } => five.iter().chain(outliers).copied().collect(),
        }
    }
}
