//! Trigger: API Gateway, `POST /rpc/CancelTask`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::CHANGES, cancel_task_function::handle)
}
