//! CreateTaskPushNotificationConfig (spec section 3.1.7). An id that the task has already is replaced.

use protocol::{A2aError, Answer, types::TaskPushNotificationConfig};

use crate::{CallContext, Engine, Reply, commit::unanswerable, ports::View};

impl Engine {
    pub(crate) async fn create_task_push_notification_config(
        &self,
        config: TaskPushNotificationConfig,
        context: CallContext,
    ) -> Result<Reply, A2aError> {
        let scope = self.scope(&context)?;
        self.require_push_notifications(&scope)?;
        let not_found = || A2aError::TaskNotFound { task_id: config.task_id.clone() };
        let stored = self.ports().tasks.task(&scope, &config.task_id, View::STATUS).await.map_err(unanswerable)?.ok_or_else(not_found)?;
        let agent = self.agent_of(&stored)?;
        // What happened before isn't told to it: the cursor begins at the latest event.
        let made = self.push_config(agent.profile(), &config, &config.task_id, stored.last_sequence, &context, "url")?;
        let sealed = self.sealed(made.clone()).await.map_err(unanswerable)?;
        if !self.ports().tasks.put_push_config(&scope, sealed).await.map_err(unanswerable)? {
            return Err(not_found());
        }
        context.reply(Answer::PushNotificationConfig(made.config))
    }
}
