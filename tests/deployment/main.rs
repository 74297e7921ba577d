//! What would be deployed: template.yaml as SAM transforms it and CloudFormation resolves it, for each choice of its parameters. AWS is asked nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "what can't be read fails the test; what isn't run is said")]

mod alarms;
mod alerts;
mod backups;
mod environments;
mod limits;
mod network;
mod rights;
mod routes;
mod stack;
mod tools;
