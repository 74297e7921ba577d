//! The operations of the protocol, one in each file.

mod cancel_task;
mod create_task_push_notification_config;
mod delete_task_push_notification_config;
mod get_extended_agent_card;
mod get_task;
mod get_task_push_notification_config;
mod list_task_push_notification_configs;
mod list_tasks;
mod send_message;
mod send_streaming_message;
mod subscribe_to_task;

use protocol::{A2aError, Answer, Call};

use crate::{CallContext, Engine, Reply};

impl Engine {
    /// Performs one operation.
    pub async fn call(&self, call: Call, context: CallContext) -> Result<Reply, A2aError> {
        // A future is as large as the largest that it may await, and is moved before it runs: boxes keep every call from paying for the largest.
        match call {
            Call::SendMessage(send) => Box::pin(self.send_message(send, context)).await,
            Call::SendStreamingMessage(send) => Box::pin(self.send_streaming_message(send, context)).await,
            Call::CancelTask(request) => Box::pin(self.cancel_task(request, context)).await,
            Call::SubscribeToTask(request) => Box::pin(self.subscribe_to_task(request, context)).await,
            lookup => self.look_up(lookup, context).await,
        }
    }
}

impl Engine {
    /// Performs one of the operations that neither run an agent nor wait for one; those are [`Self::call`]'s alone.
    ///
    /// # Errors
    /// As [`Self::call`]; any other operation is not supported.
    pub async fn look_up(&self, call: Call, context: CallContext) -> Result<Reply, A2aError> {
        match call {
            Call::GetTask(request) => self.get_task(request, context).await,
            Call::ListTasks(request) => Box::pin(self.list_tasks(request, context)).await,
            Call::CreateTaskPushNotificationConfig(config) => Box::pin(self.create_task_push_notification_config(config, context)).await,
            Call::GetTaskPushNotificationConfig(request) => self.get_task_push_notification_config(request, context).await,
            Call::ListTaskPushNotificationConfigs(request) => self.list_task_push_notification_configs(request, context).await,
            Call::DeleteTaskPushNotificationConfig(request) => self.delete_task_push_notification_config(request, context).await,
            Call::GetExtendedAgentCard(_) => self.get_extended_agent_card(&context),
            Call::SendMessage(_) | Call::SendStreamingMessage(_) | Call::CancelTask(_) | Call::SubscribeToTask(_) => {
                Err(A2aError::UnsupportedOperation { reason: format!("`{}` isn't looked up", call.method().name()) })
            }
        }
    }
}

impl CallContext {
    /// An answer that shows no task.
    pub(crate) fn reply(&self, answer: Answer) -> Result<Reply, A2aError> {
        Ok(Reply::Answer { answer, dialect: self.dialect })
    }
}
