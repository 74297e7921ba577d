//! Redis goes away and comes back.

use std::time::{Duration, Instant};

use engine::ports::{EventBus, Signal};
use futures::future::join_all;

use crate::{redis_bus, redis_server::RedisServer, words::*};

/// Until the bus says so of itself.
async fn is_up(bus: &dyn EventBus, up: bool) {
    let changed = async {
        while bus.ping().await.is_ok() != up {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), changed).await.expect("the bus notices within 20 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_and_restarted_under_load_and_nothing_is_lost() {
    const TASKS: usize = 40;
    let server = RedisServer::started(&[]).await;
    let (runner, other) = (std::sync::Arc::new(redis_bus(&server.url(), 50)), redis_bus(&server.url(), 50));
    let logs: Vec<Log> = (0..TASKS).map(|_| Log::new()).collect();
    let mut following = Vec::new();
    const EVENTS: u64 = 400;
    for log in &logs {
        for bus in [&*runner, &other] {
            following.push(tokio::spawn(log.clone().follow(bus.subscribe(&log.task).await, EVENTS)));
        }
    }
    let running = logs.iter().map(|log| {
        let (log, runner) = (log.clone(), runner.clone());
        tokio::spawn(async move {
            for _ in 0..EVENTS {
                log.tell(&*runner).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    });
    let running: Vec<_> = running.collect();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.kill();
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.start().await;
    }
    join_all(running).await.into_iter().for_each(|ran| ran.unwrap());
    // Nobody polls here: what was missed is found because the bus says that something was.
    join_all(following).await.into_iter().for_each(|followed| followed.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_starts_without_redis_serves_itself_and_finds_it_later() {
    let server = RedisServer::prepared(&[]);
    let (one, other) = (redis_bus(&server.url(), 50), redis_bus(&server.url(), 50));
    let task = task();
    let (mut here, mut there) = (one.subscribe(&task).await, other.subscribe(&task).await);
    one.publish(&task, events(1)).await;
    assert_eq!(sequence(&next(&mut here).await), Some(1));
    assert!(one.ping().await.is_err());
    server.start().await;
    assert!(matches!(next(&mut there).await, Signal::Gap), "what was missed is in the store");
    is_up(&one, true).await;
    is_up(&other, true).await;
    one.publish(&task, events(2)).await;
    assert_eq!(sequence(&next_but_gaps(&mut there).await), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_delays_nobody() {
    let server = RedisServer::started(&[]).await;
    let (one, other) = (redis_bus(&server.url(), 50), redis_bus(&server.url(), 50));
    let task = task();
    let (mut here, mut there) = (one.subscribe(&task).await, other.subscribe(&task).await);
    server.signal("STOP");
    let began = Instant::now();
    for n in 1..=10_000 {
        one.publish(&task, events(n)).await;
    }
    let published = began.elapsed();
    let elsewhere = one.subscribe("another task").await;
    let subscribed = began.elapsed() - published;
    // Once Redis is known to be away, nobody waits for it at all.
    let at_once = async {
        loop {
            let began = Instant::now();
            drop(one.subscribe("a third task").await);
            if began.elapsed() < Duration::from_millis(50) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), at_once).await.expect("the bus notices within 20 s");
    drop(elsewhere);
    server.signal("CONT");
    assert!(published < Duration::from_secs(1), "10,000 signals took {published:?}");
    assert!(subscribed < Duration::from_secs(1), "subscribing took {subscribed:?}");
    while sequence(&next(&mut here).await) != Some(10_000) {}
    is_up(&one, true).await;
    // The other process was told of the gap, and hears on.
    while !matches!(next(&mut there).await, Signal::Gap) {}
    one.publish(&task, events(10_001)).await;
    while sequence(&next(&mut there).await) != Some(10_001) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_are_opened_anew() {
    let server = RedisServer::started(&[]).await;
    let (one, other) = (redis_bus(&server.url(), 50), redis_bus(&server.url(), 50));
    let task = task();
    let mut there = other.subscribe(&task).await;
    for round in 1..=3 {
        one.publish(&task, events(round)).await;
        assert_eq!(sequence(&next_but_gaps(&mut there).await), Some(round));
        let _: i64 = server.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await.unwrap();
        assert!(matches!(next(&mut there).await, Signal::Gap));
        is_up(&one, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_takes_no_writes_counts_as_away() {
    let server = RedisServer::started(&[]).await;
    let bus = redis_bus(&server.url(), 50);
    is_up(&bus, true).await;
    let _: String = server.ask(&["CONFIG", "SET", "maxmemory", "1"]).await.unwrap();
    is_up(&bus, false).await;
    let _: String = server.ask(&["CONFIG", "SET", "maxmemory", "0"]).await.unwrap();
    is_up(&bus, true).await;
}
