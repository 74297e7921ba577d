//! Trigger: API Gateway, `DELETE /tasks/{id}/pushNotificationConfigs/{configId}` and `POST /rpc/DeleteTaskPushNotificationConfig`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::READS, delete_push_notification_config_function::handle)
}
