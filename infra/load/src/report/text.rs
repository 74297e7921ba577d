//! The report on a terminal. Down to the scenarios it is line by line that of the load test which this one replaces, for whoever reads that by program.

use std::fmt::{self, Write};

use super::{Quantiles, Report};

const WIDTH: usize = 80;

/// With its frame.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    // A `String` takes everything.
    let _ = write(&mut out, report);
    out
}

fn write(out: &mut String, report: &Report) -> fmt::Result {
    let line = "=".repeat(WIDTH);
    writeln!(out, "\n{line}\nA2A LOAD TEST RESULTS\n{line}")?;
    writeln!(out, "Test Duration: {:.1}s", report.test_duration)?;
    match (report.config.concurrent_users, report.config.rate) {
        (Some(users), _) => writeln!(out, "Concurrent Users: {users}")?,
        (None, Some(rate)) => writeln!(out, "Requests Due/Second: {rate:.2}")?,
        (None, None) => {}
    }
    writeln!(out, "Total Requests: {}", report.total_requests)?;
    writeln!(out, "Successful Requests: {}", report.successful_requests)?;
    writeln!(out, "Failed Requests: {}", report.failed_requests)?;
    writeln!(out, "Success Rate: {:.2}%", report.success_percent())?;
    writeln!(out, "Requests/Second: {:.2}", report.requests_per_second)?;

    writeln!(out, "\nRESPONSE TIMES:")?;
    for (name, seconds) in [
        ("Average", report.average_response_time),
        ("Min", report.min_response_time),
        ("Max", report.max_response_time),
        ("95th Percentile", report.p95_response_time),
        ("99th Percentile", report.p99_response_time),
    ] {
        writeln!(out, "  {name}: {seconds:.3}s")?;
    }
    if !report.errors_by_type.is_empty() {
        writeln!(out, "\nERRORS BY TYPE:")?;
        let mut errors: Vec<_> = report.errors_by_type.iter().collect();
        errors.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (error, count) in errors {
            writeln!(out, "  {error}: {count}")?;
        }
    }
    writeln!(out, "\nSCENARIO RESULTS:")?;
    for (scenario, share) in &report.scenario_results {
        writeln!(out, "  {}:", scenario.name())?;
        writeln!(out, "    Requests: {}", share.total_requests)?;
        writeln!(out, "    Success Rate: {:.2}%", share.success_rate * 100.0)?;
        writeln!(out, "    Avg Response Time: {:.3}s", share.average_response_time)?;
    }

    writeln!(out, "\nTARGET:")?;
    let target = &report.target;
    writeln!(out, "  {} (A2A {}, {}) {}", target.name.as_deref().unwrap_or("-"), target.protocol_version, target.binding, target.url)?;
    if !report.task_states.is_empty() {
        writeln!(out, "\nTASK STATES:")?;
        for (state, count) in &report.task_states {
            writeln!(out, "  {state}: {count}")?;
        }
    }
    writeln!(out, "\nLATENCIES (ms):")?;
    quantiles(out, &report.latency_ms)?;
    if let Some(first_event) = &report.first_event_ms {
        writeln!(out, "\nTIME TO FIRST EVENT (ms):")?;
        quantiles(out, first_event)?;
    }
    if let Some(saturation) = &report.saturation {
        writeln!(out, "\nSATURATION:")?;
        for tried in &saturation.tries {
            writeln!(out, "  {tried}")?;
        }
        if let Some(rate) = saturation.highest_rate {
            writeln!(out, "  Highest Rate: {rate:.1}/s")?;
        }
    }
    if !report.bounds.is_empty() {
        writeln!(out, "\nBOUNDS:")?;
        for bound in &report.bounds {
            writeln!(out, "  {bound}")?;
        }
    }
    match report.planned_requests {
        _ if report.interrupted => writeln!(out, "\nInterrupted: what was under way is not counted.")?,
        Some(planned) if planned > report.total_requests => {
            writeln!(out, "\n{} of {planned} requests were not sent: the time was over.", planned - report.total_requests)?;
        }
        _ => {}
    }
    writeln!(out, "{line}")
}

fn quantiles(out: &mut String, times: &Quantiles) -> fmt::Result {
    let Quantiles { average, p50, p75, p90, p95, p99, p99_9, max } = times;
    writeln!(out, "  average {average:.2}, p50 {p50:.2}, p75 {p75:.2}, p90 {p90:.2}, p95 {p95:.2}, p99 {p99:.2}, p99.9 {p99_9:.2}, max {max:.2}")
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{OUTCOMES, report},
        *,
    };

    #[test]
    fn the_first_part_is_line_by_line_what_programs_expect() {
        let text = text(&report(&[], &OUTCOMES));
        let expected = "
================================================================================
A2A LOAD TEST RESULTS
================================================================================
Test Duration: 2.0s
Concurrent Users: 20
Total Requests: 4
Successful Requests: 3
Failed Requests: 1
Success Rate: 75.00%
Requests/Second: 2.00

RESPONSE TIMES:
  Average: 0.265s
  Min: 0.010s
  Max: 1.000s
  95th Percentile: 1.000s
  99th Percentile: 1.000s

ERRORS BY TYPE:
  task failed: 1

SCENARIO RESULTS:
  document_search:
    Requests: 4
    Success Rate: 75.00%
    Avg Response Time: 0.265s

TARGET:
  <A & B> (A2A 1.0, JSONRPC) http://127.0.0.1:1/
";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with(&format!("{}\n", "=".repeat(80))));
    }

    #[test]
    fn what_was_missed_and_what_was_not_sent_is_said() {
        let text = text(&report(&["--max-average-ms", "1"], &OUTCOMES[..3]));
        assert!(text.contains("--max-average-ms 1: MISSED (20.0"), "{text}");
        assert!(text.contains("1 of 4 requests were not sent"), "{text}");
        assert!(!text.contains("ERRORS BY TYPE"), "{text}");
    }
}
