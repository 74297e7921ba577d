//! What holds among the listeners of one process.

use std::time::Duration;

use engine::ports::Signal;
use futures::future::join_all;

use crate::{World, words::*};

pub async fn every_listener_hears_everything_in_order(world: World) {
    let (bus, t) = (world.process(), task());
    let listeners: Vec<_> = join_all((0..50).map(|_| bus.subscribe(&t))).await;
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
        bus.publish(&t, events(n)).await;
        if n % 16 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    for heard in join_all(hearing).await {
        let (expected, heard, allowed) = heard.unwrap();
        assert!(allowed, "expected {expected}, heard {heard:?}");
    }
}

pub async fn listeners_hear_of_their_task_only(world: World) {
    let (bus, t) = (world.process(), task());
    let u = task();
    let (mut one, mut other) = (bus.subscribe(&t).await, bus.subscribe(&u).await);
    bus.publish(&t, events(1)).await;
    bus.publish(&u, Signal::Cancel { version: 7 }).await;
    bus.publish(&task(), events(3)).await;
    assert_eq!(sequence(&next_but_gaps(&mut one).await), Some(1));
    assert!(matches!(next_but_gaps(&mut other).await, Signal::Cancel { version: 7 }));
    bus.publish(&u, events(4)).await;
    assert_eq!(sequence(&next_but_gaps(&mut other).await), Some(4));
}

pub async fn what_was_said_before_is_not_heard(world: World) {
    let (bus, t) = (world.process(), task());
    let mut first = bus.subscribe(&t).await;
    bus.publish(&t, events(1)).await;
    let mut second = bus.subscribe(&t).await;
    bus.publish(&t, events(2)).await;
    assert_eq!(sequence(&next_but_gaps(&mut first).await), Some(1));
    assert_eq!(sequence(&next_but_gaps(&mut second).await), Some(2));
}

pub async fn nobody_waits_for_a_slow_listener(world: World) {
    let (bus, t) = (world.process(), task());
    let (_slow, mut quick) = (bus.subscribe(&t).await, bus.subscribe(&t).await);
    for n in 1..=10_000 {
        bus.publish(&t, events(n)).await;
        if n % 10 == 0 {
            for expected in n - 9..=n {
                assert_eq!(sequence(&next_but_gaps(&mut quick).await), Some(expected));
            }
        }
    }
}

pub async fn a_slow_listener_is_told_of_the_gap(world: World) {
    let (bus, t) = (world.process(), task());
    let mut slow = bus.subscribe(&t).await;
    for n in 1..=10_000 {
        bus.publish(&t, events(n)).await;
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
    bus.publish(&t, events(10_001)).await;
    assert_eq!(sequence(&next(&mut slow).await), Some(10_001));
}

pub async fn a_listener_that_left_changes_nothing_for_others(world: World) {
    let (bus, t) = (world.process(), task());
    let (first, mut second) = (bus.subscribe(&t).await, bus.subscribe(&t).await);
    drop(first);
    bus.publish(&t, events(1)).await;
    assert_eq!(sequence(&next_but_gaps(&mut second).await), Some(1));
    drop(second);
    bus.publish(&t, events(2)).await;
    let mut third = bus.subscribe(&t).await;
    bus.publish(&t, events(3)).await;
    assert_eq!(sequence(&next_but_gaps(&mut third).await), Some(3));
}
