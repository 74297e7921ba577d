//! Messages that come twice.

use std::time::Duration;

use engine::{CallContext, ports::Update};
use futures::StreamExt;
use protocol::{
    Call,
    types::{Part, TaskState},
};
use serde_json::json;

use crate::world::*;

fn echo() -> Scripted {
    Scripted::new(|job| futures::stream::iter([Ok(artifact("a", job.message.text().unwrap_or_default()))]).boxed())
}

#[tokio::test]
async fn a_retried_message_gets_the_task_that_it_made() {
    let world = World::new(vec![echo()]);
    let mut send = message("go");
    send.request.metadata = Some((0..20).map(|n| (format!("key{n}"), json!(n))).collect());
    let first = task_of(world.call(Call::SendMessage(send.clone())).await).unwrap();
    let second = task_of(world.call(Call::SendMessage(send)).await).unwrap();
    assert_eq!(first, second);
    assert_eq!(world.list().await.total_size, 1);
}

#[tokio::test]
async fn the_same_id_with_other_content_or_of_another_owner_is_another_message() {
    let world = World::new(vec![echo()]);
    let send = message("go");
    let mut other = send.clone();
    other.request.message.parts = vec![Part::text("stay")];
    let tasks = [
        task_of(world.call(Call::SendMessage(send.clone())).await).unwrap().id,
        task_of(world.call(Call::SendMessage(other)).await).unwrap().id,
        task_of(world.engine.call(Call::SendMessage(send), bob()).await).unwrap().id,
    ];
    assert!(tasks[0] != tasks[1] && tasks[1] != tasks[2] && tasks[0] != tasks[2]);
}

#[tokio::test]
async fn after_a_day_a_message_is_new_again() {
    let world = World::new(vec![echo()]);
    let send = message("go");
    let first = task_of(world.call(Call::SendMessage(send.clone())).await).unwrap();
    world.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(task_of(world.call(Call::SendMessage(send.clone())).await).unwrap().id, first.id);
    world.clock.advance(Duration::from_secs(2));
    assert_ne!(task_of(world.call(Call::SendMessage(send)).await).unwrap().id, first.id);
}

#[tokio::test]
async fn a_retry_waits_for_the_task_that_still_runs() {
    let gate = Gate::closed();
    let world = World::new(vec![script(vec![status(TaskState::Working), status(TaskState::Completed)], Some(gate.clone()))]);
    let send = Call::SendMessage(message("go"));
    let (first, second) = tokio::join!(world.call(send.clone()), async {
        world.only_task().await;
        let retry = world.call(send.clone());
        let open = async {
            tokio::time::sleep(Duration::from_millis(80)).await;
            gate.open();
            gate.open();
        };
        tokio::join!(retry, open).0
    });
    let (first, second) = (task_of(first).unwrap(), task_of(second).unwrap());
    assert_eq!((&first.id, first.status.state), (&second.id, second.status.state));
}

#[tokio::test]
async fn a_retried_answer_to_a_question_gets_the_task_though_it_has_ended() {
    let asking = Scripted::new(|job| {
        let update = if job.history.is_empty() { says(TaskState::InputRequired, "which?") } else { artifact("a", "that") };
        futures::stream::iter([Ok(update)]).boxed()
    });
    let world = World::new(vec![asking]);
    let task = world.send("go").await.unwrap();
    let answer = Call::SendMessage(reply_to(&task, "that"));
    let first = task_of(world.call(answer.clone()).await).unwrap();
    assert_eq!(first.status.state, TaskState::Completed);
    assert_eq!(task_of(world.call(answer).await).unwrap(), first);
}

#[tokio::test]
async fn a_retried_streaming_message_replays_its_stream() {
    let world = World::new(vec![script(vec![artifact("a", "1"), chunk("a", "2", true), status(TaskState::Completed)], None)]);
    let send = Call::SendStreamingMessage(message("go"));
    let first = told(events_of(world.call(send.clone()).await).unwrap()).await;
    assert_eq!(first, ["0: task Submitted", "1: 1", "2: 2", "3: Completed"]);
    assert_eq!(told(events_of(world.call(send.clone()).await).unwrap()).await, first);
    let resumed = CallContext { last_event_id: Some(1), ..alice() };
    assert_eq!(told(events_of(world.engine.call(send, resumed).await).unwrap()).await, ["task Submitted", "2: 2", "3: Completed"]);
}

#[tokio::test]
async fn a_retried_streaming_answer_replays_its_own_turn() {
    let asking = Scripted::new(|job| {
        let updates: Vec<Update> = if job.history.is_empty() {
            vec![says(TaskState::InputRequired, "which?")]
        } else {
            vec![artifact("a", "that"), status(TaskState::Completed)]
        };
        futures::stream::iter(updates.into_iter().map(Ok)).boxed()
    });
    let world = World::new(vec![asking]);
    let task = world.send("go").await.unwrap();
    let answer = Call::SendStreamingMessage(reply_to(&task, "that"));
    let first = told(events_of(world.call(answer.clone()).await).unwrap()).await;
    assert_eq!(first, ["2: task Submitted", "3: that", "4: Completed"]);
    assert_eq!(told(events_of(world.call(answer).await).unwrap()).await, first);
}
