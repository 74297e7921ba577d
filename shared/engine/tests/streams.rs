//! SendStreamingMessage and SubscribeToTask.

use std::{sync::Arc, time::Duration};

use engine::{
    CallContext, EngineSettings,
    ports::{TaskStore, Update},
};
use futures::{StreamExt, future::join_all};
use protocol::{
    A2aError, Call,
    types::{Message, Part, Role, TaskState},
};

use crate::world::*;

fn counting_to(last: usize) -> Vec<Update> {
    let mut updates: Vec<Update> = (1..=last).map(|n| chunk("a", &format!("<{n}>"), n > 1)).collect();
    updates.push(status(TaskState::Completed));
    updates
}

#[tokio::test]
async fn a_stream_is_the_task_and_then_what_happens_in_order() {
    let gate = Gate::closed();
    let world = World::new(vec![script(vec![status(TaskState::Working), artifact("a", "out"), status(TaskState::Completed)], Some(gate.clone()))]);
    let mut events = world.stream("go").await.unwrap();
    let mut heard = Vec::new();
    while let Some(item) = events.next().await {
        let item = item.unwrap();
        heard.push(in_short(&item));
        let id = world.only_task().await.id;
        assert!(world.stored(&id).await.last_sequence >= item.sequence.unwrap(), "stored before told");
        if heard.len() > 1 {
            gate.open();
        }
    }
    assert_eq!(heard, ["0: task Submitted", "1: Working", "2: out", "3: Completed"]);
}

#[tokio::test]
async fn a_stream_whose_agent_is_ready_costs_one_commit_and_else_two() {
    let world = World::new(vec![script(counting_to(3), None)]);
    assert_eq!(told(world.stream("go").await.unwrap()).await.len(), 5);
    assert_eq!(world.store.counts(), (1, 0));

    let slow = Scripted::new(|_| {
        let after_a_while = async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            futures::stream::iter(counting_to(3).into_iter().map(Ok))
        };
        futures::stream::once(after_a_while).flatten().boxed()
    });
    let world = World::new(vec![slow]);
    assert_eq!(told(world.stream("go").await.unwrap()).await.len(), 5);
    assert_eq!(world.store.counts(), (2, 0));
}

#[tokio::test]
async fn a_stream_whose_first_commit_was_made_without_a_word_goes_on() {
    let gate = Gate::closed();
    let world = World::new(vec![script(counting_to(3), Some(gate.clone()))]);
    world.store.loses_answers_of(1);
    let mut events = world.stream("go").await.unwrap();
    let first = in_short(&events.next().await.unwrap().unwrap());
    (0..4).for_each(|_| gate.open());
    assert_eq!((first.as_str(), told(events).await.len()), ("0: task Submitted", 4));
    assert_eq!(world.only_task().await.status.state, TaskState::Completed);
}

#[tokio::test]
async fn a_direct_answer_is_the_only_item_of_its_stream() {
    let world = World::new(vec![script(vec![Update::Message(Message::new(Role::Agent, vec![Part::text("hi")]))], None)]);
    assert_eq!(told(world.stream("go").await.unwrap()).await, ["message hi"]);
    assert_eq!(world.store.counts(), (0, 0));
}

#[tokio::test]
async fn a_stream_closes_when_the_agent_asks() {
    let world = World::new(vec![script(vec![says(TaskState::InputRequired, "which?"), artifact("a", "never")], None)]);
    assert_eq!(told(world.stream("go").await.unwrap()).await, ["0: task Submitted", "1: InputRequired"]);
}

#[tokio::test]
async fn a_stream_of_a_long_running_agent_follows_its_worker() {
    let world = World::new(vec![script(counting_to(3), None).with(|profile| profile.long_running = true)]);
    let events = world.stream("go").await.unwrap();
    world.work().await;
    assert_eq!(told(events).await, ["0: task Submitted", "1: <1>", "2: <2>", "3: <3>", "4: Completed"]);
}

#[tokio::test]
async fn every_one_of_many_subscribers_hears_everything_in_order() {
    let gate = Gate::closed();
    let mut updates = vec![status(TaskState::Working)];
    updates.extend(counting_to(300));
    let world = Arc::new(World::new(vec![script(updates, Some(gate.clone()))]));
    let task = task_of(world.call(immediately("go")).await).unwrap();
    let subscribers: Vec<_> = join_all((0..50).map(|_| world.subscribe(&task.id, None))).await;
    let worker = tokio::spawn({
        let world = world.clone();
        async move { world.work().await }
    });
    (0..303).for_each(|_| gate.open());
    let heard = join_all(subscribers.into_iter().map(|events| told(events.unwrap()))).await;
    worker.await.unwrap();
    let mut expected = vec!["0: task Submitted".to_owned(), "1: Working".to_owned()];
    expected.extend((1..=300).map(|n| format!("{}: <{n}>", n + 1)));
    expected.push("302: Completed".into());
    for one in heard {
        assert_eq!(one, expected);
    }
}

#[tokio::test]
async fn without_a_bus_a_subscriber_hears_the_same_from_the_store() {
    let settings = EngineSettings::default();
    let world = Arc::new(World::with(vec![script(counting_to(250), None)], settings, Arc::new(DeafBus)));
    let task = task_of(world.call(immediately("go")).await).unwrap();
    let events = world.subscribe(&task.id, None).await.unwrap();
    world.work().await;
    let heard = told(events).await;
    assert_eq!((heard.len(), heard[1].as_str(), heard[251].as_str()), (252, "1: <1>", "251: Completed"));
}

#[tokio::test]
async fn a_client_that_resumes_hears_what_it_missed_and_nothing_twice() {
    let gate = Gate::closed();
    let world = World::new(vec![script(counting_to(4), Some(gate.clone()))]);
    let mut events = world.stream("go").await.unwrap();
    gate.open();
    gate.open();
    let first: Vec<_> = events.by_ref().take(3).map(|item| in_short(&item.unwrap())).collect().await;
    assert_eq!(first, ["0: task Submitted", "1: <1>", "2: <2>"]);
    drop(events);
    let task = world.only_task().await;
    let resumed = world.subscribe(&task.id, Some(1)).await.unwrap();
    (0..4).for_each(|_| gate.open());
    let mut resumed: Vec<_> = resumed.map(Result::unwrap).collect().await;
    let heard: Vec<_> = resumed.iter().map(in_short).collect();
    assert_eq!(heard, ["task Submitted", "2: <2>", "3: <3>", "4: <4>", "5: Completed"]);
    let protocol::types::StreamResponse::Task(then) = resumed.remove(0).event else { panic!("no task") };
    assert_eq!(then.artifacts.unwrap()[0].parts.len(), 1, "the task as the client knew it");

    // The task has ended by now, and its events can still be had.
    assert_eq!(told(world.subscribe(&task.id, Some(4)).await.unwrap()).await, ["task Submitted", "5: Completed"]);
    assert_eq!(told(world.subscribe(&task.id, Some(5)).await.unwrap()).await, ["task Completed"]);
    assert_eq!(told(world.subscribe(&task.id, Some(99)).await.unwrap()).await, ["task Completed"]);
}

#[tokio::test]
async fn a_finished_task_has_nothing_to_subscribe_to() {
    let world = World::new(vec![script(counting_to(1), None)]);
    let task = world.send("go").await.unwrap();
    let Err(A2aError::UnsupportedOperation { reason }) = world.subscribe(&task.id, None).await.map(drop) else { panic!("not refused") };
    assert!(reason.contains("TASK_STATE_COMPLETED"), "{reason}");
    let foreign = world.engine.call(subscribe(&task.id), bob()).await;
    assert_eq!(foreign.map(drop), Err(A2aError::TaskNotFound { task_id: task.id }));
}

#[tokio::test]
async fn a_subscriber_of_a_waiting_task_hears_its_next_turn() {
    let asking = Scripted::new(|job| {
        let update = if job.history.is_empty() { says(TaskState::InputRequired, "which?") } else { artifact("a", "that") };
        futures::stream::iter([Ok(update)]).boxed()
    });
    let world = World::new(vec![asking]);
    let task = world.send("go").await.unwrap();
    let events = world.subscribe(&task.id, None).await.unwrap();
    task_of(world.call(Call::SendMessage(reply_to(&task, "that"))).await).unwrap();
    assert_eq!(told(events).await, ["1: task InputRequired", "2: Submitted", "3: that", "4: Completed"]);
}

#[tokio::test]
async fn a_stream_whose_runner_lost_the_task_goes_on_with_who_has_it() {
    let gate = Gate::closed();
    let world = World::new(vec![script(vec![status(TaskState::Working), artifact("a", "late")], Some(gate.clone()))]);
    let mut events = world.stream("go").await.unwrap();
    let first: Vec<_> = events.by_ref().take(2).map(|item| in_short(&item.unwrap())).collect().await;
    assert_eq!(first, ["0: task Submitted", "1: Working"]);
    let id = world.only_task().await.id;
    // The runner counts as lost, and somebody else cancels the task.
    world.clock.advance(Duration::from_secs(3600));
    world.cancel(&id).await.unwrap();
    gate.open();
    assert_eq!(told(events).await, ["2: Canceled"]);
    assert_eq!(world.store.events(&id, 0, 10).await.unwrap().len(), 2, "the lost runner left no trace");
}

#[tokio::test]
async fn a_stream_of_a_process_that_is_frozen_leaves_the_rest_to_the_queue() {
    let gate = Gate::closed();
    let settings = EngineSettings { outlives_response: false, ..EngineSettings::default() };
    let bus = Arc::new(events::InProcessEventBus::new());
    let world = World::with(vec![script(vec![status(TaskState::Working), artifact("a", "out")], Some(gate.clone()))], settings, bus);
    let hurried = CallContext { stream_left: Some(Duration::from_millis(100)), ..alice() };
    let events = events_of(world.engine.call(Call::SendStreamingMessage(message("go")), hurried).await).unwrap();
    assert_eq!(told(events).await, ["0: task Submitted", "1: Working"]);
    gate.open();
    gate.open();
    assert_eq!(world.work().await, 1);
    let id = world.only_task().await.id;
    assert_eq!(told(world.subscribe(&id, Some(1)).await.unwrap()).await, ["task Working", "2: Working", "3: out", "4: Completed"]);

    // The same where the client goes away before the deadline.
    let events = world.stream("go").await.unwrap();
    drop(events);
    world.engine.drain().await;
    gate.open();
    gate.open();
    assert_eq!(world.work().await, 1);
}
