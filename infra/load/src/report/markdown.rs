//! The report as a page.

use std::fmt::{self, Write};

use super::{Quantiles, Report};
use crate::options::{Form, ReportFile};

/// With the picture that is written beside it, if one is.
pub fn markdown(report: &Report, files: &[ReportFile]) -> String {
    let mut out = String::new();
    // A `String` takes everything.
    let _ = write(&mut out, report, files);
    out
}

fn write(out: &mut String, report: &Report, files: &[ReportFile]) -> fmt::Result {
    let target = &report.target;
    writeln!(out, "# Load test of {}\n", cell(target.name.as_deref().unwrap_or(&target.url)))?;
    let pace = match (report.config.concurrent_users, report.config.rate) {
        (Some(users), _) => format!("{users} users"),
        (None, Some(rate)) => format!("{rate:.1} requests due a second"),
        (None, None) => "no rate was borne".to_owned(),
    };
    writeln!(out, "{}, A2A {} by {}: {pace}, from {}.\n", cell(&target.url), target.protocol_version, target.binding, report.start_time)?;
    if report.interrupted {
        writeln!(out, "**Interrupted.** What was under way is not counted.\n")?;
    }
    writeln!(out, "| requests | succeeded | failed | success | seconds | requests a second |\n|--:|--:|--:|--:|--:|--:|")?;
    let Report { total_requests, successful_requests, failed_requests, test_duration, requests_per_second, .. } = report;
    writeln!(
        out,
        "| {total_requests} | {successful_requests} | {failed_requests} | {:.2} % | {test_duration:.1} | {requests_per_second:.2} |\n",
        report.success_percent()
    )?;
    writeln!(out, "| ms | average | p50 | p75 | p90 | p95 | p99 | p99.9 | max |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|")?;
    quantiles(out, "latency", &report.latency_ms)?;
    if let Some(first_event) = &report.first_event_ms {
        quantiles(out, "first event", first_event)?;
    }
    writeln!(out, "\n| scenario | requests | success | average ms | p99 ms |\n|---|--:|--:|--:|--:|")?;
    for (scenario, share) in &report.scenario_results {
        let (average, p99) = (share.average_response_time * 1e3, share.p99_response_time * 1e3);
        writeln!(out, "| {} | {} | {:.2} % | {average:.2} | {p99:.2} |", scenario.name(), share.total_requests, share.success_rate * 100.0)?;
    }
    for (what, counts) in [("tasks answered as", &report.task_states), ("failures", &report.errors_by_type)] {
        if !counts.is_empty() {
            writeln!(out, "\n| {what} | |\n|---|--:|")?;
            for (name, count) in counts {
                writeln!(out, "| {} | {count} |", cell(name))?;
            }
        }
    }
    if let Some(saturation) = &report.saturation {
        let highest = saturation.highest_rate.map_or_else(|| "none".to_owned(), |rate| format!("{rate:.1} a second"));
        writeln!(out, "\nHighest rate: **{highest}**\n\n| due a second | answered | p99 ms | success | borne |\n|--:|--:|--:|--:|---|")?;
        for tried in &saturation.tries {
            let borne = if tried.borne { "yes" } else { "no" };
            writeln!(
                out,
                "| {:.1} | {:.1} | {:.2} | {:.2} % | {borne} |",
                tried.rate, tried.answered_per_second, tried.p99_ms, tried.success_percent
            )?;
        }
    }
    if !report.bounds.is_empty() {
        writeln!(out, "\n| bound | | measured | |\n|---|--:|--:|---|")?;
        for bound in &report.bounds {
            let met = if bound.met { "met" } else { "**missed**" };
            writeln!(out, "| {} | {} | {:.2} | {met} |", bound.name, bound.bound, bound.measured)?;
        }
    }
    let picture = files.iter().find(|file| file.form == Form::Svg).and_then(|file| file.path.file_name());
    if let Some(picture) = picture {
        writeln!(out, "\n![Latencies]({})", picture.display())?;
    }
    Ok(())
}

fn quantiles(out: &mut String, name: &str, times: &Quantiles) -> fmt::Result {
    let Quantiles { average, p50, p75, p90, p95, p99, p99_9, max } = times;
    writeln!(out, "| {name} | {average:.2} | {p50:.2} | {p75:.2} | {p90:.2} | {p95:.2} | {p99:.2} | {p99_9:.2} | {max:.2} |")
}

/// What servers say is text, not tables or markup.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{OUTCOMES, report},
        *,
    };

    #[test]
    fn a_page_has_every_table_and_the_picture_beside_it() {
        let files = ["out/load.md", "out/load.svg"].map(|path| path.parse().unwrap());
        let page = markdown(&report(&["--saturate", "--max-p99-ms", "9"], &OUTCOMES), &files);
        for line in [
            "# Load test of &lt;A & B>",
            "| 4 | 3 | 1 | 75.00 % | 2.0 | 2.00 |",
            "| document_search | 4 | 75.00 % | 265.",
            "| task failed | 1 |",
            "| 100.0 | 60.0 | 900.00 | 98.00 % | no |",
            "Highest rate: **50.0 a second**",
            "| max-p99-ms | 9 | 1000.",
            "![Latencies](load.svg)",
        ] {
            assert!(page.contains(line), "`{line}` is missing in\n{page}");
        }
    }
}
