//! The names of the metrics, what they say, and the buckets of the histograms.

use metrics::Unit;

/// Requests by method, status and agent.
pub const REQUESTS: &str = "a2a_requests_total";
/// From the first byte of a request in hand to the response's head.
pub const REQUEST_DURATION: &str = "a2a_request_duration_seconds";
/// Requests that failed, by method and reason.
pub const ERRORS: &str = "a2a_errors_total";
/// Turns of tasks that ended, by agent and the state that the task was left in.
pub const TASKS: &str = "a2a_tasks_total";
/// From the message that begins a turn to its stored end.
pub const TASK_DURATION: &str = "a2a_task_duration_seconds";
/// Tasks that are neither finished nor waiting for their client.
pub const ACTIVE_TASKS: &str = "a2a_active_tasks";
/// The share of late turns that their agents didn't fail, from 0 to 1.
pub const AGENT_AVAILABILITY: &str = "a2a_agent_availability";
/// 1: healthy, 0.5: degraded, 0: nothing can be served.
pub const SYSTEM_HEALTH: &str = "a2a_system_health";
/// What this process holds of the machine's memory.
pub const MEMORY: &str = "a2a_memory_usage_bytes";
/// What it may hold.
pub const MEMORY_LIMIT: &str = "a2a_memory_limit_bytes";
/// This process's share of all processors.
pub const CPU: &str = "a2a_cpu_usage_percent";
/// Clients that hear a stream now.
pub const STREAM_CLIENTS: &str = "a2a_stream_clients";
/// Pieces of work that wait or run, by queue.
pub const QUEUE_DEPTH: &str = "a2a_queue_depth";
/// Pieces of queued work that were handled, by queue and outcome.
pub const WORK: &str = "a2a_work_total";
/// Posts to webhooks, by outcome.
pub const PUSH_DELIVERIES: &str = "a2a_push_deliveries_total";
/// Attacks found in requests, by type and what was done about them.
pub const THREATS: &str = "a2a_threats_total";
/// Audit records that were only logged, because the database couldn't take them.
pub const AUDIT_DROPPED: &str = "a2a_audit_dropped_total";
/// Requests that were refused because their client asks too often, by what it is counted by.
pub const LIMITED: &str = "a2a_limited_requests_total";
/// Requests that were refused because their address is blocked.
pub const BLOCKED: &str = "a2a_blocked_requests_total";
/// Addresses that wrong credentials blocked.
pub const BLOCKS: &str = "a2a_blocks_total";
/// Environments of functions that were started, by function.
pub const COLD_STARTS: &str = "a2a_cold_starts_total";
/// Invocations of functions that run as processes, by function.
pub const INVOCATIONS: &str = "a2a_function_invocations_total";
/// What Lambda would bill for these, by function: each rounded up to a millisecond, starts included.
pub const BILLED: &str = "a2a_function_billed_milliseconds_total";
/// The most memory that an environment of a function had.
pub const FUNCTION_MEMORY: &str = "a2a_function_memory_max_bytes";
/// What functions that run as processes logged, by function.
pub const LOGGED: &str = "a2a_function_log_bytes_total";
/// Calls of the store, by operation.
pub const STORE_DURATION: &str = "a2a_store_duration_seconds";

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

impl Kind {
    /// As Prometheus calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// Every metric: name, kind, unit, description.
pub const ALL: &[(&str, Kind, Unit, &str)] = &[
    (REQUESTS, Kind::Counter, Unit::Count, "Requests by method, status and agent"),
    (REQUEST_DURATION, Kind::Histogram, Unit::Seconds, "Time until the head of the response, by method"),
    (ERRORS, Kind::Counter, Unit::Count, "Requests that failed, by method and reason"),
    (TASKS, Kind::Counter, Unit::Count, "Turns of tasks that ended, by agent and the state that the task was left in"),
    (TASK_DURATION, Kind::Histogram, Unit::Seconds, "Time from the message that begins a turn to its stored end, by agent"),
    (ACTIVE_TASKS, Kind::Gauge, Unit::Count, "Tasks that are neither finished nor waiting for their client"),
    (AGENT_AVAILABILITY, Kind::Gauge, Unit::Count, "Share of the turns of the last 5 minutes that agents didn't fail, from 0 to 1"),
    (SYSTEM_HEALTH, Kind::Gauge, Unit::Count, "1: healthy, 0.5: degraded, 0: nothing can be served"),
    (MEMORY, Kind::Gauge, Unit::Bytes, "Memory that the process holds"),
    (MEMORY_LIMIT, Kind::Gauge, Unit::Bytes, "Memory that the process may hold"),
    (CPU, Kind::Gauge, Unit::Percent, "Share of all processors that the process took since it was last read, from 0 to 100"),
    (STREAM_CLIENTS, Kind::Gauge, Unit::Count, "Clients that hear a stream now"),
    (QUEUE_DEPTH, Kind::Gauge, Unit::Count, "Pieces of work that wait or run, by queue"),
    (WORK, Kind::Counter, Unit::Count, "Pieces of queued work that were handled, by queue and outcome"),
    (PUSH_DELIVERIES, Kind::Counter, Unit::Count, "Posts to webhooks, by outcome"),
    (THREATS, Kind::Counter, Unit::Count, "Attacks found in requests, by type and what was done about them"),
    (AUDIT_DROPPED, Kind::Counter, Unit::Count, "Audit records that were only logged, because the database couldn't take them"),
    (LIMITED, Kind::Counter, Unit::Count, "Requests refused because their client asks too often, by what it is counted by"),
    (BLOCKED, Kind::Counter, Unit::Count, "Requests refused because their address is blocked"),
    (BLOCKS, Kind::Counter, Unit::Count, "Addresses that wrong credentials blocked"),
    (COLD_STARTS, Kind::Counter, Unit::Count, "Environments of functions that were started, by function"),
    (INVOCATIONS, Kind::Counter, Unit::Count, "Invocations of functions that run as processes, by function"),
    (BILLED, Kind::Counter, Unit::Milliseconds, "What Lambda would bill for invocations and starts, by function"),
    (FUNCTION_MEMORY, Kind::Gauge, Unit::Bytes, "The most memory that an environment had, by function"),
    (LOGGED, Kind::Counter, Unit::Bytes, "What functions that run as processes logged, by function"),
    (STORE_DURATION, Kind::Histogram, Unit::Seconds, "Time that the store took, by operation"),
];

/// Upper bounds of every histogram in seconds: the alarms stand at 1, 5 and 10.
pub const SECONDS: [f64; 15] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// Tells a collector what each metric says.
pub(crate) fn describe() {
    for (name, kind, unit, description) in ALL {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *unit, *description),
            Kind::Gauge => metrics::describe_gauge!(*name, *unit, *description),
            Kind::Histogram => metrics::describe_histogram!(*name, *unit, *description),
        }
    }
}
