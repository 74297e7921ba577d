//! What would be deployed: template.yaml as SAM transforms it and CloudFormation resolves it, for each choice of its parameters. AWS is asked nothing.
#![allow(clippy::unwrap_used, reason = "what can't be read fails the test")]

mod alarms;
mod environments;
mod limits;
mod network;
mod rights;
mod routes;
mod stack;
mod tools;
