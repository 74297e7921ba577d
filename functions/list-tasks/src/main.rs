//! Trigger: API Gateway, `GET /tasks` and `POST /rpc/ListTasks`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::READS, list_tasks_function::handle)
}
