//! Messages to tasks that exist (spec section 3.4).

use engine::ports::{TaskStore, View};
use futures::StreamExt;
use protocol::{
    A2aError, Call, Dialect, SendMessage,
    types::{Message, TaskState},
};

use crate::world::*;

/// Asks until it hears `done`; what it knows of the conversation is its artifact.
fn asking() -> Scripted {
    Scripted::new(|job| {
        let said: Vec<_> = job.history.iter().filter_map(Message::text).map(str::to_owned).collect();
        let update = match job.message.text() {
            Some("done") => artifact("talk", &said.join("|")),
            _ => says(TaskState::InputRequired, &format!("question {}", said.len())),
        };
        futures::stream::iter([Ok(update)]).boxed()
    })
}

#[tokio::test]
async fn a_conversation_keeps_every_message_in_order() {
    let world = World::new(vec![asking()]);
    let task = world.send("one").await.unwrap();
    assert_eq!(status_text(&task), Some("question 0"));
    let task = task_of(world.call(Call::SendMessage(reply_to(&task, "two"))).await).unwrap();
    assert_eq!(history(&task), ["one", "question 0", "two"]);
    let task = task_of(world.call(Call::SendMessage(reply_to(&task, "done"))).await).unwrap();
    assert_eq!(task.status.state, TaskState::Completed);
    assert_eq!(history(&task), ["one", "question 0", "two", "question 2", "done"]);
    assert_eq!(task.artifacts.as_ref().unwrap()[0].parts[0].as_text(), Some("one|question 0|two|question 2"));
    assert!(task.history.iter().flatten().all(|message| message.task_id.as_ref() == Some(&task.id)));
    assert_eq!(world.stored(&task.id).await.task, task);
}

#[tokio::test]
async fn one_more_turn_is_one_read_and_one_commit() {
    let world = World::new(vec![asking()]);
    let task = world.send("one").await.unwrap();
    world.store.counts();
    task_of(world.call(Call::SendMessage(reply_to(&task, "two"))).await).unwrap();
    assert_eq!(world.store.counts(), (1, 1));
}

#[tokio::test]
async fn a_turn_through_the_queue_sees_the_same_conversation() {
    let world = World::new(vec![asking().with(|profile| profile.long_running = true)]);
    let task = task_of(world.call(immediately("one")).await).unwrap();
    world.work().await;
    let reply = configured(reply_to(&task, "done"), |configuration| configuration.return_immediately = Some(true));
    let submitted = task_of(world.call(Call::SendMessage(reply)).await).unwrap();
    assert_eq!((submitted.status.state.clone(), history(&submitted)), (TaskState::Submitted, vec!["one", "question 0", "done"]));
    world.work().await;
    let task = world.get(&task.id).await.unwrap();
    assert_eq!(task.artifacts.unwrap()[0].parts[0].as_text(), Some("one|question 0"));
}

#[tokio::test]
async fn a_long_conversation_is_answered_whole_and_given_to_the_agent_in_part() {
    let world = World::new(vec![asking()]);
    let mut task = world.send("first").await.unwrap();
    for turn in 0..60 {
        let reply = configured(reply_to(&task, &format!("turn {turn}")), |configuration| configuration.history_length = Some(1));
        task = task_of(world.call(Call::SendMessage(reply)).await).unwrap();
    }
    assert_eq!(status_text(&task), Some("question 100"));
    let task = task_of(world.call(Call::SendMessage(reply_to(&task, "done"))).await).unwrap();
    assert_eq!(task.history.as_ref().unwrap().len(), 123);
    assert_eq!(world.get(&task.id).await.unwrap().history.unwrap().len(), 123);
}

#[tokio::test]
async fn a_context_that_is_not_the_tasks_is_refused_by_name() {
    let world = World::new(vec![asking()]);
    let task = world.send("one").await.unwrap();
    let mut reply = reply_to(&task, "two");
    reply.request.message.context_id = Some("elsewhere".into());
    let Err(A2aError::InvalidParams { violations }) = world.call(Call::SendMessage(reply.clone())).await.map(drop) else { panic!("not refused") };
    assert_eq!(violations[0].field, "message.contextId");
    reply.request.message.context_id = Some(task.context_id.clone());
    assert!(world.call(Call::SendMessage(reply)).await.is_ok());
}

#[tokio::test]
async fn only_a_task_that_asks_takes_a_message() {
    let world = World::new(vec![asking()]);
    let task = world.send("done").await.unwrap();
    let Err(A2aError::UnsupportedOperation { reason }) = world.call(Call::SendMessage(reply_to(&task, "more"))).await.map(drop) else {
        panic!("not refused")
    };
    assert!(reason.contains("TASK_STATE_COMPLETED"), "{reason}");
    let queued = task_of(world.call(immediately("one")).await).unwrap();
    let refused = world.call(Call::SendMessage(reply_to(&queued, "more"))).await.map(drop);
    assert!(matches!(refused, Err(A2aError::UnsupportedOperation { reason }) if reason.contains("TASK_STATE_SUBMITTED")));
}

#[tokio::test]
async fn a_task_that_is_missing_foreign_or_of_another_agent_looks_the_same() {
    let world = World::new(vec![asking(), asking().named("other")]);
    let task = world.send("one").await.unwrap();
    let not_found = Err(A2aError::TaskNotFound { task_id: task.id.clone() });
    let reply = Call::SendMessage(reply_to(&task, "two"));
    assert_eq!(world.engine.call(reply.clone(), bob()).await.map(drop), not_found);
    let elsewhere = engine::CallContext { tenant: Some("other".into()), ..alice() };
    assert_eq!(world.engine.call(reply, elsewhere).await.map(drop), not_found);
    let mut nowhere = message("x");
    nowhere.request.message.task_id = Some("nothing".into());
    assert_eq!(world.call(Call::SendMessage(nowhere)).await.map(drop), Err(A2aError::TaskNotFound { task_id: "nothing".into() }));
}

#[tokio::test]
async fn a_client_that_may_choose_the_task_id_gets_a_task_of_that_id() {
    let world = World::new(vec![asking()]);
    let chosen = |text: &str| {
        let mut send = SendMessage { task_id_may_be_new: true, ..message(text) };
        send.request.message.task_id = Some("mine".into());
        send.request.message.message_id = String::new();
        Call::SendMessage(send)
    };
    let context = engine::CallContext { dialect: Dialect::V0_1, ..alice() };
    let task = task_of(world.engine.call(chosen("one"), context.clone()).await).unwrap();
    assert_eq!(task.id, "mine");
    assert_eq!(world.store.task(&scope(), "mine", View::STATUS).await.unwrap().unwrap().dialect, Dialect::V0_1);
    let task = task_of(world.engine.call(chosen("done"), context).await).unwrap();
    assert_eq!((task.status.state, task.id.as_str()), (TaskState::Completed, "mine"));
    assert!(world.engine.call(chosen("one"), bob()).await.is_err(), "somebody else's id");
}
