//! The neck of the hourglass: every request of every dialect and binding becomes a [`Call`], every result an [`Answer`].

use std::sync::Arc;

use crate::types::{
    AgentCard, CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, GetExtendedAgentCardRequest, GetTaskPushNotificationConfigRequest,
    GetTaskRequest, ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse, ListTasksRequest, ListTasksResponse, Message,
    SendMessageRequest, SubscribeToTaskRequest, Task, TaskPushNotificationConfig,
};

/// One operation of the protocol with its parameters, valid as far as can be told without state (spec section 3.1).
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Section 3.1.1.
    SendMessage(SendMessage),
    /// Section 3.1.2.
    SendStreamingMessage(SendMessage),
    /// Section 3.1.3.
    GetTask(GetTaskRequest),
    /// Section 3.1.4.
    ListTasks(ListTasksRequest),
    /// Section 3.1.5.
    CancelTask(CancelTaskRequest),
    /// Section 3.1.6.
    SubscribeToTask(SubscribeToTaskRequest),
    /// Section 3.1.7.
    CreateTaskPushNotificationConfig(TaskPushNotificationConfig),
    /// Section 3.1.8. An empty id, which only older dialects allow, asks for [`crate::push::DEFAULT_CONFIG`] or else for the first one.
    GetTaskPushNotificationConfig(GetTaskPushNotificationConfigRequest),
    /// Section 3.1.9.
    ListTaskPushNotificationConfigs(ListTaskPushNotificationConfigsRequest),
    /// Section 3.1.10.
    DeleteTaskPushNotificationConfig(DeleteTaskPushNotificationConfigRequest),
    /// Section 3.1.11.
    GetExtendedAgentCard(GetExtendedAgentCardRequest),
}

/// The parameters of [`Call::SendMessage`] and [`Call::SendStreamingMessage`].
#[derive(Debug, Clone, PartialEq)]
pub struct SendMessage {
    /// As in v1.0. An empty `messageId` asks the engine for a new one (v0.1 messages have none).
    pub request: SendMessageRequest,
    /// Whether a `taskId` that names no task creates one of that id: v0.1 clients choose ids themselves,
    /// later ones must not (spec section 3.4.2).
    pub task_id_may_be_new: bool,
}

impl Call {
    /// The operation's name without its parameters.
    pub const fn method(&self) -> Method {
        match self {
            Call::SendMessage(_) => Method::SendMessage,
            Call::SendStreamingMessage(_) => Method::SendStreamingMessage,
            Call::GetTask(_) => Method::GetTask,
            Call::ListTasks(_) => Method::ListTasks,
            Call::CancelTask(_) => Method::CancelTask,
            Call::SubscribeToTask(_) => Method::SubscribeToTask,
            Call::CreateTaskPushNotificationConfig(_) => Method::CreateTaskPushNotificationConfig,
            Call::GetTaskPushNotificationConfig(_) => Method::GetTaskPushNotificationConfig,
            Call::ListTaskPushNotificationConfigs(_) => Method::ListTaskPushNotificationConfigs,
            Call::DeleteTaskPushNotificationConfig(_) => Method::DeleteTaskPushNotificationConfig,
            Call::GetExtendedAgentCard(_) => Method::GetExtendedAgentCard,
        }
    }
}

/// The operations of the protocol by name (spec section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the specification's own")]
pub enum Method {
    SendMessage,
    SendStreamingMessage,
    GetTask,
    ListTasks,
    CancelTask,
    SubscribeToTask,
    CreateTaskPushNotificationConfig,
    GetTaskPushNotificationConfig,
    ListTaskPushNotificationConfigs,
    DeleteTaskPushNotificationConfig,
    GetExtendedAgentCard,
}

impl Method {
    /// Every operation, in the specification's order.
    pub const ALL: [Method; 11] = [
        Method::SendMessage,
        Method::SendStreamingMessage,
        Method::GetTask,
        Method::ListTasks,
        Method::CancelTask,
        Method::SubscribeToTask,
        Method::CreateTaskPushNotificationConfig,
        Method::GetTaskPushNotificationConfig,
        Method::ListTaskPushNotificationConfigs,
        Method::DeleteTaskPushNotificationConfig,
        Method::GetExtendedAgentCard,
    ];

    /// The v1.0 JSON-RPC method name.
    pub const fn name(self) -> &'static str {
        match self {
            Method::SendMessage => "SendMessage",
            Method::SendStreamingMessage => "SendStreamingMessage",
            Method::GetTask => "GetTask",
            Method::ListTasks => "ListTasks",
            Method::CancelTask => "CancelTask",
            Method::SubscribeToTask => "SubscribeToTask",
            Method::CreateTaskPushNotificationConfig => "CreateTaskPushNotificationConfig",
            Method::GetTaskPushNotificationConfig => "GetTaskPushNotificationConfig",
            Method::ListTaskPushNotificationConfigs => "ListTaskPushNotificationConfigs",
            Method::DeleteTaskPushNotificationConfig => "DeleteTaskPushNotificationConfig",
            Method::GetExtendedAgentCard => "GetExtendedAgentCard",
        }
    }

    /// Whether the answer is a stream of events.
    pub const fn streams(self) -> bool {
        matches!(self, Method::SendStreamingMessage | Method::SubscribeToTask)
    }
}

/// What a unary [`Call`] came to. Tasks are shared because finished ones are cached.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// SendMessage, GetTask, CancelTask.
    Task(Arc<Task>),
    /// SendMessage, where the agent answers without a task.
    Message(Box<Message>),
    /// ListTasks.
    Tasks(ListTasksResponse),
    /// Create- and GetTaskPushNotificationConfig.
    PushNotificationConfig(TaskPushNotificationConfig),
    /// ListTaskPushNotificationConfigs.
    PushNotificationConfigs(ListTaskPushNotificationConfigsResponse),
    /// DeleteTaskPushNotificationConfig.
    Deleted,
    /// GetExtendedAgentCard: the v1.0 card.
    AgentCard(Box<AgentCard>),
}
