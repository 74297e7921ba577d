//! SendMessage.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use engine::{
    CallContext, EngineSettings, Reply,
    ports::{AgentError, QueueName, Update, WorkQueue},
};
use events::InProcessEventBus;
use futures::StreamExt;
use protocol::{
    A2aError, Answer, Call,
    types::{Message, Part, Role, TaskState},
};

use crate::world::*;

#[tokio::test]
async fn a_quick_task_takes_one_commit_and_no_read() {
    let world = World::new(vec![script(vec![status(TaskState::Working), artifact("a", "out"), status(TaskState::Completed)], None)]);
    let task = world.send("go").await.unwrap();
    assert_eq!(world.store.counts(), (1, 0));
    assert_eq!(task.status.state, TaskState::Completed);
    assert_eq!(history(&task), ["go"]);
    assert_eq!(world.get(&task.id).await.unwrap(), task);
    assert_eq!(world.store.counts(), (0, 0), "a finished task is read from memory");
    assert_eq!(world.stored(&task.id).await.task, task, "and stands in the store as it was told");
}

#[tokio::test]
async fn a_direct_answer_makes_no_task() {
    let world = World::new(vec![script(vec![Update::Message(Message::new(Role::Agent, vec![Part::text("hi")]))], None)]);
    let mut send = message("hello");
    send.request.message.context_id = Some("talk".into());
    let Ok(Reply::Answer { answer: Answer::Message(answer), .. }) = world.call(Call::SendMessage(send)).await else { panic!("no message") };
    assert_eq!((answer.text(), answer.context_id.as_deref(), answer.role.clone()), (Some("hi"), Some("talk"), Role::Agent));
    assert_eq!(world.store.counts().0, 0);
    assert!(world.list().await.tasks.is_empty());
}

#[tokio::test]
async fn a_slow_task_can_be_seen_while_it_runs() {
    let gate = Gate::closed();
    let world = World::new(vec![script(vec![says(TaskState::Working, "on it"), status(TaskState::Completed)], Some(gate.clone()))]);
    let (sent, seen) = tokio::join!(world.send("go"), async {
        let seen = world.only_task().await;
        gate.open();
        seen
    });
    let sent = sent.unwrap();
    assert_eq!((seen.status.state, sent.status.state.clone()), (TaskState::Working, TaskState::Completed));
    assert_eq!(history(&sent), ["go", "on it"]);
}

#[tokio::test]
async fn a_task_outlives_the_call_that_made_it() {
    let gate = Gate::closed();
    let world = World::new(vec![script(vec![status(TaskState::Working), artifact("a", "out")], Some(gate.clone()))]);
    let call = tokio::time::timeout(Duration::from_millis(20), world.send("go")).await;
    assert!(call.is_err(), "the caller went away");
    let task = world.only_task().await;
    gate.open();
    gate.open();
    world.reaches(&task.id, TaskState::Completed).await;
    world.engine.drain().await;
}

#[tokio::test]
async fn at_its_deadline_a_call_answers_with_the_task_as_it_stands() {
    let gate = Gate::closed();
    let world = World::new(vec![script(vec![status(TaskState::Working), status(TaskState::Completed)], Some(gate.clone()))]);
    let hurried = CallContext { time_left: Duration::from_millis(150), ..alice() };
    let task = task_of(world.engine.call(Call::SendMessage(message("go")), hurried).await).unwrap();
    assert_eq!(task.status.state, TaskState::Working);
    gate.open();
    world.reaches(&task.id, TaskState::Completed).await;
}

#[tokio::test]
async fn a_process_that_is_frozen_after_its_response_leaves_the_rest_to_the_queue() {
    let gate = Gate::closed();
    let updates = vec![status(TaskState::Working), artifact("a", "out"), status(TaskState::Completed)];
    let settings = EngineSettings { outlives_response: false, ..EngineSettings::default() };
    let world = World::with(vec![script(updates, Some(gate.clone()))], settings, std::sync::Arc::new(InProcessEventBus::new()));
    let hurried = CallContext { time_left: Duration::from_millis(150), ..alice() };
    let task = task_of(world.engine.call(Call::SendMessage(message("go")), hurried).await).unwrap();
    assert_eq!(task.status.state, TaskState::Working);
    assert_eq!(world.stored(&task.id).await.lease, None);
    assert_eq!(world.queue.depth(QueueName::RunTask).await.unwrap(), 1);
    (0..4).for_each(|_| gate.open());
    assert_eq!(world.work().await, 1);
    assert_eq!(world.get(&task.id).await.unwrap().status.state, TaskState::Completed);
}

#[tokio::test]
async fn who_does_not_wait_gets_the_submitted_task_and_a_worker_runs_it() {
    let world = World::new(vec![script(vec![artifact("a", "out")], None)]);
    let task = task_of(world.call(immediately("go")).await).unwrap();
    assert_eq!((task.status.state.clone(), world.store.counts()), (TaskState::Submitted, (1, 0)));
    assert_eq!(world.get(&task.id).await.unwrap().status.state, TaskState::Submitted);
    assert_eq!(world.work().await, 1);
    assert_eq!(world.get(&task.id).await.unwrap().status.state, TaskState::Completed);
}

#[tokio::test]
async fn a_call_to_a_long_running_agent_waits_for_its_worker() {
    let world = World::new(vec![script(vec![artifact("a", "out")], None).with(|profile| profile.long_running = true)]);
    let (task, ()) = tokio::join!(world.send("go"), async {
        let task = world.only_task().await;
        assert_eq!(task.status.state, TaskState::Submitted);
        world.work().await;
    });
    let task = task.unwrap();
    assert_eq!((task.status.state, task.artifacts.unwrap().len()), (TaskState::Completed, 1));
}

#[tokio::test]
async fn without_a_bus_a_waiting_call_finds_the_end_in_the_store() {
    let agent = script(vec![artifact("a", "out")], None).with(|profile| profile.long_running = true);
    let world = World::with(vec![agent], EngineSettings::default(), std::sync::Arc::new(DeafBus));
    let (task, ()) = tokio::join!(world.send("go"), async {
        world.only_task().await;
        world.work().await;
    });
    assert_eq!(task.unwrap().status.state, TaskState::Completed);
}

#[tokio::test]
async fn a_direct_answer_of_a_worker_is_the_tasks_last_word() {
    let world = World::new(vec![script(vec![Update::Message(Message::new(Role::Agent, vec![Part::text("hi")]))], None)]);
    let task = task_of(world.call(immediately("hello")).await).unwrap();
    world.work().await;
    let task = world.get(&task.id).await.unwrap();
    assert_eq!((task.status.state.clone(), status_text(&task)), (TaskState::Completed, Some("hi")));
}

#[tokio::test]
async fn a_failure_of_the_agent_is_a_failed_task() {
    let failing = Scripted::new(|_| futures::stream::iter([Ok(artifact("a", "half")), Err(AgentError::new("no paper left"))]).boxed());
    let task = World::new(vec![failing]).send("go").await.unwrap();
    assert_eq!((task.status.state.clone(), status_text(&task)), (TaskState::Failed, Some("no paper left")));
    assert_eq!(task.artifacts.unwrap().len(), 1);
}

#[tokio::test]
async fn a_panic_of_the_agent_fails_its_task_and_nothing_else() {
    let panicking = Scripted::new(|job| match job.message.text() {
        Some("at once") => panic!("at once"),
        Some("later") => futures::stream::once(async { panic!("later") }).boxed(),
        _ => futures::stream::iter([Ok(status(TaskState::Completed))]).boxed(),
    });
    let world = World::new(vec![panicking]);
    assert_eq!(world.send("at once").await.unwrap().status.state, TaskState::Failed);
    assert_eq!(world.send("later").await.unwrap().status.state, TaskState::Failed);
    assert_eq!(world.send("fine").await.unwrap().status.state, TaskState::Completed);
}

#[tokio::test]
async fn an_impossible_update_fails_the_task_and_says_why() {
    let world = World::new(vec![script(vec![status(TaskState::Working), status(TaskState::Submitted)], None)]);
    let task = world.send("go").await.unwrap();
    assert_eq!(task.status.state, TaskState::Failed);
    assert_eq!(status_text(&task), Some("the agent's response is invalid: Submitted can't follow Working"));
}

#[tokio::test]
async fn what_follows_an_end_is_ignored() {
    let world = World::new(vec![script(vec![status(TaskState::Completed), status(TaskState::Failed), artifact("a", "late")], None)]);
    let task = world.send("go").await.unwrap();
    assert_eq!((task.status.state, task.artifacts), (TaskState::Completed, None));
}

#[tokio::test]
async fn history_length_limits_the_answer() {
    let updates = vec![says(TaskState::Working, "one"), says(TaskState::Working, "two"), status(TaskState::Completed)];
    let world = World::new(vec![script(updates, None)]);
    for (asked, expected) in [(None, vec!["go", "one", "two"]), (Some(0), vec![]), (Some(2), vec!["one", "two"]), (Some(9), vec!["go", "one", "two"])]
    {
        let send = configured(message("go"), |configuration| configuration.history_length = asked);
        let task = task_of(world.call(Call::SendMessage(send)).await).unwrap();
        assert_eq!(history(&task), expected);
        assert_eq!(task.history.is_none(), asked == Some(0));
    }
}

#[tokio::test]
async fn a_store_that_is_away_for_a_moment_costs_nothing_but_time() {
    let world = World::new(vec![script(vec![artifact("a", "out")], None)]);
    world.store.goes_away_for(3);
    assert_eq!(world.send("go").await.unwrap().status.state, TaskState::Completed);
    world.store.goes_away_for(100);
    assert_eq!(world.send("go").await, Err(A2aError::Unavailable { retry_after_seconds: 1 }));
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_counts_as_made() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let world = World::new(vec![Scripted::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let later = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            Ok(artifact("a", "out"))
        };
        futures::stream::iter([Ok(status(TaskState::Working))]).chain(futures::stream::once(later)).boxed()
    })]);
    // The first one makes the task and holds it, the second one ends it.
    world.store.loses_answers_of(2);
    let task = world.send("go").await.unwrap();
    assert_eq!((&task.status.state, runs.load(Ordering::SeqCst)), (&TaskState::Completed, 1));
    assert_eq!(world.stored(&task.id).await.message_count, 1);
    world.store.loses_answers_of(1);
    let queued = task_of(world.call(immediately("later")).await).unwrap();
    assert_eq!(queued.status.state, TaskState::Submitted);
}

#[tokio::test]
async fn referenced_tasks_reach_the_agent_as_far_as_the_caller_sees_them() {
    let telling = Scripted::new(|job| {
        let seen: Vec<_> = job.referenced_tasks.iter().map(|task| task.artifacts.as_ref().map_or(0, Vec::len).to_string()).collect();
        futures::stream::iter([Ok(artifact("a", &seen.join(" ")))]).boxed()
    });
    let world = World::new(vec![telling]);
    let mine = world.send("mine").await.unwrap();
    let foreign = task_of(world.engine.call(Call::SendMessage(message("foreign")), bob()).await).unwrap();
    let mut send = message("both");
    send.request.message.reference_task_ids = Some(vec![mine.id, foreign.id, "nothing".into()]);
    let task = task_of(world.call(Call::SendMessage(send)).await).unwrap();
    assert_eq!(task.artifacts.unwrap()[0].parts[0].as_text(), Some("1"));
}
