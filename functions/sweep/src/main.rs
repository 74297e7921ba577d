//! Trigger: a schedule, each minute.

fn main() -> setup::Result {
    setup::lambda::run_events(sweep_function::handle)
}
