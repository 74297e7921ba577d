//! GetTaskPushNotificationConfig (spec section 3.1.8).

use protocol::{A2aError, Answer, push::DEFAULT_CONFIG, types::GetTaskPushNotificationConfigRequest};

use crate::{CallContext, Engine, Reply, commit::unanswerable};

impl Engine {
    pub(crate) async fn get_task_push_notification_config(
        &self,
        request: GetTaskPushNotificationConfigRequest,
        context: CallContext,
    ) -> Result<Reply, A2aError> {
        let configs = self.push_configs_of(&request.task_id, &context).await?;
        let named = |id: &str| configs.iter().find(|config| config.config.id.as_deref() == Some(id));
        let found = match request.id.as_str() {
            "" => named(DEFAULT_CONFIG).or(configs.first()),
            id => named(id),
        };
        // The specification has no error of its own for a missing config.
        let found = found.ok_or_else(|| A2aError::TaskNotFound { task_id: format!("{}/{}", request.task_id, request.id) })?;
        let opened = self.opened(&request.task_id, found.clone()).await.map_err(unanswerable)?;
        context.reply(Answer::PushNotificationConfig(opened.config))
    }
}
