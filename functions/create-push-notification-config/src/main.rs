//! Trigger: API Gateway, `POST /tasks/{id}/pushNotificationConfigs` and `POST /rpc/CreateTaskPushNotificationConfig`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(create_push_notification_config_function::handle)
}
