//! Trigger: API Gateway, `POST /rpc/SubscribeToTask`; the response is streamed.

fn main() -> setup::Result {
    setup::lambda::run_streaming(&setup::Parts::FOLLOWS, subscribe_to_task_function::handle)
}
