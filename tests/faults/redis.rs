//! Redis is killed, and started again empty, while two gateways carry their signals through it.
//!
//! The database is the truth: no call may fail or even be refused for that, and whoever follows a task at the other gateway misses nothing,
//! hears nothing twice and hears the end soon, whether Redis is there or not.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    harness::{Backend, Ending, Message, Oracle, OwnRedis, Way, repeat, repetitions},
    load::clients,
};

const FOLLOWERS: u32 = 4;
/// A task of 1 s is followed to its end within this, by polling if need be.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// Begins tasks at one gateway and follows them at the other, until a moment. The bus may be away: then events come a little later.
async fn follow(oracle: &Oracle, [begin_at, follow_at]: [&str; 2], name: u32, until: Instant) {
    for number in 0.. {
        if Instant::now() >= until {
            return;
        }
        let message = Message::new(format!("followed-{name}-{number}"), Way::Queued, 10, 100);
        assert_eq!(oracle.send(begin_at, &message).await, Ending::Done);
        let (begun, mut heard) = (Instant::now(), 0);
        let hear = |sequence: Option<u64>, event: serde_json::Value| {
            if event.get("task").is_none() {
                heard += 1;
                if sequence != Some(heard) {
                    return Err(format!("event {sequence:?} comes as number {heard}"));
                }
            }
            Ok(())
        };
        let id = json!({"id": oracle.task(&message.id)});
        assert_eq!(oracle.client.stream(follow_at, "SubscribeToTask", id, Some(0), hear).await, Ending::Done, "{}", message.id);
        assert!(begun.elapsed() < HEARD_WITHIN, "{} was followed for {:?}", message.id, begun.elapsed());
    }
}

#[tokio::test]
async fn redis_stopped_and_started_with_postgres() {
    repeat(repetitions(), async |run| {
        let mut redis = OwnRedis::start().await;
        let backend = Backend::postgres_and_redis(&redis.url()).await;
        let oracle = Oracle::new().await;
        let gateways = [backend.gateway().await, backend.gateway().await];
        let bases = [gateways[0].base.clone(), gateways[1].base.clone()];
        let until = Instant::now() + Duration::from_secs(8);
        let followers = (0..FOLLOWERS).map(|name| {
            let (begin_at, follow_at) = (&bases[name as usize % 2], &bases[(name as usize + 1) % 2]);
            follow(&oracle, [begin_at, follow_at], name, until)
        });
        tokio::join!(clients(&oracle, &bases, until), futures::future::join_all(followers), async {
            sleep(Duration::from_millis(u64::from(800 + run * 173 % 1000))).await;
            redis.stop().await;
            sleep(Duration::from_millis(u64::from(500 + run * 419 % 3000))).await;
            redis.start_again().await;
        });
        assert_eq!((oracle.cuts(), oracle.refusals()), (0, 0), "Redis is needed for nothing but speed");
        for base in &bases {
            oracle.verify(base).await;
        }
    })
    .await;
}
