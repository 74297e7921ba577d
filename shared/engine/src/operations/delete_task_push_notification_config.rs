//! DeleteTaskPushNotificationConfig (spec section 3.1.10). Deleting twice succeeds twice.

use protocol::{A2aError, Answer, types::DeleteTaskPushNotificationConfigRequest};

use crate::{CallContext, Engine, Reply, commit::unanswerable};

impl Engine {
    pub(crate) async fn delete_task_push_notification_config(
        &self,
        request: DeleteTaskPushNotificationConfigRequest,
        context: CallContext,
    ) -> Result<Reply, A2aError> {
        let scope = self.scope(&context)?;
        self.require_push_notifications(&scope)?;
        if !self.ports().tasks.delete_push_config(&scope, &request.task_id, &request.id).await.map_err(unanswerable)? {
            return Err(A2aError::TaskNotFound { task_id: request.task_id });
        }
        context.reply(Answer::Deleted)
    }
}
