//! ListTaskPushNotificationConfigs (spec section 3.1.9).

use protocol::{
    A2aError, Answer,
    types::{ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse},
};

use crate::{
    CallContext, Engine, Reply,
    commit::unanswerable,
    ports::{PushConfig, Scope},
};

impl Engine {
    pub(crate) async fn list_task_push_notification_configs(
        &self,
        request: ListTaskPushNotificationConfigsRequest,
        context: CallContext,
    ) -> Result<Reply, A2aError> {
        let mut stored = self.push_configs_of(&request.task_id, &context).await?;
        // They come in the order of their ids, so the last id of a page is the token of the next.
        if let Some(token) = request.page_token.filter(|token| !token.is_empty()) {
            stored.retain(|config| config.config.id.as_deref() > Some(token.as_str()));
        }
        let size = request.page_size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0).unwrap_or(usize::MAX);
        let more = stored.len() > size;
        stored.truncate(size);
        let mut configs = Vec::with_capacity(stored.len());
        for config in stored {
            configs.push(self.opened(&request.task_id, config).await.map_err(unanswerable)?.config);
        }
        let next_page_token = more.then(|| configs.last().and_then(|config| config.id.clone())).flatten();
        context.reply(Answer::PushNotificationConfigs(ListTaskPushNotificationConfigsResponse { configs, next_page_token }))
    }

    /// The webhooks of a task in scope as they are stored, in the order of their ids.
    pub(crate) async fn push_configs_of(&self, task_id: &str, context: &CallContext) -> Result<Vec<PushConfig>, A2aError> {
        let scope = self.scope(context)?;
        self.require_push_notifications(&scope)?;
        let configs = self.ports().tasks.push_configs(&scope, task_id).await.map_err(unanswerable)?;
        configs.ok_or_else(|| A2aError::TaskNotFound { task_id: task_id.to_owned() })
    }

    /// Whether any agent in scope offers webhooks (spec section 3.3.4).
    pub(crate) fn require_push_notifications(&self, scope: &Scope) -> Result<(), A2aError> {
        let offered = self.agents_of(scope.agent.as_deref()).any(|profile| profile.push_notifications);
        if offered { Ok(()) } else { Err(A2aError::PushNotificationNotSupported) }
    }
}
