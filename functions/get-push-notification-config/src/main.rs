//! Trigger: API Gateway, `GET /tasks/{id}/pushNotificationConfigs/{configId}` and `POST /rpc/GetTaskPushNotificationConfig`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::READS, get_push_notification_config_function::handle)
}
