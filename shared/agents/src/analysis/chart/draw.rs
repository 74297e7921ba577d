//! Writes a chart as SVG 1.1: no script, no link, nothing from outside.

use std::fmt::Write;

use super::{
    Chart, Kind, Mark, Shape,
    axis::Axis,
    shapes::{draw, sample},
};

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 480.0;
const RIGHT: f64 = 36.0;
/// Of the title.
const HEAD: f64 = 46.0;
const LEGEND_LINE: f64 = 22.0;
/// Of a panel, where series have one each.
const PANEL_HEIGHT: f64 = 170.0;
const PANEL_GAP: f64 = 30.0;
/// The mean width of a letter of 12 pixels.
const LETTER: f64 = 6.6;
/// Letters of a name on an axis, at most.
const LONGEST_NAME: usize = 16;

/// Told apart by people who see colours differently, too (after Okabe and Ito).
const COLOURS: [&str; 8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#8c510a"];

/// Where marks are drawn, in pixels.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// What is written below the lowest frame.
struct Names {
    ticks: Vec<(f64, String)>,
    slanted: bool,
    /// In letters.
    longest: usize,
}

/// The whole document. Series of very different size have a panel each; one axis would flatten all but the largest.
pub(super) fn svg(chart: &Chart) -> String {
    let panels: Vec<&[Mark]> = if needs_panels(chart) { chart.marks.chunks(1).collect() } else { vec![&chart.marks] };
    let single = panels.len() == 1;
    let legend = if single { legend_lines(chart) } else { vec![] };
    let top = HEAD + LEGEND_LINE * legend.len() as f64 + if single { 0.0 } else { 16.0 };

    let y_axis = |marks: &[Mark], frame: &Frame| Axis::over(marks.iter().flat_map(|mark| mark.shape.ys()), frame.bottom, frame.top);
    let any = Frame { left: 0.0, right: WIDTH, top: 0.0, bottom: 100.0 };
    let labels = panels.iter().flat_map(|marks| y_axis(marks, &any).ticks(if single { 6 } else { 4 }, chart.whole_y));
    let widest = labels.map(|(_, label)| label.chars().count()).max().unwrap_or(1);
    let left = if single && !chart.y_label.is_empty() { 42.0 } else { 20.0 } + LETTER * widest.min(LONGEST_NAME) as f64 + 8.0;
    let x = Axis::over(chart.marks.iter().flat_map(|mark| mark.shape.xs()), left, WIDTH - RIGHT);
    let names = names(chart, &x, WIDTH - RIGHT - left);
    // Slanted names reach out to the left of what they name.
    let left = if names.slanted { left.max(LETTER * names.longest as f64 * 0.7) } else { left };
    let x = Axis::over(chart.marks.iter().flat_map(|mark| mark.shape.xs()), left, WIDTH - RIGHT);
    let foot = if names.slanted { 26.0 + LETTER * names.longest as f64 * 0.75 } else { 34.0 } + if chart.x_label.is_empty() { 0.0 } else { 24.0 };

    let panel_height = if single { HEIGHT - top - foot } else { PANEL_HEIGHT };
    let height = top + foot + panel_height * panels.len() as f64 + PANEL_GAP * (panels.len() - 1) as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\" font-size=\"12\">\n<title>{title}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"{middle}\" y=\"28\" text-anchor=\"middle\" font-size=\"17\" font-weight=\"600\" fill=\"#222222\">{title}</text>\n",
        title = escaped(&chart.title, 80),
        middle = WIDTH / 2.0
    );
    write_legend(&mut out, &legend);
    let mut frame = Frame { left, right: WIDTH - RIGHT, top, bottom: top + panel_height };
    for (number, marks) in panels.iter().enumerate() {
        let y = y_axis(marks, &frame);
        grid(&mut out, &frame, &y.ticks(if single { 6 } else { 4 }, chart.whole_y), &names.ticks, &x, &y);
        // What covers much lies below what covers little.
        let (bands, others): (Vec<&Mark>, Vec<&Mark>) = marks.iter().partition(|mark| matches!(mark.shape, Shape::Band { .. }));
        for mark in bands.into_iter().chain(others) {
            draw(&mut out, &mark.shape, colour(mark), &x, &y);
        }
        if !single && let Some(name) = marks.first().and_then(|mark| mark.name.as_ref()) {
            let fill = marks.first().map_or("#222222", colour);
            let _ = writeln!(out, "<text x=\"{left}\" y=\"{:.1}\" font-weight=\"600\" fill=\"{fill}\">{}</text>", frame.top - 8.0, escaped(name, 60));
        }
        if number + 1 < panels.len() {
            frame = Frame { top: frame.bottom + PANEL_GAP, bottom: frame.bottom + PANEL_GAP + panel_height, ..frame };
        }
    }
    labels_below(&mut out, chart, &names, &x, &frame, height);
    if single {
        let middle = (frame.top + frame.bottom) / 2.0;
        let label = escaped(&chart.y_label, 40);
        let _ = writeln!(
            out,
            "<text x=\"20\" y=\"{middle:.1}\" text-anchor=\"middle\" font-size=\"13\" fill=\"#444444\" transform=\"rotate(-90 20 {middle:.1})\">{label}</text>"
        );
    }
    out.push_str("</svg>\n");
    out
}

fn colour(mark: &Mark) -> &'static str {
    COLOURS[mark.colour % COLOURS.len()]
}

/// Whether one of several lines would have less than an eighth of the height.
fn needs_panels(chart: &Chart) -> bool {
    let range = |ys: &mut dyn Iterator<Item = f64>| {
        let (low, high) = ys.filter(|y| y.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
        high - low
    };
    let series = chart.marks.iter().filter(|mark| matches!(mark.shape, Shape::Line { dashed: false, .. })).count();
    let all = range(&mut chart.marks.iter().flat_map(|mark| mark.shape.ys()));
    let smallest = chart.marks.iter().map(|mark| range(&mut mark.shape.ys().into_iter())).filter(|range| *range > 0.0).fold(f64::INFINITY, f64::min);
    let is_of_table = chart.kind == Kind::Line && series == chart.marks.len() && series > 1;
    is_of_table && all.is_finite() && smallest.is_finite() && smallest < all / 8.0
}

/// Names or numbers on the x axis; names that have no room side by side are slanted.
fn names(chart: &Chart, x: &Axis, width: f64) -> Names {
    let (low, high) = x.ends();
    let ticks = match &chart.calendar {
        _ if !chart.categories.is_empty() => chart.categories.iter().enumerate().map(|(at, name)| (at as f64, name.clone())).collect(),
        Some(calendar) => calendar.ticks(low, high, 8),
        None => x.ticks(8, chart.whole_x),
    };
    let ticks: Vec<(f64, String)> = ticks.into_iter().map(|(tick, name): (f64, String)| (tick, shortened(&name))).collect();
    let longest = ticks.iter().map(|(_, name)| name.chars().count()).max().unwrap_or(0);
    let slanted = !chart.categories.is_empty() && longest as f64 * LETTER + 8.0 > width / ticks.len().max(1) as f64;
    Names { ticks, slanted, longest }
}

/// Long names often differ at their ends, so the middle is left out.
fn shortened(name: &str) -> String {
    let letters: Vec<char> = name.trim().chars().collect();
    if letters.len() <= LONGEST_NAME {
        return letters.into_iter().collect();
    }
    let (begin, end) = letters.split_at(LONGEST_NAME / 2);
    begin.iter().chain(['…'].iter()).chain(&end[end.len() - (LONGEST_NAME / 2 - 1)..]).collect()
}

fn grid(out: &mut String, frame: &Frame, y_ticks: &[(f64, String)], x_ticks: &[(f64, String)], x: &Axis, y: &Axis) {
    let Frame { left, right, bottom, .. } = frame;
    out.push_str("<g stroke=\"#e4e4e4\">\n");
    for (tick, _) in y_ticks {
        let _ = writeln!(out, "<line x1=\"{left:.1}\" y1=\"{0:.1}\" x2=\"{right}\" y2=\"{0:.1}\"/>", y.at(*tick));
    }
    out.push_str("</g>\n<g stroke=\"#888888\">\n");
    let _ = writeln!(out, "<line x1=\"{left:.1}\" y1=\"{bottom:.1}\" x2=\"{right}\" y2=\"{bottom:.1}\"/>");
    for (tick, _) in x_ticks {
        let _ = writeln!(out, "<line x1=\"{0:.1}\" y1=\"{bottom:.1}\" x2=\"{0:.1}\" y2=\"{1:.1}\"/>", x.at(*tick), bottom + 5.0);
    }
    out.push_str("</g>\n<g fill=\"#444444\">\n");
    for (tick, label) in y_ticks {
        let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", left - 8.0, y.at(*tick) + 4.0, escaped(label, 16));
    }
    out.push_str("</g>\n");
}

fn labels_below(out: &mut String, chart: &Chart, names: &Names, x: &Axis, frame: &Frame, height: f64) {
    out.push_str("<g fill=\"#444444\">\n");
    for (tick, name) in &names.ticks {
        let (at, below, name) = (x.at(*tick), frame.bottom + 19.0, escaped(name, LONGEST_NAME));
        let _ = match names.slanted {
            true => {
                writeln!(out, "<text x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"end\" transform=\"rotate(-45 {at:.1} {below:.1})\">{name}</text>")
            }
            false => writeln!(out, "<text x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{name}</text>"),
        };
    }
    let middle = (frame.left + frame.right) / 2.0;
    let label = escaped(&chart.x_label, 60);
    let _ = writeln!(out, "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"13\">{label}</text>", height - 14.0);
    out.push_str("</g>\n");
}

/// Marks with a name, in lines that have room for them; none where there is nothing to tell apart.
fn legend_lines(chart: &Chart) -> Vec<Vec<(&Mark, f64)>> {
    let named: Vec<&Mark> = chart.marks.iter().filter(|mark| mark.name.is_some()).collect();
    let mut lines: Vec<Vec<(&Mark, f64)>> = vec![];
    let mut used = f64::INFINITY;
    for mark in named.iter().filter(|_| named.len() > 1) {
        let width = 16.0 + 6.0 + LETTER * mark.name.as_ref().map_or(0, |name| name.chars().count().min(41)) as f64 + 22.0;
        if used + width > WIDTH - 80.0 {
            lines.push(vec![]);
            used = 0.0;
        }
        used += width;
        if let Some(line) = lines.last_mut() {
            line.push((mark, width));
        }
    }
    lines
}

fn write_legend(out: &mut String, lines: &[Vec<(&Mark, f64)>]) {
    for (number, line) in lines.iter().enumerate() {
        let middle = HEAD + 2.0 + LEGEND_LINE * number as f64;
        let mut left = (WIDTH - line.iter().map(|(_, width)| width).sum::<f64>()) / 2.0;
        for (mark, width) in line {
            sample(out, &mark.shape, colour(mark), left, middle);
            let name = escaped(mark.name.as_deref().unwrap_or_default(), 40);
            let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"#444444\">{name}</text>", left + 22.0, middle + 4.0);
            left += width;
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::table::{Cell, Column, Table};

    fn table(columns: &[(&str, &[f64])]) -> Table {
        let columns = columns.iter().map(|(name, values)| Column { name: (*name).into(), values: values.to_vec() }).collect();
        Table::of_columns(columns)
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
                parse(&Chart::of_table(&two, two.place("x"), kind).to_svg());
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
        let svg = Chart::of_table(&table, table.place("x"), None).to_svg();
        for piece in ["<title>y over x</title>", ">y over x</text>", ">x</text>", ">y</text>", ">2</text>", "<polyline"] {
            assert!(svg.contains(piece), "{piece} in {svg}");
        }
    }

    #[test]
    fn dates_and_names_stand_on_the_axis_and_lines_of_different_size_have_a_panel_each() {
        let dates = ["2024-01", "2024-02", "2024-03"].map(|text| Cell::read(text, false)).to_vec();
        let numbers = |values: [f64; 3]| values.map(Cell::Number).to_vec();
        let dated =
            Table::of_cells(vec![("month".into(), dates), ("a".into(), numbers([1.0, 2.0, 3.0])), ("b".into(), numbers([900.0, 950.0, 800.0]))]);
        let svg = Chart::of_table(&dated, dated.place("month"), None).to_svg();
        parse(&svg);
        assert!(svg.contains(">Feb 2024</text>") && svg.matches("font-weight=\"600\"").count() == 3, "{svg}");
        let named = table(&[("size", &[1.0, 2.0])]).labelled("city", ["Ulm".to_owned(), "A city with quite a long name".to_owned()]);
        let svg = Chart::of_table(&named, None, None).to_svg();
        parse(&svg);
        assert!(svg.contains(">Ulm</text>") && svg.contains(">A city w…ng name</text>") && svg.contains("<rect x="), "{svg}");
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
