//! What tests of agents share: a job around a message, and a run to its end.

use std::collections::HashMap;

use engine::{
    Caller,
    ports::{Agent, Job, Update},
};
use futures::StreamExt;
use protocol::types::{Message, Part, Role};

/// A message of a user with one text part.
pub(crate) fn text_message(message_id: &str, text: &str) -> Message {
    Message { message_id: message_id.into(), ..Message::new(Role::User, vec![Part::text(text)]) }
}

/// The first turn of a task.
pub(crate) fn job(message: Message) -> Job {
    Job {
        task_id: "t1".into(),
        context_id: "c1".into(),
        message,
        history: vec![],
        metadata: HashMap::new(),
        referenced_tasks: vec![],
        caller: Caller::anonymous(),
        cancellation: Default::default(),
    }
}

/// Everything that an agent tells; a failure of the run fails the test.
pub(crate) async fn updates(agent: &dyn Agent, job: Job) -> Vec<Update> {
    agent.run(job).map(|update| update.expect("the run should not fail")).collect().await
}

/// A message of a user with these parts.
pub(crate) fn message_of(parts: Vec<Part>) -> Message {
    Message { message_id: "m1".into(), ..Message::new(Role::User, parts) }
}
