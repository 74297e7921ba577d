//! Trigger: API Gateway, `GET /tasks/{id}/pushNotificationConfigs` and `POST /rpc/ListTaskPushNotificationConfigs`; the response is buffered.

fn main() -> setup::Result {
    setup::lambda::run_buffered(&setup::Parts::READS, list_push_notification_configs_function::handle)
}
