//! What so many requests would cost, and what a month costs without any: on Lambda with either store, and in the container that this replaces.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::{measured::Measured, prices::Prices};
use crate::template::{Event, Template};

const MONTH_HOURS: f64 = 730.0;
/// The sweep runs each minute.
const MONTH_SWEEPS: f64 = MONTH_HOURS * 60.0;
/// Memory with which Lambda gives a whole processor.
const WHOLE_PROCESSOR_MB: f64 = 1769.0;
/// Lambda asks each queue by five pollers, each of which waits for 20 s.
const MONTH_POLLS: f64 = 5.0 * MONTH_HOURS * 3600.0 / 20.0;
/// To send, to receive and to delete a message.
const SQS_REQUESTS: f64 = 3.0;
/// What RDS Proxy counts at least.
const PROXY_VCPUS: f64 = 2.0;
/// What a serverless cache with Valkey stores at least.
const CACHE_GB: f64 = 0.1;
const DATABASE_GB: f64 = 20.0;
/// For SQS and Secrets Manager, in two zones.
const ENDPOINTS: f64 = 4.0;
/// A task's commands of Redis, each of up to a kilobyte: written, expired, read.
const CACHE_COMMANDS: f64 = 4.0;
/// The container of the system that this one replaces.
const CONTAINER_VCPUS: f64 = 2.0;
const CONTAINER_GB: f64 = 2.0;

/// What is assumed beside what was measured.
#[derive(Debug, Clone)]
pub struct Assumed {
    /// Requests of clients.
    pub requests: f64,
    /// Of each function.
    pub memory_mb: f64,
    /// `arm64` or `x86_64`, as a price's name ends.
    pub architecture: &'static str,
    /// DynamoDB's units for each request.
    pub write_units: f64,
    pub read_units: f64,
}

/// A line of the bill, in dollars; `None` where there is no such thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub name: &'static str,
    pub dynamodb: Option<f64>,
    pub postgres: Option<f64>,
    pub container: Option<f64>,
}

/// The whole of it.
#[derive(Debug, Clone)]
pub struct Bill {
    /// What the requests cost.
    pub requests: Vec<Line>,
    /// What a month costs without one.
    pub month: Vec<Line>,
    /// How much longer than here functions are taken to run: they get a part of a processor.
    pub slower: f64,
}

/// What calls a function.
fn is(template: &Template, name: &str, kind: fn(&Event) -> bool) -> bool {
    template.functions.iter().any(|function| function.name == name && function.events.iter().any(kind))
}

/// Makes the bill of what was measured.
///
/// # Errors
/// Where no request was measured.
pub fn bill(template: &Template, yaml: &str, measured: &BTreeMap<String, Measured>, assumed: &Assumed, prices: &Prices) -> Result<Bill> {
    let of = |kind: fn(&Event) -> bool| measured.iter().filter(move |(name, _)| is(template, name, kind)).map(|(_, measured)| *measured);
    let asked: f64 = of(|event| matches!(event, Event::Route(_))).map(|function| function.invocations).sum();
    ensure!(asked > 0.0, "no function was invoked yet: start the server with --functions processes, and load it");
    let slower = (WHOLE_PROCESSOR_MB / assumed.memory_mb).max(1.0);
    let gb_second = prices.of(&format!("lambda-gb-second-{}", assumed.architecture))?;
    let seconds = |billed_ms: f64| billed_ms / 1e3 * slower * assumed.memory_mb / 1024.0 * gb_second;
    let million = |count: f64, name: &str| anyhow::Ok(count / 1e6 * prices.of(name)?);

    let scale = assumed.requests / asked;
    // What runs each minute anyhow belongs to the month.
    let invoked = || of(|event| !matches!(event, Event::Schedule { .. }));
    let invocations = invoked().map(|function| function.invocations).sum::<f64>() * scale;
    let work = of(|event| matches!(event, Event::Queue { .. })).map(|function| function.invocations).sum::<f64>() * scale + 0.0;
    let both = |name, dollars| Line { name, dynamodb: Some(dollars), postgres: Some(dollars), container: None };
    let requests = vec![
        both("API Gateway: requests", million(assumed.requests, "api-million-requests")?),
        both("Lambda: requests", million(invocations, "lambda-million-requests")?),
        both("Lambda: time", seconds(invoked().map(|function| function.billed_ms).sum::<f64>() * scale)),
        both("SQS: background work", million(work * SQS_REQUESTS, "sqs-million-requests")?),
        both("CloudWatch: logs", invoked().map(|function| function.log_bytes).sum::<f64>() * scale / 1e9 * prices.of("logs-gb")?),
        Line {
            name: "store: reads and writes",
            dynamodb: Some(
                million(assumed.requests * assumed.write_units, "dynamodb-million-write-units")?
                    + million(assumed.requests * assumed.read_units, "dynamodb-million-read-units")?,
            ),
            postgres: Some(0.0),
            container: None,
        },
        Line {
            name: "cache: commands",
            dynamodb: None,
            postgres: Some(million(assumed.requests * CACHE_COMMANDS, "cache-million-ecpu")?),
            container: None,
        },
    ];

    let sweeps: f64 = of(|event| matches!(event, Event::Schedule { .. })).map(|function| function.billed_ms / function.invocations).sum();
    let resources = |kind: &str| yaml.lines().filter(|line| line.trim() == format!("Type: {kind}")).count() as f64;
    let hours = |count: f64, name: &str| anyhow::Ok(count * MONTH_HOURS * prices.of(name)?);
    let postgres = |name, dollars| Line { name, dynamodb: None, postgres: Some(dollars), container: None };
    let queues = template.functions.iter().flat_map(|function| &function.events).filter(|event| matches!(event, Event::Queue { .. })).count() as f64;
    let month = vec![
        both("sweep, each minute", million(MONTH_SWEEPS, "lambda-million-requests")? + seconds(sweeps * MONTH_SWEEPS)),
        both("queues, looked into", million(queues * MONTH_POLLS, "sqs-million-requests")?),
        both("alarms", resources("AWS::CloudWatch::Alarm") * prices.of("alarm-month")?),
        both("secrets", resources("AWS::SecretsManager::Secret") * prices.of("secret-month")?),
        postgres("RDS: smallest instance, 20 GB", hours(1.0, "rds-instance-hour")? + DATABASE_GB * prices.of("rds-gb-month")?),
        postgres("RDS Proxy", hours(PROXY_VCPUS, "rds-proxy-vcpu-hour")?),
        postgres("ElastiCache: least storage", hours(CACHE_GB, "cache-gb-hour")?),
        postgres("endpoints of the VPC", hours(ENDPOINTS, "endpoint-hour")?),
        Line {
            name: "Fargate: 2 vCPU, 2 GB, always on",
            dynamodb: None,
            postgres: None,
            container: Some(hours(CONTAINER_VCPUS, "fargate-vcpu-hour")? + hours(CONTAINER_GB, "fargate-gb-hour")?),
        },
    ];
    Ok(Bill { requests, month, slower })
}

/// What lines come to: DynamoDB, Postgres, container.
pub fn total(lines: &[Line]) -> [f64; 3] {
    // What nothing sums up to is below zero, and would be shown so.
    let sum = |of: fn(&Line) -> Option<f64>| lines.iter().filter_map(of).sum::<f64>() + 0.0;
    [sum(|line| line.dynamodb), sum(|line| line.postgres), sum(|line| line.container)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::BUILT_IN;

    fn bill_of(measured: &[(&str, f64, f64)]) -> Result<Bill> {
        let measured = measured.iter().map(|(name, invocations, billed_ms)| {
            ((*name).to_owned(), Measured { invocations: *invocations, billed_ms: *billed_ms, memory_bytes: 2e7, log_bytes: 1000.0 * invocations })
        });
        let assumed = Assumed { requests: 1e6, memory_mb: 512.0, architecture: "arm64", write_units: 16.0, read_units: 1.0 };
        bill(&Template::parse(BUILT_IN).unwrap(), BUILT_IN, &measured.collect(), &assumed, &Prices::new(&[]))
    }

    fn dollars(bill: &Bill, name: &str) -> Option<f64> {
        bill.requests.iter().chain(&bill.month).find(|line| line.name == name).unwrap().dynamodb
    }

    #[test]
    fn a_million_requests_cost_what_the_prices_say() {
        // Half of the requests have background work; the sweep isn't theirs.
        let bill = bill_of(&[("front-door", 100.0, 400.0), ("run-task", 50.0, 500.0), ("sweep", 10.0, 50.0)]).unwrap();
        let about = |name: &str, expected: f64| {
            let dollars = dollars(&bill, name).unwrap();
            assert!((dollars - expected).abs() < 0.001, "{name}: {dollars}, not {expected}");
        };
        about("API Gateway: requests", 3.5);
        about("Lambda: requests", 0.3);
        // 9 ms each, 3.455 times as long with half a gigabyte.
        about("Lambda: time", 9e3 * 1769.0 / 512.0 * 0.5 * 0.000_013_333_4);
        about("SQS: background work", 0.6);
        about("CloudWatch: logs", 0.75);
        about("store: reads and writes", 16.0 * 0.625 + 0.125);
        about("sweep, each minute", 43_800.0 * (0.2e-6 + 0.005 * 1769.0 / 512.0 * 0.5 * 0.000_013_333_4));
        assert!((total(&bill.month)[2] - 65.59).abs() < 0.01, "{:?}", total(&bill.month));
        assert!(total(&bill.month)[1] - total(&bill.month)[0] > 70.0, "the README says some $75 more");
    }

    #[test]
    fn nothing_costs_nothing() {
        let bill = bill_of(&[("front-door", 1.0, 1.0)]).unwrap();
        let work = dollars(&bill, "SQS: background work").unwrap();
        assert_eq!((format!("{work:.2}"), format!("{:.2}", total(&bill.requests)[2])), ("0.00".to_owned(), "0.00".to_owned()));
    }

    #[test]
    fn without_a_request_there_is_no_bill() {
        assert!(bill_of(&[("sweep", 10.0, 50.0)]).unwrap_err().to_string().contains("--functions processes"));
    }
}
