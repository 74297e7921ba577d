//! What functions took, as the metrics page of a server tells it that runs them as processes.

use std::collections::BTreeMap;

use telemetry::metric;

/// What one function took, in all its invocations.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measured {
    pub invocations: f64,
    /// Each rounded up to a millisecond; starts included.
    pub billed_ms: f64,
    /// The most that one environment had.
    pub memory_bytes: f64,
    pub log_bytes: f64,
}

/// By function.
pub fn read(page: &str) -> BTreeMap<String, Measured> {
    let mut functions: BTreeMap<String, Measured> = BTreeMap::new();
    for line in page.lines() {
        let Some((name, rest)) = line.split_once("{function=\"") else { continue };
        let Some((function, value)) = rest.split_once("\"} ") else { continue };
        let Ok(value) = value.trim().parse::<f64>() else { continue };
        let measured = functions.entry(function.to_owned()).or_default();
        match name {
            metric::INVOCATIONS => measured.invocations = value,
            metric::BILLED => measured.billed_ms = value,
            metric::FUNCTION_MEMORY => measured.memory_bytes = value,
            metric::LOGGED => measured.log_bytes = value,
            _ => {}
        }
    }
    functions.retain(|_, measured| measured.invocations > 0.0);
    functions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_that_were_invoked_are_read_from_the_page() {
        let page = "# TYPE a2a_function_invocations_total counter\n\
            a2a_function_invocations_total{function=\"get-task\"} 4\n\
            a2a_function_billed_milliseconds_total{function=\"get-task\"} 9\n\
            a2a_function_memory_max_bytes{function=\"get-task\"} 8388608\n\
            a2a_function_log_bytes_total{function=\"get-task\"} 1200\n\
            a2a_cold_starts_total{function=\"sweep\"} 1\n\
            a2a_requests_total{method=\"GetTask\",status=\"200\"} 4\n";
        let read = read(page);
        assert_eq!(read.len(), 1, "{read:?}");
        assert_eq!(read["get-task"], Measured { invocations: 4.0, billed_ms: 9.0, memory_bytes: 8_388_608.0, log_bytes: 1200.0 });
    }
}
