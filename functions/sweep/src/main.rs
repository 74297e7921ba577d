//! Trigger: a schedule, each minute; CloudFormation, when a version is deployed.

fn main() -> setup::Result {
    setup::lambda::run_events(&setup::Parts::SWEEPS, sweep_function::handle)
}
