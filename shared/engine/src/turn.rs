//! From a message to a turn that can run: which task, which agent, and everything that has to hold before.

use std::{sync::Arc, time::Duration};

use protocol::{
    A2aError, SendMessage,
    types::{Message, SendMessageRequest, Task, TaskPushNotificationConfig, new_context_id, new_message_id, new_task_id},
};
use ring::digest;
use tokio_util::sync::CancellationToken;

use crate::{
    CallContext, Caller, Engine,
    commit::unanswerable,
    draft::{Draft, TurnStart},
    media_types,
    ports::{Agent, AgentProfile, Job, NewTask, PushConfig, RememberedMessage, Scope, StoreError, StoredTask, View},
    routing::route,
    run_task::Turn,
    state::is_interrupted,
};

/// So much of the history an agent gets to see.
pub(crate) const JOB_HISTORY: u32 = 100;
/// So long a retried message is recognised.
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 3600);
/// More referenced tasks than this are left out.
const REFERENCED_TASKS: usize = 50;

/// What is to be done about a message.
pub(crate) enum Prepared {
    /// Run this turn. Nothing of it is stored yet.
    Turn(Box<Turn>),
    /// The message was sent before and went to this task.
    Again(String),
}

impl Engine {
    /// Checks a message and prepares its turn (spec sections 3.1.1, 3.3.4 and 3.4).
    pub(crate) async fn prepare(&self, send: &SendMessage, context: &CallContext) -> Result<Prepared, A2aError> {
        let request = &send.request;
        let scope = self.scope(context)?;
        let named = request.message.task_id.as_deref().filter(|id| !id.is_empty());
        let known = match named {
            Some(id) => {
                self.ports().tasks.task(&scope, id, View { history_length: Some(JOB_HISTORY), artifacts: true }).await.map_err(unanswerable)?
            }
            None => None,
        };
        if let (Some(id), None, false) = (named, &known, send.task_id_may_be_new) {
            return Err(A2aError::TaskNotFound { task_id: id.to_owned() });
        }
        let agent = match &known {
            Some(stored) => self.agent_of(stored)?,
            None => route(self.candidates(), context.tenant.as_deref(), request)?.clone(),
        };
        let remember = self.remembered_message(request, agent.profile());
        if let Some(stored) = &known
            && let Err(refusal) = may_continue(stored, &request.message)
        {
            let again = match &remember {
                Some(message) => self.ports().tasks.remembered(&context.caller.owner, message).await.map_err(unanswerable)?,
                None => None,
            };
            return again.map(Prepared::Again).ok_or(refusal);
        }
        check_extensions(agent.profile(), context)?;
        media_types::check(agent.profile(), &request.message.parts)?;
        let referenced_tasks = self.referenced_tasks(&context.caller, &request.message).await.map_err(unanswerable)?;

        let mut message = request.message.clone();
        let task_id = named.map_or_else(new_task_id, str::to_owned);
        let context_id = match &known {
            Some(stored) => stored.task.context_id.clone(),
            None => message.context_id.take().filter(|id| !id.is_empty()).unwrap_or_else(new_context_id),
        };
        message.task_id = Some(task_id.clone());
        message.context_id = Some(context_id.clone());
        if message.message_id.is_empty() {
            message.message_id = new_message_id();
        }
        let job = Job {
            task_id: task_id.clone(),
            context_id: context_id.clone(),
            message: message.clone(),
            history: known.as_ref().map(spoken).unwrap_or_default(),
            metadata: request.metadata.clone().unwrap_or_default(),
            referenced_tasks,
            caller: context.caller.clone(),
            cancellation: CancellationToken::new(),
        };
        let config = request.configuration.as_ref().and_then(|configuration| configuration.task_push_notification_config.as_ref());
        let cursor = known.as_ref().map_or(0, |stored| stored.last_sequence);
        let push_configs = match config {
            Some(config) => {
                let made = self.push_config(agent.profile(), config, &task_id, cursor, context, "configuration.taskPushNotificationConfig.url")?;
                vec![self.sealed(made).await.map_err(unanswerable)?]
            }
            None => Vec::new(),
        };
        let mut metadata = request.metadata.clone().unwrap_or_default();
        if let Some(traceparent) = &context.traceparent {
            metadata.insert(TRACEPARENT.to_owned(), traceparent.as_str().into());
        }
        let start = TurnStart { metadata: Some(metadata), push_configs, remember };
        let draft = match known {
            Some(stored) => {
                let mut draft = Draft::of(stored);
                draft.begin_turn(message, start, self.now());
                draft
            }
            None => {
                let new = NewTask {
                    owner: context.caller.owner.clone(),
                    agent: agent.profile().id.clone(),
                    context_id,
                    dialect: context.dialect,
                    caller_role: context.caller.role.as_str().to_owned(),
                };
                Draft::new_task(task_id, message, new, start, self.now())
            }
        };
        Ok(Prepared::Turn(Box::new(Turn { draft, agent, job })))
    }

    /// A webhook as it is stored, if the agent offers webhooks and the URL could ever be called.
    pub(crate) fn push_config(
        &self,
        profile: &AgentProfile,
        given: &TaskPushNotificationConfig,
        task_id: &str,
        cursor: u64,
        context: &CallContext,
        url_field: &str,
    ) -> Result<PushConfig, A2aError> {
        if !profile.push_notifications {
            return Err(A2aError::PushNotificationNotSupported);
        }
        self.ports().webhooks.check(&given.url).map_err(|error| A2aError::invalid(url_field, error.to_string()))?;
        let id = given.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let config = TaskPushNotificationConfig { id: Some(id), task_id: task_id.to_owned(), ..given.clone() };
        Ok(PushConfig { config, dialect: context.dialect, cursor, created_at: self.now() })
    }

    /// The tasks that a message refers to, of any agent; those that its sender can't see are left out.
    pub(crate) async fn referenced_tasks(&self, caller: &Caller, message: &Message) -> Result<Vec<Task>, StoreError> {
        let scope = Scope { owner: caller.owner.clone(), agent: None };
        let mut tasks = Vec::new();
        for id in message.reference_task_ids.iter().flatten().take(REFERENCED_TASKS) {
            let view = View { history_length: Some(0), artifacts: true };
            tasks.extend(self.ports().tasks.task(&scope, id, view).await?.map(|stored| stored.task));
        }
        Ok(tasks)
    }

    /// How the message is remembered; `None` for one without an id, whose retry nobody could tell from a new message.
    fn remembered_message(&self, request: &SendMessageRequest, profile: &AgentProfile) -> Option<RememberedMessage> {
        let message_id = request.message.message_id.clone();
        if message_id.is_empty() {
            return None;
        }
        let forget_before = self.now() - REMEMBERED_FOR;
        Some(RememberedMessage { message_id, fingerprint: fingerprint(request, &profile.id), forget_before })
    }

    /// The agent that a stored task belongs to.
    pub(crate) fn agent_of(&self, stored: &StoredTask) -> Result<Arc<dyn Agent>, A2aError> {
        let candidate = self.candidates().iter().find(|candidate| candidate.agent.profile().id == stored.agent);
        candidate.map(|candidate| candidate.agent.clone()).ok_or_else(|| A2aError::UnsupportedOperation {
            reason: format!("the agent `{}` of task `{}` is no longer served here", stored.agent, stored.task.id),
        })
    }
}

/// The history as an agent gets it before its next message: the question that it asked last belongs to it.
pub(crate) fn spoken(stored: &StoredTask) -> Vec<Message> {
    let mut spoken = stored.task.history.clone().unwrap_or_default();
    spoken.extend(stored.task.status.message.clone());
    spoken.drain(..spoken.len().saturating_sub(JOB_HISTORY as usize));
    spoken
}

/// Whether a task can take this message now (spec sections 3.1.1 and 3.4.3).
fn may_continue(stored: &StoredTask, message: &Message) -> Result<(), A2aError> {
    let task = &stored.task;
    if let Some(context_id) = message.context_id.as_deref().filter(|id| !id.is_empty())
        && context_id != task.context_id
    {
        return Err(A2aError::invalid("message.contextId", format!("is not the context of task `{}`", task.id)));
    }
    let state = state_name(task);
    if task.status.state.is_terminal() {
        return Err(A2aError::UnsupportedOperation { reason: format!("task `{}` is {state} and takes no more messages", task.id) });
    }
    if !is_interrupted(&task.status.state) {
        let reason = format!("task `{}` is {state}; it takes the next message when it asks for one", task.id);
        return Err(A2aError::UnsupportedOperation { reason });
    }
    Ok(())
}

fn check_extensions(profile: &AgentProfile, context: &CallContext) -> Result<(), A2aError> {
    let missing = profile.extensions.iter().find(|extension| extension.required == Some(true) && !context.extensions.contains(&extension.uri));
    missing.map_or(Ok(()), |extension| Err(A2aError::ExtensionSupportRequired { uri: extension.uri.clone() }))
}

/// The state in the specification's words.
pub(crate) fn state_name(task: &Task) -> &'static str {
    use protocol::types::TaskState;
    match task.status.state {
        TaskState::Unspecified => "TASK_STATE_UNSPECIFIED",
        TaskState::Submitted => "TASK_STATE_SUBMITTED",
        TaskState::Working => "TASK_STATE_WORKING",
        TaskState::Completed => "TASK_STATE_COMPLETED",
        TaskState::Failed => "TASK_STATE_FAILED",
        TaskState::Canceled => "TASK_STATE_CANCELED",
        TaskState::InputRequired => "TASK_STATE_INPUT_REQUIRED",
        TaskState::Rejected => "TASK_STATE_REJECTED",
        TaskState::AuthRequired => "TASK_STATE_AUTH_REQUIRED",
    }
}

/// What is stored beside a request's own metadata: whoever runs or tells of the turn goes on with its trace.
pub(crate) const TRACEPARENT: &str = "a2a-lambda/traceparent";

/// The trace of a task's present turn.
pub(crate) fn traceparent(stored: &StoredTask) -> Option<&str> {
    stored.request_metadata.get(TRACEPARENT)?.as_str()
}

/// SHA-256 over the agent and the whole request: what asks for another webhook or another history is no retry.
fn fingerprint(request: &SendMessageRequest, agent: &str) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(agent.as_bytes());
    let message = &request.message;
    // Maps have no order of their own, so what holds any needs a canonical form; the common message needs none.
    let plain = message.metadata.is_none() && request.metadata.is_none() && message.parts.iter().all(|part| part.metadata.is_none());
    let content = if plain { serde_json::to_vec(request) } else { serde_json_canonicalizer::to_vec(request) };
    // Both are JSON by construction; an empty content would only make two messages of one id look alike.
    hash.update(&content.unwrap_or_default());
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    hash.finish().as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
