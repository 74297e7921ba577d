//! What every event bus must do, whatever carries the signals. A backend adds its line at the end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails a test")]

use std::{sync::Arc, time::Duration};

use engine::ports::{EventBus, SequencedEvent, Signal};
use futures::{StreamExt, future::join_all, stream::BoxStream};
use protocol::types::{StreamResponse, TaskState, TaskStatus, TaskStatusUpdateEvent};

macro_rules! event_bus {
    ($backend:ident, $bus:expr) => {
        event_bus! { $backend, $bus; every_listener_hears_everything_in_order, listeners_hear_of_their_task_only, what_was_said_before_is_not_heard,
            nobody_waits_for_a_slow_listener, a_slow_listener_is_told_of_the_gap, a_listener_that_left_changes_nothing_for_others }
    };
    ($backend:ident, $bus:expr; $($fact:ident),+) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $fact() {
                    super::$fact(std::sync::Arc::new($bus)).await;
                }
            )+
        }
    };
}

type Bus = Arc<dyn EventBus>;

event_bus!(in_process, events::InProcessEventBus::new());

fn events(sequence: u64) -> Signal {
    let status = TaskStatus { state: TaskState::Working, message: None, timestamp: None };
    let event = StreamResponse::StatusUpdate(TaskStatusUpdateEvent { task_id: "t".into(), context_id: "c".into(), status, metadata: None });
    Signal::Events(Arc::new([SequencedEvent { sequence, event }]))
}

fn sequence(signal: &Signal) -> Option<u64> {
    match signal {
        Signal::Events(events) => events.first().map(|event| event.sequence),
        Signal::Cancel { .. } | Signal::Gap => None,
    }
}

async fn next(listener: &mut BoxStream<'static, Signal>) -> Signal {
    tokio::time::timeout(Duration::from_secs(10), listener.next()).await.expect("a signal within 10 s").expect("the stream goes on")
}

async fn every_listener_hears_everything_in_order(bus: Bus) {
    let listeners: Vec<_> = join_all((0..50).map(|_| bus.subscribe("t"))).await;
    let hearing = listeners.into_iter().map(|mut listener| {
        tokio::spawn(async move {
            for expected in 1..=500 {
                let signal = next(&mut listener).await;
                // A gap is allowed anywhere: what follows it is still in order.
                match sequence(&signal) {
                    Some(heard) if heard == expected => {}
                    heard => return (expected, heard, matches!(signal, Signal::Gap)),
                }
            }
            (500, Some(500), true)
        })
    });
    let hearing: Vec<_> = hearing.collect();
    for n in 1..=500 {
        bus.publish("t", events(n)).await;
        if n % 16 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    for heard in join_all(hearing).await {
        let (expected, heard, allowed) = heard.unwrap();
        assert!(allowed, "expected {expected}, heard {heard:?}");
    }
}

async fn listeners_hear_of_their_task_only(bus: Bus) {
    let (mut one, mut other) = (bus.subscribe("t").await, bus.subscribe("u").await);
    bus.publish("t", events(1)).await;
    bus.publish("u", Signal::Cancel { version: 7 }).await;
    bus.publish("nobody listens", events(3)).await;
    assert_eq!(sequence(&next(&mut one).await), Some(1));
    assert!(matches!(next(&mut other).await, Signal::Cancel { version: 7 }));
    bus.publish("u", events(4)).await;
    assert_eq!(sequence(&next(&mut other).await), Some(4));
}

async fn what_was_said_before_is_not_heard(bus: Bus) {
    let mut first = bus.subscribe("t").await;
    bus.publish("t", events(1)).await;
    let mut second = bus.subscribe("t").await;
    bus.publish("t", events(2)).await;
    assert_eq!(sequence(&next(&mut first).await), Some(1));
    assert_eq!(sequence(&next(&mut second).await), Some(2));
}

async fn nobody_waits_for_a_slow_listener(bus: Bus) {
    let (_slow, mut quick) = (bus.subscribe("t").await, bus.subscribe("t").await);
    for n in 1..=10_000 {
        bus.publish("t", events(n)).await;
        if n % 10 == 0 {
            for expected in n - 9..=n {
                assert_eq!(sequence(&next(&mut quick).await), Some(expected));
            }
        }
    }
}

async fn a_slow_listener_is_told_of_the_gap(bus: Bus) {
    let mut slow = bus.subscribe("t").await;
    for n in 1..=10_000 {
        bus.publish("t", events(n)).await;
    }
    let mut last = 0;
    let mut gap = false;
    while last < 10_000 {
        match sequence(&next(&mut slow).await) {
            Some(heard) => {
                assert!(heard == last + 1 || (gap && heard > last), "{heard} after {last}");
                (last, gap) = (heard, false);
            }
            None => gap = true,
        }
    }
    bus.publish("t", events(10_001)).await;
    assert_eq!(sequence(&next(&mut slow).await), Some(10_001));
}

async fn a_listener_that_left_changes_nothing_for_others(bus: Bus) {
    let (first, mut second) = (bus.subscribe("t").await, bus.subscribe("t").await);
    drop(first);
    bus.publish("t", events(1)).await;
    assert_eq!(sequence(&next(&mut second).await), Some(1));
    drop(second);
    bus.publish("t", events(2)).await;
    let mut third = bus.subscribe("t").await;
    bus.publish("t", events(3)).await;
    assert_eq!(sequence(&next(&mut third).await), Some(3));
}
