//! Leases, lost runners, the sweep.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use engine::{
    EngineSettings, SweepReport, WorkOutcome,
    ports::{Clock, TaskStore},
};
use events::InProcessEventBus;
use futures::{FutureExt, StreamExt};
use protocol::types::TaskState;

use crate::world::*;

const LEASE: Duration = Duration::from_secs(15);

/// Hangs in its first so many runs; counts all.
fn hanging(runs: u32, started: Arc<AtomicU32>) -> Scripted {
    Scripted::new(move |_| {
        let working = futures::stream::iter([Ok(status(TaskState::Working)), Ok(artifact("a", "out"))]);
        if started.fetch_add(1, Ordering::SeqCst) < runs { working.chain(futures::stream::pending()).boxed() } else { working.boxed() }
    })
}

/// Starts a queued task in another process, which is killed then.
async fn run_and_kill(world: &World, id: &str, agent: Scripted) {
    let engine = world.another(vec![agent]);
    let before = world.stored(id).await.last_sequence;
    let run = engine.run_task(id);
    let seen = async {
        while world.stored(id).await.last_sequence < before + 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        _ = run => panic!("it doesn't end by itself"),
        () = seen => {}
    }
}

#[tokio::test]
async fn a_task_whose_runner_was_killed_runs_again() {
    let started = Arc::new(AtomicU32::new(0));
    let world = World::new(vec![hanging(0, started.clone())]);
    let task = task_of(world.call(immediately("go")).await).unwrap();
    run_and_kill(&world, &task.id, hanging(1, Arc::default())).await;
    assert_eq!(world.engine.run_task(&task.id).await.unwrap(), WorkOutcome::Done, "somebody holds it");
    assert_eq!(started.load(Ordering::SeqCst), 0);
    let report = world.engine.sweep().await.unwrap();
    assert_eq!((report.requeued, report.next_lease_expiry), (0, Some(world.clock.now() + LEASE)));
    world.clock.advance(LEASE + Duration::from_millis(1));
    let report = world.engine.sweep().await.unwrap();
    assert_eq!(report, SweepReport { requeued: 1, ..SweepReport::default() });
    assert!(world.work().await >= 1);
    let task = world.get(&task.id).await.unwrap();
    assert_eq!((task.status.state, task.artifacts.unwrap()[0].parts.len()), (TaskState::Completed, 1));
    assert_eq!(world.stored(&task.id).await.attempts, 2);
}

#[tokio::test]
async fn a_task_whose_runners_die_fails_after_three_with_a_reason() {
    let world = World::new(vec![hanging(9, Arc::default())]);
    let task = task_of(world.call(immediately("go")).await).unwrap();
    for attempt in 1..=3 {
        run_and_kill(&world, &task.id, hanging(9, Arc::default())).await;
        assert_eq!(world.stored(&task.id).await.attempts, attempt);
        world.clock.advance(LEASE + Duration::from_millis(1));
        let report = world.engine.sweep().await.unwrap();
        assert_eq!((report.requeued, report.failed), if attempt < 3 { (1, 0) } else { (0, 1) });
    }
    let task = world.get(&task.id).await.unwrap();
    assert_eq!(task.status.state, TaskState::Failed);
    assert_eq!(status_text(&task), Some("the task was started 3 times and interrupted each time before it ended"));
    assert_eq!(world.engine.sweep().await.unwrap(), SweepReport::default());
}

#[tokio::test]
async fn a_lost_task_that_was_to_be_canceled_is_canceled_by_the_sweep() {
    let world = World::new(vec![hanging(9, Arc::default())]);
    let task = task_of(world.call(immediately("go")).await).unwrap();
    run_and_kill(&world, &task.id, hanging(9, Arc::default())).await;
    let given_up = world.cancel(&task.id).now_or_never();
    assert!(given_up.is_none());
    while !world.stored(&task.id).await.cancel_requested {
        let _ = tokio::time::timeout(Duration::from_millis(20), world.cancel(&task.id)).await;
    }
    world.clock.advance(LEASE + Duration::from_millis(1));
    assert_eq!(world.engine.sweep().await.unwrap().failed, 1);
    assert_eq!(world.get(&task.id).await.unwrap().status.state, TaskState::Canceled);
}

#[tokio::test]
async fn work_that_comes_twice_changes_nothing() {
    let world = World::new(vec![script(vec![artifact("a", "out")], None)]);
    let task = task_of(world.call(immediately("go")).await).unwrap();
    let (one, two) = tokio::join!(world.engine.run_task(&task.id), world.engine.run_task(&task.id));
    assert_eq!((one.unwrap(), two.unwrap()), (WorkOutcome::Done, WorkOutcome::Done));
    let stored = world.stored(&task.id).await;
    assert_eq!((stored.attempts, stored.last_sequence), (1, 2));
    assert_eq!(world.engine.run_task(&task.id).await.unwrap(), WorkOutcome::Done);
    assert_eq!(world.engine.run_task("nothing").await.unwrap(), WorkOutcome::Done);
    assert_eq!(world.stored(&task.id).await, stored);
}

#[tokio::test]
async fn a_runner_extends_its_lease_while_its_agent_is_silent() {
    let gate = Gate::closed();
    let settings = EngineSettings { lease: Duration::from_millis(150), ..EngineSettings::default() };
    let agent = script(vec![status(TaskState::Working), artifact("a", "out"), status(TaskState::Completed)], Some(gate.clone()));
    let world = World::with(vec![agent], settings, Arc::new(InProcessEventBus::new()));
    let events = world.stream("go").await.unwrap();
    let id = world.only_task().await.id;
    let first = world.stored(&id).await.lease.unwrap().1;
    world.clock.advance(Duration::from_millis(100));
    while world.stored(&id).await.lease.unwrap().1 == first {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.stored(&id).await.last_sequence, 1, "nothing is told of it");
    (0..3).for_each(|_| gate.open());
    assert_eq!(told(events).await.len(), 4);
}

#[tokio::test]
async fn a_store_that_stays_away_loses_nothing_that_was_told() {
    let gate = Gate::closed();
    let world = World::new(vec![script(vec![status(TaskState::Working), status(TaskState::Completed)], Some(gate.clone()))]);
    let mut events = world.stream("go").await.unwrap();
    let _ = (events.next().await, events.next().await);
    world.store.goes_away_for(50);
    gate.open();
    assert!(events.next().await.unwrap().is_err());
    assert!(events.next().await.is_none());
    world.store.goes_away_for(0);
    let task = world.only_task().await;
    assert_eq!(task.status.state, TaskState::Working);
    world.clock.advance(LEASE + Duration::from_millis(1));
    assert_eq!(world.engine.sweep().await.unwrap().requeued, 1);
    (0..3).for_each(|_| gate.open());
    world.work().await;
    assert_eq!(world.get(&task.id).await.unwrap().status.state, TaskState::Completed);
}

#[tokio::test]
async fn finished_tasks_are_deleted_after_their_retention_and_gone_from_memory() {
    let world = World::new(vec![script(vec![artifact("a", "out")], None)]);
    let task = world.send("go").await.unwrap();
    let waiting = task_of(world.call(immediately("go")).await).unwrap();
    world.clock.advance(Duration::from_secs(30 * 24 * 3600 - 1));
    assert_eq!(world.engine.sweep().await.unwrap().deleted, 0);
    assert!(world.get(&task.id).await.is_ok());
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(world.engine.sweep().await.unwrap().deleted, 1);
    assert!(world.get(&task.id).await.is_err());
    assert!(world.get(&waiting.id).await.is_ok());
    assert!(world.store.events(&task.id, 0, 10).await.unwrap().is_empty());
}
