//! Trigger: API Gateway, `GET /health`, `/health/ready`, `/health/details`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(health_function::handle)
}
