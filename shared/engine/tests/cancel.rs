//! CancelTask.

use std::{sync::Arc, time::Duration};

use engine::{
    CallContext, Engine, EngineSettings, Ports,
    ports::{AgentError, EventBus, Signal, Update},
};
use futures::StreamExt;
use protocol::{A2aError, Call, types::TaskState};

use crate::world::*;

/// Works until it is canceled, and then ends like this.
fn until_canceled(end: Option<Result<Update, AgentError>>) -> Scripted {
    Scripted::new(move |job| {
        let (cancellation, end) = (job.cancellation, end.clone());
        let working = futures::stream::iter([Ok(status(TaskState::Working))]);
        let ending = futures::stream::once(async move { cancellation.cancelled().await }).flat_map(move |()| futures::stream::iter(end.clone()));
        working.chain(ending).boxed()
    })
}

#[tokio::test]
async fn a_queued_task_is_canceled_at_once_and_never_runs() {
    let world = World::new(vec![script(vec![artifact("a", "out")], None)]);
    let task = task_of(world.call(immediately("go")).await).unwrap();
    assert_eq!(world.cancel(&task.id).await.unwrap().status.state, TaskState::Canceled);
    world.work().await;
    let task = world.get(&task.id).await.unwrap();
    assert_eq!((task.status.state, task.artifacts), (TaskState::Canceled, None));
}

#[tokio::test]
async fn a_task_that_waits_for_input_is_canceled_at_once() {
    let world = World::new(vec![script(vec![says(TaskState::InputRequired, "which?")], None)]);
    let task = world.send("go").await.unwrap();
    let task = world.cancel(&task.id).await.unwrap();
    assert_eq!((task.status.state.clone(), history(&task)), (TaskState::Canceled, vec!["go", "which?"]));
}

#[tokio::test]
async fn a_running_task_is_canceled_by_its_runner() {
    for end in [None, Some(Ok(status(TaskState::Canceled))), Some(Err(AgentError::new("interrupted")))] {
        let world = World::new(vec![until_canceled(end)]);
        let mut events = world.stream("go").await.unwrap();
        let _ = (events.next().await, events.next().await);
        let id = world.only_task().await.id;
        let started = tokio::time::Instant::now();
        assert_eq!(world.cancel(&id).await.unwrap().status.state, TaskState::Canceled);
        assert!(started.elapsed() < Duration::from_secs(2), "confirmed, not timed out");
        assert_eq!(told(events).await, ["2: Canceled"]);
    }
}

#[tokio::test]
async fn without_a_bus_a_runner_learns_of_it_when_it_stores_something() {
    let gate = Gate::closed();
    let updates = vec![status(TaskState::Working), artifact("a", "1"), artifact("b", "2"), artifact("c", "3")];
    let world = World::with(vec![script(updates, Some(gate.clone()))], EngineSettings::default(), Arc::new(DeafBus));
    let mut events = world.stream("go").await.unwrap();
    let _ = (events.next().await, events.next().await);
    let id = world.only_task().await.id;
    let (canceled, ()) = tokio::join!(world.cancel(&id), async {
        while !world.stored(&id).await.cancel_requested {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        gate.open();
        while world.stored(&id).await.last_sequence < 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        (0..9).for_each(|_| gate.open());
    });
    assert_eq!(canceled.unwrap().status.state, TaskState::Canceled);
    assert_eq!(told(events).await.last().unwrap().split(' ').next_back(), Some("Canceled"));
}

#[tokio::test]
async fn a_runner_that_no_signal_reaches_finds_in_the_store_that_it_is_to_stop() {
    let world = World::with(vec![until_canceled(None)], EngineSettings::default(), Arc::new(DeafBus));
    let events = world.stream("go").await.unwrap();
    let id = world.only_task().await.id;
    let begun = std::time::Instant::now();
    assert_eq!(world.cancel(&id).await.unwrap().status.state, TaskState::Canceled);
    assert!(begun.elapsed() < Duration::from_secs(4), "before it is canceled over its head: {:?}", begun.elapsed());
    assert_eq!(told(events).await.last().unwrap().split(' ').next_back(), Some("Canceled"));
}

#[tokio::test]
async fn a_task_whose_agent_does_not_listen_is_canceled_over_its_head() {
    let gate = Gate::closed();
    let world = World::new(vec![script(vec![status(TaskState::Working), status(TaskState::Completed)], Some(gate.clone()))]);
    let mut events = world.stream("go").await.unwrap();
    let _ = (events.next().await, events.next().await);
    let id = world.only_task().await.id;
    let hurried = CallContext { time_left: Duration::from_millis(200), ..alice() };
    let task = task_of(world.engine.call(cancel(&id), hurried).await).unwrap();
    assert_eq!(task.status.state, TaskState::Canceled);
    gate.open();
    world.engine.drain().await;
    assert_eq!(world.get(&id).await.unwrap().status.state, TaskState::Canceled, "a canceled task never becomes completed");
    assert_eq!(told(events).await, ["2: Canceled"]);
}

#[tokio::test]
async fn a_task_whose_runner_is_lost_is_canceled_directly() {
    let world = World::new(vec![script(vec![status(TaskState::Working), artifact("a", "1")], Some(Gate::closed()))]);
    let events = world.stream("go").await.unwrap();
    let id = world.only_task().await.id;
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.cancel(&id).await.unwrap().status.state, TaskState::Canceled);
    drop(events);
}

#[tokio::test]
async fn canceling_a_finished_task_is_refused() {
    let world = World::new(vec![script(vec![artifact("a", "1")], None)]);
    let task = world.send("go").await.unwrap();
    let refused = A2aError::TaskNotCancelable { task_id: task.id.clone(), state: "TASK_STATE_COMPLETED" };
    assert_eq!(world.cancel(&task.id).await, Err(refused));
    let other = task_of(world.call(immediately("go")).await).unwrap();
    world.cancel(&other.id).await.unwrap();
    assert!(matches!(world.cancel(&other.id).await, Err(A2aError::TaskNotCancelable { state: "TASK_STATE_CANCELED", .. })));
}

#[tokio::test]
async fn two_who_cancel_at_once_both_succeed() {
    let world = World::new(vec![until_canceled(None)]);
    let events = world.stream("go").await.unwrap();
    let id = world.only_task().await.id;
    let (one, two) = tokio::join!(world.cancel(&id), world.cancel(&id));
    assert_eq!((one.unwrap().status.state, two.unwrap().status.state), (TaskState::Canceled, TaskState::Canceled));
    drop(events);
}

#[tokio::test]
async fn a_foreign_task_cannot_be_canceled_or_found() {
    let world = World::new(vec![script(vec![artifact("a", "1")], None)]);
    let task = task_of(world.call(immediately("go")).await).unwrap();
    let foreign = task_of(world.engine.call(cancel(&task.id), bob()).await);
    assert_eq!(foreign, Err(A2aError::TaskNotFound { task_id: task.id }));
}

#[tokio::test]
async fn an_agent_that_never_pauses_is_seen_and_canceled_all_the_same() {
    let endless = Scripted::new(|job| {
        let mut said = 0;
        let more = std::iter::from_fn(move || {
            said += 1;
            (!job.cancellation.is_cancelled()).then(|| Ok(chunk("a", "more ", said > 1)))
        });
        futures::stream::iter(more).boxed()
    });
    let world = Arc::new(World::new(vec![endless]));
    let call = tokio::spawn({
        let world = world.clone();
        async move { world.send("go").await }
    });
    let task = world.only_task().await;
    assert_eq!(world.cancel(&task.id).await.unwrap().status.state, TaskState::Canceled);
    assert_eq!(call.await.unwrap().unwrap().status.state, TaskState::Canceled);
}

#[tokio::test]
async fn a_late_cancel_of_an_earlier_turn_leaves_the_next_one_alone() {
    let bus = Arc::new(events::InProcessEventBus::new());
    let agent = Scripted::new(|job| {
        if job.message.text() == Some("ask me") {
            return futures::stream::iter([Ok(says(TaskState::InputRequired, "what?"))]).boxed();
        }
        let cancellation = job.cancellation;
        let working = futures::stream::iter([Ok(status(TaskState::Working))]);
        working.chain(futures::stream::once(async move { cancellation.cancelled().await }).flat_map(|()| futures::stream::iter(None))).boxed()
    });
    let world = World::with(vec![agent], EngineSettings::default(), bus.clone());
    let task = world.send("ask me").await.unwrap();
    let id = task.id.clone();
    let earlier = world.stored(&id).await.version;
    let mut events = events_of(world.call(Call::SendStreamingMessage(reply_to(&task, "go on"))).await).unwrap();
    while !in_short(&events.next().await.unwrap().unwrap()).ends_with(": Working") {}
    bus.publish(&id, Signal::Cancel { version: earlier }).await;
    let quiet = tokio::time::timeout(Duration::from_millis(100), events.next()).await;
    assert!(quiet.is_err(), "the turn ended: {quiet:?}");
    bus.publish(&id, Signal::Cancel { version: world.stored(&id).await.version }).await;
    assert_eq!(told(events).await.last().map(|told| told.ends_with("Canceled")), Some(true));
}

#[tokio::test]
async fn a_runner_that_may_have_missed_a_cancel_looks_at_once() {
    let bus = Arc::new(events::InProcessEventBus::new());
    let world = World::with(vec![until_canceled(None)], EngineSettings::default(), bus.clone());
    let mut events = world.stream("go").await.unwrap();
    let _ = (events.next().await, events.next().await);
    let id = world.only_task().await.id;
    // Whoever cancels has no way to the runner but the store.
    let apart = Engine::new(Ports { events: Arc::new(DeafBus), ..world.engine.ports().clone() }, world.engine.settings().clone());
    let started = tokio::time::Instant::now();
    let (canceled, ()) = tokio::join!(apart.call(cancel(&id), alice()), async {
        while !world.stored(&id).await.cancel_requested {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        bus.publish(&id, Signal::Gap).await;
    });
    assert_eq!(task_of(canceled).unwrap().status.state, TaskState::Canceled);
    assert!(started.elapsed() < Duration::from_millis(900), "before it would have looked by itself");
    assert_eq!(told(events).await, ["2: Canceled"]);
}
