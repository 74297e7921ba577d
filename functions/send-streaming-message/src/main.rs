//! Trigger: API Gateway, `POST /message:stream` and `POST /rpc/SendStreamingMessage`; the response is streamed.

fn main() -> setup::Result {
    setup::lambda::run_streaming(&setup::Parts::RUNS, send_streaming_message_function::handle)
}
