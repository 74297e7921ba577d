//! What carrying signals through the Redis at the URL given costs: `cargo run --example redis_latency -p events -- redis://127.0.0.1`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for whoever reads its output")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use engine::ports::{EventBus, SequencedEvent, Signal};
use events::{RedisEventBus, RedisSettings};
use futures::{StreamExt, future::join_all, stream::BoxStream};
use protocol::types::{StreamResponse, TaskState, TaskStatus, TaskStatusUpdateEvent};

#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap_or_else(|| "redis://127.0.0.1".into());
    let process = || Arc::new(RedisEventBus::new(RedisSettings { url: &url, max_connections: 50, outlives_response: true }).unwrap());
    let (one, other) = (process(), process());
    one.ping().await.unwrap();
    other.ping().await.unwrap();

    let began = Instant::now();
    const SIGNALS: u64 = 50_000;
    let mut in_call = Duration::ZERO;
    for n in 0..SIGNALS {
        let called = Instant::now();
        one.publish(&format!("published-{}", n % 100), event(n)).await;
        in_call += called.elapsed();
        if n % 1000 == 999 {
            one.ping().await.unwrap();
        }
    }
    println!("publish: {:.2} µs in the call, {:.0} a second sent", micros(in_call) / SIGNALS as f64, SIGNALS as f64 / began.elapsed().as_secs_f64());

    report("subscribe, one at a time", subscribing(&other, "alone", 2_000).await);
    let streams = join_all((0..20).map(|n| {
        let other = other.clone();
        tokio::spawn(async move { subscribing(&other, &format!("stream-{n}"), 500).await })
    }));
    report("subscribe, 20 at a time", streams.await.into_iter().flat_map(Result::unwrap).collect());

    report("heard by a listener that waits", waiting(&one, &other).await);
    let mut new = Vec::new();
    for n in 0..500 {
        let task = format!("new-{n}");
        let mut signals = other.subscribe(&task).await;
        new.push(heard(&one, &mut signals, &task, 1).await);
    }
    report("heard by a listener that has just come", new);
    for listeners in [1_000, 10_000] {
        let crowd = join_all((0..listeners).map(|n| other.subscribe(Box::leak(format!("crowd-{n}").into_boxed_str()))).collect::<Vec<_>>()).await;
        report(&format!("heard while {listeners} others wait"), waiting(&one, &other).await);
        drop(crowd);
    }
}

/// How long it takes to begin to listen.
async fn subscribing(bus: &RedisEventBus, name: &str, times: u64) -> Vec<Duration> {
    let mut took = Vec::new();
    for n in 0..times {
        let task = format!("{name}-{n}-{}", std::process::id());
        let began = Instant::now();
        let signals = bus.subscribe(&task).await;
        took.push(began.elapsed());
        drop(signals);
    }
    took
}

/// How long signals are on their way to a listener that has listened for a while.
async fn waiting(from: &RedisEventBus, to: &RedisEventBus) -> Vec<Duration> {
    let task = format!("waiting-{}", uuid::Uuid::new_v4());
    let mut signals = to.subscribe(&task).await;
    heard(from, &mut signals, &task, 0).await;
    let mut took = Vec::new();
    for n in 1..=300 {
        took.push(heard(from, &mut signals, &task, n).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    took
}

/// How long one signal is on its way.
async fn heard(from: &RedisEventBus, signals: &mut BoxStream<'static, Signal>, task: &str, n: u64) -> Duration {
    let began = Instant::now();
    from.publish(task, event(n)).await;
    while !matches!(signals.next().await.unwrap(), Signal::Events(_)) {}
    began.elapsed()
}

fn event(sequence: u64) -> Signal {
    let status = TaskStatus { state: TaskState::Working, message: None, timestamp: None };
    let update = TaskStatusUpdateEvent { task_id: "a-task".into(), context_id: "a-context".into(), status, metadata: None };
    Signal::Events(Arc::new([SequencedEvent { sequence, event: StreamResponse::StatusUpdate(update) }]))
}

fn report(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |share: usize| micros(took[(took.len() - 1) * share / 100]);
    println!("{what}: p50 {:.0} µs, p99 {:.0} µs", at(50), at(99));
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
