//! Trigger: API Gateway, `/admin/…`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(admin_function::handle)
}
