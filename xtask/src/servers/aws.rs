//! Moto, which speaks as DynamoDB and SQS do, from PyPI, with what the tests add to it.

use std::{path::Path, process::Command};

use anyhow::Result;

use super::throwaway::{self, Plan, Throwaway};
use crate::{step::root, tools};

const PACKAGES: &[&str] = &["moto[dynamodb,sqs]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];
const SERVERS: usize = 4;
const PLAN: Plan = Plan { name: "moto", owner: None, ready: &["Running on http"], signal: "TERM", url };

/// Starts some without tables and queues: each keeps one processor busy.
///
/// # Errors
/// Where Python is missing and can't be installed, or a package can't be fetched.
pub fn start() -> Result<Vec<Throwaway>> {
    let program = tools::environment("moto-5.2.5", PACKAGES)?.join("bin/python");
    let prepare = |_: &Path, port: u16| {
        let mut serve = Command::new(&program);
        serve.arg(root().join("tests/python/aws_server.py")).args(["127.0.0.1", &port.to_string()]);
        Ok(serve)
    };
    (0..SERVERS).map(|_| throwaway::start(&PLAN, prepare)).collect()
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
