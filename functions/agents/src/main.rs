//! Trigger: API Gateway, `GET /agents`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::AGENTS, agents_function::handle)
}
