//! Trigger: API Gateway, `POST /message:send` and `POST /rpc/SendMessage`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::RUNS, send_message_function::handle)
}
