//! Trigger: SQS, the queue `run-task`, with partial batch responses.

fn main() -> setup::Result {
    setup::lambda::run_events(&setup::Parts::WORKS, run_task_function::handle)
}
