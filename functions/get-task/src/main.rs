//! Trigger: API Gateway, `POST /rpc/GetTask`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::READS, get_task_function::handle)
}
