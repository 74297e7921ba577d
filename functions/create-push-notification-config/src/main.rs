//! Trigger: API Gateway, `POST /tasks/{id}/pushNotificationConfigs` and `POST /rpc/CreateTaskPushNotificationConfig`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::READS, create_push_notification_config_function::handle)
}
