//! Trigger: API Gateway, `GET /health`, `/health/ready`, `/health/details`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::HEALTH, health_function::handle)
}
