//! What runs functions as processes, held to what Lambda and API Gateway do; and the same answers as with functions in-process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test fails by panicking")]

#[allow(dead_code, unused_imports, reason = "what another suite needs of it")]
#[path = "../e2e/harness/mod.rs"]
mod harness;

mod cost;
mod odd;
mod prometheus;
mod same_answers;
mod start;
mod workers;

/// Waits for what no answer tells, 30 s at most.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed().as_secs() < 30, "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
