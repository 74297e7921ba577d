//! Writes a chart as SVG 1.1: no script, no link, nothing from outside.

use std::fmt::Write;

use super::{Chart, Mark, Shape, axis::Axis};

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 64.0;

/// Told apart by people who see colours differently, too (after Okabe and Ito).
const COLOURS: [&str; 8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#8c510a"];
const STRESS: &str = "#d00000";

/// The whole document.
pub(super) fn svg(chart: &Chart) -> String {
    let x = Axis::over(chart.marks.iter().flat_map(|mark| mark.shape.xs()), LEFT, WIDTH - RIGHT);
    let y = Axis::over(chart.marks.iter().flat_map(|mark| mark.shape.ys()), HEIGHT - BOTTOM, TOP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<title>{title}</title>\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{middle}\" y=\"26\" text-anchor=\"middle\" font-size=\"17\">{title}</text>\n",
        title = escaped(&chart.title, 90),
        middle = WIDTH / 2.0
    );
    axes(&mut out, chart, &x, &y);
    for (number, mark) in chart.marks.iter().enumerate() {
        draw(&mut out, mark, COLOURS[number % COLOURS.len()], &x, &y);
    }
    legend(&mut out, chart);
    out.push_str("</svg>\n");
    out
}

fn axes(out: &mut String, chart: &Chart, x: &Axis, y: &Axis) {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    let named = chart.categories.iter().enumerate().map(|(at, name)| (at as f64, name.clone())).collect::<Vec<_>>();
    let ticks = if named.is_empty() { x.ticks(8) } else { named };
    out.push_str("<g stroke=\"#dddddd\">\n");
    for (tick, _) in y.ticks(6) {
        let _ = writeln!(out, "<line x1=\"{LEFT}\" y1=\"{0:.1}\" x2=\"{right}\" y2=\"{0:.1}\"/>", y.at(tick));
    }
    out.push_str("</g>\n<g stroke=\"#333333\">\n");
    let _ = writeln!(out, "<line x1=\"{LEFT}\" y1=\"{bottom}\" x2=\"{right}\" y2=\"{bottom}\"/>");
    let _ = writeln!(out, "<line x1=\"{LEFT}\" y1=\"{TOP}\" x2=\"{LEFT}\" y2=\"{bottom}\"/>");
    for (tick, _) in &ticks {
        let _ = writeln!(out, "<line x1=\"{0:.1}\" y1=\"{bottom}\" x2=\"{0:.1}\" y2=\"{1}\"/>", x.at(*tick), bottom + 5.0);
    }
    out.push_str("</g>\n<g fill=\"#333333\">\n");
    for (tick, label) in &ticks {
        let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>", x.at(*tick), bottom + 19.0, escaped(label, 16));
    }
    for (tick, label) in y.ticks(6) {
        let _ = writeln!(out, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", LEFT - 8.0, y.at(tick) + 4.0, escaped(&label, 16));
    }
    let (middle_x, middle_y) = ((LEFT + right) / 2.0, (TOP + bottom) / 2.0);
    let _ = writeln!(
        out,
        "<text x=\"{middle_x}\" y=\"{}\" text-anchor=\"middle\" font-size=\"13\">{}</text>",
        HEIGHT - 22.0,
        escaped(&chart.x_label, 60)
    );
    let _ = writeln!(
        out,
        "<text x=\"18\" y=\"{middle_y}\" text-anchor=\"middle\" font-size=\"13\" transform=\"rotate(-90 18 {middle_y})\">{}</text>",
        escaped(&chart.y_label, 40)
    );
    out.push_str("</g>\n");
}

fn draw(out: &mut String, mark: &Mark, colour: &str, x: &Axis, y: &Axis) {
    match &mark.shape {
        Shape::Line { points, dashed } => {
            let dash = if *dashed { " stroke-dasharray=\"6 4\"" } else { "" };
            let points = pixels(points, x, y);
            let _ = writeln!(out, "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\"{dash} points=\"{points}\"/>");
        }
        Shape::Band { points } => {
            let low = points.iter().map(|(at, low, _)| (*at, *low)).collect::<Vec<_>>();
            let high = points.iter().rev().map(|(at, _, high)| (*at, *high)).collect::<Vec<_>>();
            let edge = [low, high].concat();
            let _ = writeln!(
                out,
                "<polygon fill=\"{colour}\" fill-opacity=\"0.25\" stroke=\"{colour}\" points=\"{}\"/>",
                list(edge.iter().map(|(a, b)| (x.at(*a), y.at(*b))))
            );
        }
        Shape::Points { points, stressed } => {
            let (colour, radius) = if *stressed { (STRESS, 5.0) } else { (colour, 3.0) };
            let _ = writeln!(out, "<g fill=\"{colour}\" fill-opacity=\"0.75\">");
            for (a, b) in points {
                let _ = writeln!(out, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\"/>", x.at(*a), y.at(*b));
            }
            out.push_str("</g>\n");
        }
        Shape::Bars(bars) => {
            let _ = writeln!(out, "<g fill=\"{colour}\" fill-opacity=\"0.8\">");
            for (from, to, height) in bars {
                let (left, right) = (x.at(*from), x.at(*to));
                let (top, bottom) = (y.at(height.max(0.0)), y.at(height.min(0.0)));
                let _ = writeln!(
                    out,
                    "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                    (right - left - 1.0).max(0.5),
                    bottom - top
                );
            }
            out.push_str("</g>\n");
        }
        Shape::Box { place, five, outliers } => {
            let (left, middle, right) = (x.at(place - 0.25), x.at(*place), x.at(place + 0.25));
            let [low, q1, median, q3, high] = five.map(|value| y.at(value));
            let _ = writeln!(out, "<g stroke=\"{colour}\" fill=\"{colour}\" fill-opacity=\"0.3\">");
            let _ = writeln!(out, "<line x1=\"{middle:.1}\" y1=\"{high:.1}\" x2=\"{middle:.1}\" y2=\"{low:.1}\"/>");
            let _ = writeln!(out, "<rect x=\"{left:.1}\" y=\"{q3:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>", right - left, q1 - q3);
            let _ = writeln!(out, "<line x1=\"{left:.1}\" y1=\"{median:.1}\" x2=\"{right:.1}\" y2=\"{median:.1}\" stroke-width=\"2.5\"/>");
            for outlier in outliers {
                let _ = writeln!(out, "<circle cx=\"{middle:.1}\" cy=\"{:.1}\" r=\"3\"/>", y.at(*outlier));
            }
            out.push_str("</g>\n");
        }
    }
}

fn legend(out: &mut String, chart: &Chart) {
    let named: Vec<(usize, &String)> = chart.marks.iter().enumerate().filter_map(|(number, mark)| Some((number, mark.name.as_ref()?))).collect();
    if named.len() < 2 {
        return;
    }
    for (line, (number, name)) in named.into_iter().enumerate() {
        let stressed = matches!(chart.marks[number].shape, Shape::Points { stressed: true, .. });
        let colour = if stressed { STRESS } else { COLOURS[number % COLOURS.len()] };
        let y = TOP + 8.0 + 17.0 * line as f64;
        let _ = writeln!(out, "<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>", LEFT + 12.0, y);
        let _ = writeln!(out, "<text x=\"{}\" y=\"{}\">{}</text>", LEFT + 30.0, y + 10.0, escaped(name, 40));
    }
}

/// Points of a line; of many in one column of pixels only the outermost.
fn pixels(points: &[(f64, f64)], x: &Axis, y: &Axis) -> String {
    if points.len() <= 2 * WIDTH as usize {
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

/// Text as XML takes it, cut to a length in characters; characters that XML can't hold are left out.
fn escaped(text: &str, longest: usize) -> String {
    let allowed = |c: &char| !c.is_control() && !matches!(*c, '\u{fffe}' | '\u{ffff}');
    let mut out = String::new();
    for (at, c) in text.chars().filter(allowed).enumerate() {
        if at == longest {
            out.push('…');
            break;
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

impl Shape {
    fn xs(&self) -> Vec<f64> {
        match self {
            Shape::Line { points, .. } | Shape::Points { points, .. } => points.iter().map(|point| point.0).collect(),
            Shape::Band { points } => points.iter().map(|point| point.0).collect(),
            Shape::Bars(bars) => bars.iter().flat_map(|(from, to, _)| [*from, *to]).collect(),
            Shape::Box { place, .. } => vec![place - 0.5, place + 0.5],
        }
    }

    fn ys(&self) -> Vec<f64> {
        match self {
            Shape::Line { points, .. } | Shape::Points { points, .. } => points.iter().map(|point| point.1).collect(),
            Shape::Band { points } => points.iter().flat_map(|(_, low, high)| [*low, *high]).collect(),
            // Bars stand on 0.
            Shape::Bars(bars) => bars.iter().map(|bar| bar.2).chain([0.0]).collect(),
            Shape::Box { five, outliers, .. } => five.iter().chain(outliers).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{
        chart::Kind,
        table::{Column, Table},
    };

    fn table(columns: &[(&str, &[f64])]) -> Table {
        let columns = columns.iter().map(|(name, values)| Column { name: (*name).into(), values: values.to_vec() }).collect();
        Table { columns, categorical: vec![] }
    }

    fn parse(svg: &str) {
        let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
        assert_eq!(document.root_element().tag_name().name(), "svg");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn every_kind_is_well_formed_whatever_the_data() {
        let huge = [f64::MAX, -f64::MAX, 0.0, 5e-324];
        let long: Vec<f64> = (0..5000).map(|i| f64::from(i % 97)).collect();
        for values in [&[][..], &[5.0], &[0.0; 3], &[1.0, f64::NAN, 3.0], &huge, &long] {
            for kind in Kind::ALL.map(Some).into_iter().chain([None]) {
                let one = table(&[("v", values)]);
                parse(&Chart::of_table(&one, None, kind).to_svg());
                let two = table(&[("x", values), ("y", values)]);
                parse(&Chart::of_table(&two, two.column("x"), kind).to_svg());
                parse(&Chart::of_table(&two, None, kind).to_svg());
            }
        }
    }

    #[test]
    fn names_are_escaped_and_never_run() {
        let table = table(&[("<script>alert('&')</script>\u{1}\"", &[1.0, 2.0]), ("b", &[2.0, 1.0])]);
        for kind in Kind::ALL {
            let svg = Chart::of_table(&table, None, Some(kind)).to_svg();
            parse(&svg);
            assert!(!svg.contains("<script"));
        }
    }

    #[test]
    fn a_chart_has_title_axes_ticks_and_labels() {
        let table = table(&[("x", &[1.0, 2.0, 3.0]), ("y", &[2.0, 4.0, 9.0])]);
        let svg = Chart::of_table(&table, table.column("x"), None).to_svg();
        for piece in ["<title>y over x</title>", ">y over x</text>", ">x</text>", ">y</text>", ">2</text>", "<polyline"] {
            assert!(svg.contains(piece), "{piece} in {svg}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_values_and_any_title_make_a_document(values in proptest::collection::vec(proptest::num::f64::ANY, 0..40), title in "\\PC{0,20}") {
            let mut chart = Chart::of_table(&table(&[(&title, &values)]), None, None);
            chart.title = title.clone();
            parse(&chart.to_svg());
        }
    }
}
