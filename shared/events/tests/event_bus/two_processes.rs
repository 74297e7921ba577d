//! What holds between processes that share nothing but the bus and a store.

use engine::ports::Signal;
use futures::future::join_all;

use crate::{World, words::*};

pub async fn processes_hear_each_other_in_order(world: World) {
    let (one, other) = (world.process(), world.process());
    let (ping, pong) = (task(), task());
    let (mut at_other, mut at_one) = (other.subscribe(&ping).await, one.subscribe(&pong).await);
    for n in 1..=50 {
        one.publish(&ping, events(n)).await;
        assert_eq!(sequence(&next_but_gaps(&mut at_other).await), Some(n));
        other.publish(&pong, events(n)).await;
        assert_eq!(sequence(&next_but_gaps(&mut at_one).await), Some(n));
    }
    // Many in a row are heard in a row.
    for n in 51..=100 {
        one.publish(&ping, events(n)).await;
    }
    for n in 51..=100 {
        assert_eq!(sequence(&next_but_gaps(&mut at_other).await), Some(n));
    }
}

pub async fn every_listener_of_every_process_follows_to_the_end(world: World) {
    const EVENTS: u64 = 300;
    let processes = [world.process(), world.process(), world.process()];
    let logs: Vec<Log> = (0..20).map(|_| Log::new()).collect();
    let mut following = Vec::new();
    for log in &logs {
        for process in &processes {
            for signals in [process.subscribe(&log.task).await, process.subscribe(&log.task).await] {
                following.push(tokio::spawn(log.clone().follow(signals, EVENTS)));
            }
        }
    }
    // Each task has its runner in one of the processes.
    let running = logs.iter().enumerate().map(|(n, log)| {
        let (log, runner) = (log.clone(), processes[n % processes.len()].clone());
        tokio::spawn(async move {
            for _ in 0..EVENTS {
                log.tell(&*runner).await;
                tokio::task::yield_now().await;
            }
        })
    });
    join_all(running).await.into_iter().for_each(|ran| ran.unwrap());
    join_all(following).await.into_iter().for_each(|followed| followed.unwrap());
}

pub async fn who_comes_late_loses_nothing(world: World) {
    const EVENTS: u64 = 200;
    let (runner, other) = (world.process(), world.process());
    let log = Log::new();
    let mut following = Vec::new();
    for n in 0..EVENTS {
        log.tell(&*runner).await;
        if n % 10 == 0 {
            let (log, other) = (log.clone(), other.clone());
            following.push(tokio::spawn(async move {
                let signals = other.subscribe(&log.task).await;
                log.follow(signals, EVENTS).await;
            }));
        }
        tokio::task::yield_now().await;
    }
    join_all(following).await.into_iter().for_each(|followed| followed.unwrap());
}

pub async fn a_cancel_reaches_a_runner_in_another_process(world: World) {
    let (runner, other) = (world.process(), world.process());
    let task = task();
    let mut signals = runner.subscribe(&task).await;
    other.publish(&task, Signal::Cancel { version: 3 }).await;
    assert!(matches!(next_but_gaps(&mut signals).await, Signal::Cancel { version: 3 }));
}

pub async fn an_old_cancel_is_not_heard_by_a_later_turn(world: World) {
    let (runner, other, later) = (world.process(), world.process(), world.process());
    let task = task();
    let mut turn = runner.subscribe(&task).await;
    other.publish(&task, Signal::Cancel { version: 3 }).await;
    assert!(matches!(next_but_gaps(&mut turn).await, Signal::Cancel { version: 3 }));
    drop(turn);
    let (mut same, mut elsewhere) = (runner.subscribe(&task).await, later.subscribe(&task).await);
    other.publish(&task, events(1)).await;
    assert_eq!(sequence(&next_but_gaps(&mut same).await), Some(1));
    assert_eq!(sequence(&next_but_gaps(&mut elsewhere).await), Some(1));
}

pub async fn who_listens_again_hears_on(world: World) {
    let (runner, other) = (world.process(), world.process());
    let task = task();
    for n in 1..=20 {
        let mut signals = other.subscribe(&task).await;
        runner.publish(&task, events(n)).await;
        assert_eq!(sequence(&next_but_gaps(&mut signals).await), Some(n));
    }
}
