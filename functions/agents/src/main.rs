//! Trigger: API Gateway, `GET /agents`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(agents_function::handle)
}
