//! A picture of the latencies: how many answers took how long, on a logarithmic scale, with the quantiles that matter.

use std::fmt::{self, Write};

use super::Report;

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 50.0;

/// A whole document, which fetches nothing.
pub fn svg(report: &Report) -> String {
    let mut out = String::new();
    // A `String` takes everything.
    let _ = write(&mut out, report);
    out
}

fn write(out: &mut String, report: &Report) -> fmt::Result {
    let name = escaped(report.target.name.as_deref().unwrap_or(&report.target.url));
    writeln!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" role="img">
<title>Latencies of {name}</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="{LEFT}" y="20" font-size="15">{name}: {} requests, {:.2} % succeeded</text>"##,
        report.total_requests,
        report.success_percent()
    )?;
    let steps = &report.histogram;
    if let (Some(first), Some(last)) = (steps.first(), steps.last()) {
        let (from, to) = (first.from_ms.log10(), last.to_ms.log10());
        let x = |ms: f64| LEFT + (ms.log10() - from) / (to - from) * (WIDTH - LEFT - RIGHT);
        let most = steps.iter().map(|step| step.count).max().unwrap_or(1).max(1) as f64;
        let y = |count: f64| HEIGHT - BOTTOM - count / most * (HEIGHT - TOP - BOTTOM);
        for step in steps {
            let (left, right, top) = (x(step.from_ms), x(step.to_ms), y(step.count as f64));
            let (width, height) = (right - left - 1.0, HEIGHT - BOTTOM - top);
            writeln!(
                out,
                r##"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" fill="#4878b0"><title>{} to {} ms: {}</title></rect>"##,
                short(step.from_ms),
                short(step.to_ms),
                step.count
            )?;
        }
        axes(out, most, &x, &y, (first.from_ms, last.to_ms))?;
        let times = &report.latency_ms;
        for (row, (name, ms)) in [("p50", times.p50), ("p95", times.p95), ("p99", times.p99)].into_iter().enumerate() {
            let (at, text) = (x(ms.clamp(first.from_ms, last.to_ms)), TOP - 2.0 + 13.0 * row as f64);
            let anchor = if at > WIDTH / 2.0 { "end" } else { "start" };
            writeln!(out, r##"<line x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{:.1}" stroke="#c03030" stroke-dasharray="4 3"/>"##, HEIGHT - BOTTOM)?;
            writeln!(out, r##"<text x="{at:.1}" y="{text:.1}" fill="#c03030" text-anchor="{anchor}">{name} {} ms</text>"##, short(ms))?;
        }
    }
    writeln!(out, "</svg>")
}

fn axes(out: &mut String, most: f64, x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64, (from, to): (f64, f64)) -> fmt::Result {
    let bottom = HEIGHT - BOTTOM;
    writeln!(out, r##"<path d="M{LEFT} {TOP}V{bottom}H{}" fill="none" stroke="#333"/>"##, WIDTH - RIGHT)?;
    for count in [0.0, most / 2.0, most] {
        writeln!(out, r##"<text x="{}" y="{:.1}" text-anchor="end">{count:.0}</text>"##, LEFT - 6.0, y(count) + 4.0)?;
    }
    let decades = from.log10().floor() as i32..=to.log10().ceil() as i32;
    for ms in decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(decade))).filter(|ms| (from..=to).contains(ms)) {
        writeln!(out, r##"<text x="{:.1}" y="{}" text-anchor="middle">{}</text>"##, x(ms), bottom + 18.0, short(ms))?;
    }
    writeln!(out, r##"<text x="{}" y="{}" text-anchor="middle">milliseconds</text>"##, (LEFT + WIDTH - RIGHT) / 2.0, bottom + 38.0)
}

/// Three digits that say something.
fn short(ms: f64) -> String {
    let decimals = (2 - ms.log10().floor() as i32).clamp(0, 3) as usize;
    let text = format!("{ms:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn escaped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect::<String>().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{OUTCOMES, report},
        *,
    };

    #[test]
    fn a_picture_shows_every_answer_and_the_quantiles() {
        let picture = svg(&report(&[], &OUTCOMES));
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{picture}");
        assert!(picture.contains("<title>Latencies of &lt;A &amp; B&gt;</title>"), "{picture}");
        let bars = picture.matches("#4878b0").count();
        assert_eq!(bars, report(&[], &OUTCOMES).histogram.len());
        for name in ["p50 20 ms", "p95 1000 ms", "p99 1000 ms", ">100</text>", "milliseconds"] {
            assert!(picture.contains(name), "{name}: {picture}");
        }
        assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    }

    #[test]
    fn without_an_answer_the_picture_is_empty_and_whole() {
        let picture = svg(&report(&[], &[]));
        assert!(picture.ends_with("</svg>\n") && !picture.contains("NaN"), "{picture}");
    }

    #[test]
    fn times_are_short() {
        assert_eq!([0.0125, 0.2, 1.5, 20.0, 158.489, 1000.0].map(short), ["0.013", "0.2", "1.5", "20", "158", "1000"]);
    }
}
