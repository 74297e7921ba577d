//! `a2a cost`: the bill for as many requests as is asked, of the kind that a server with functions as processes has just answered.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::say;
use crate::{
    cli::CostOptions,
    cost::{
        bill::{Assumed, Bill, Line, bill, total},
        measured::{self, Measured},
        prices::{AS_OF, Prices},
    },
    template::{BUILT_IN, Template},
};

/// Prints Markdown.
pub async fn run(options: &CostOptions) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let asked = client.get(&options.metrics).send().await.and_then(reqwest::Response::error_for_status);
    let page = asked.map_err(reqwest::Error::without_url).with_context(|| format!("{} does not answer", options.metrics))?.text().await?;
    let measured = measured::read(&page);
    let prices = Prices::new(&options.price);
    let assumed = Assumed {
        requests: options.requests as f64,
        memory_mb: f64::from(options.memory_mb),
        architecture: options.architecture.as_str(),
        write_units: options.write_units,
        read_units: options.read_units,
    };
    let bill = bill(&Template::parse(BUILT_IN)?, BUILT_IN, &measured, &assumed, &prices)?;
    say(measurements(&measured));
    say(bills(&bill, options));
    let list: Vec<_> = prices.iter().map(|(name, dollars)| format!("{name} {dollars}")).collect();
    say(format_args!("Prices ({AS_OF}), in dollars: {}.", list.join(", ")));
    Ok(())
}

fn measurements(measured: &BTreeMap<String, Measured>) -> String {
    let mut table = "| function | invocations | billed ms each | memory MB at most |\n|---|--:|--:|--:|\n".to_owned();
    for (name, Measured { invocations, billed_ms, memory_bytes, .. }) in measured {
        table += &format!("| `{name}` | {invocations} | {:.2} | {:.1} |\n", billed_ms / invocations, memory_bytes / 1_048_576.0);
    }
    table
}

fn bills(bill: &Bill, options: &CostOptions) -> String {
    let row = |name: &str, dollars: [Option<f64>; 3]| {
        let cells = dollars.map(|dollars| dollars.map_or_else(String::new, |dollars| format!("{dollars:.2}")));
        format!("| {name} | {} |\n", cells.join(" | "))
    };
    let rows = |lines: &[Line], name: &str| {
        let lines_text: String = lines.iter().map(|line| row(line.name, [line.dynamodb, line.postgres, line.container])).collect();
        lines_text + &row(&format!("**{name}**"), total(lines).map(Some))
    };
    let requests = format!("{} requests", options.requests);
    let mut table = "| dollars | Lambda, DynamoDB | Lambda, Postgres | container |\n|---|--:|--:|--:|\n".to_owned();
    table += &rows(&bill.requests, &requests);
    table += &rows(&bill.month, "a month without any");
    table += &format!(
        "\nOn {}, with {} MB; times of Lambda are {:.2} times those measured, as if all of it were computing, and such a function has so much less of a processor.\n",
        options.architecture.as_str(),
        options.memory_mb,
        bill.slower
    );
    let ([each, ..], [idle, _, container]) = (total(&bill.requests), total(&bill.month));
    let even = (container - idle) / each * options.requests as f64;
    if even > 0.0 {
        table += &format!("With DynamoDB it costs less than the container, its database not counted, up to {even:.0} requests a month.\n");
    }
    table
}
