//! Trigger: SQS, the queue `deliver-push`, with partial batch responses.

fn main() -> setup::Result {
    setup::lambda::run_events(&setup::Parts::DELIVERS, deliver_push_function::handle)
}
