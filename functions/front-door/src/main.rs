//! Trigger: API Gateway, `POST /`, `POST /{tenant}`, `/tasks/{id}` and its verbs, and whatever no other function takes; the response is streamed.

fn main() -> setup::Result {
    setup::lambda::run_streaming(&setup::Parts::RUNS, front_door_function::handle)
}
