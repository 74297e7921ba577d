//! Trigger: a schedule, each minute.

fn main() -> setup::Result {
    setup::lambda::run_events(&setup::Parts::CHANGES, sweep_function::handle)
}
