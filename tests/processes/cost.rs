//! What functions took, and the bill that is made of it.

use std::time::{Duration, Instant};

use crate::{
    harness::{Server, message},
    start::with_processes,
};

/// The value of a line of the metrics page.
fn value(page: &str, line: &str) -> f64 {
    // What was never counted isn't there.
    page.lines().find_map(|other| other.strip_prefix(line)).map_or(0.0, |value| value.trim().parse().unwrap())
}

fn cost(server: &Server, arguments: &[&str]) -> std::process::Output {
    server.command(&[&["cost", "--metrics", &server.metrics_url()], arguments].concat())
}

#[tokio::test]
async fn what_functions_took_becomes_a_bill() {
    let server = with_processes(&[("A2A_AGENTS", "echo")], None, &[]);
    let nothing = cost(&server, &[]);
    assert!(!nothing.status.success() && String::from_utf8_lossy(&nothing.stderr).contains("no function was invoked yet"), "{nothing:?}");
    for number in 0..3 {
        server.ok("SendMessage", message(&format!("cost-{number}"), "hello")).await;
    }
    // An invocation is over when its function asks for more work, which is after its answer.
    let begun = Instant::now();
    let mut page = server.metrics().await;
    while value(&page, "a2a_function_invocations_total{function=\"front-door\"}") < 3.0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{page}");
        tokio::time::sleep(Duration::from_millis(5)).await;
        page = server.metrics().await;
    }
    // The start takes more than a millisecond, and each invocation at least one.
    assert!(value(&page, "a2a_function_billed_milliseconds_total{function=\"front-door\"}") >= 5.0, "{page}");
    let memory = value(&page, "a2a_function_memory_max_bytes{function=\"front-door\"}");
    assert!((1e6..1e9).contains(&memory), "{memory}");

    let billed = cost(&server, &["--price", "api-million-requests=2", "--requests", "2000000"]);
    let text = String::from_utf8(billed.stdout.clone()).unwrap();
    assert!(billed.status.success(), "{billed:?}");
    for line in [
        "| `front-door` | 3 | ",
        "| API Gateway: requests | 4.00 | 4.00 |  |",
        "| **2000000 requests** | ",
        "| store: reads and writes | 35.25 | 0.00 |  |",
    ] {
        assert!(text.contains(line), "`{line}` is missing in\n{text}");
    }
    let wrong = cost(&server, &["--price", "tea=1"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("`tea` is no price"), "{wrong:?}");
}
