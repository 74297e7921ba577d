//! Trigger: API Gateway, `/admin/…`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::ADMIN, admin_function::handle)
}
