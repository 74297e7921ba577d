//! A gateway dies by SIGKILL at one exact step of the way that a task takes, from its lease to the last webhook.
//!
//! Each repetition of each test does this with each of the three ways (blocking, streaming, through the queue; over DynamoDB and SQS with one of
//! them), and in turn with one gateway that is started anew and with a second one that lives on:
//!
//! 1. Messages are sent in all ways and answered whole: acknowledged before the fault.
//! 2. The fault is armed. Messages of that one way, four steps long and with a webhook each, are sent at once.
//! 3. The first gateway that comes to the step (the first, second or third time) dies there. What it said until then is noted.
//! 4. The oracle sends every message again, waits for the end of each task, and compares all that was ever told with what is there.
//!
//! | test | dies | so that | asserted beside the oracle's own |
//! |---|---|---|---|
//! | `before_the_lease` | before the commit that says who runs the task | nothing or only the queued task is stored | |
//! | `after_the_lease` | after that commit, before its answer | a task nobody runs is held for 15 s | the sweep gives it to another |
//! | `before_the_store` | before a commit with events | the agent's work of that moment is lost | nobody heard of it |
//! | `after_the_store` | after it, before its answer | events that nobody was told are stored | they come with the replay |
//! | `before_the_publish` | before subscribers are told | as above, for others that listen | |
//! | `after_the_publish` | after subscribers were told | the runner's own client wasn't | |
//! | `before_the_announcement` | work is committed, no worker was told | the outbox alone knows | a worker finds it |
//! | `after_the_announcement` | the queue has it, the client no answer | the message is sent again | it makes no second task |
//! | `before_the_webhook` | before a POST | the delivery is in a dead worker's hands | it comes |
//! | `after_the_webhook` | after the POST, before the cursor moves | | it may come again, as it was |
//! | `before_the_completion` | work is done, the queue still has it | it is handed out again | that changes nothing |

use std::time::Duration;

use tokio::time::timeout;

use crate::harness::{Backend, Ending, Gateway, Message, Oracle, Way, repeat, repetitions};

/// Half of them for each of two gateways: enough for each to come to a step three times.
const MESSAGES: u32 = 6;
const HIT_WITHIN: Duration = Duration::from_secs(60);

/// One fault, in one way, with one way to recover.
async fn kill(backend: Backend, point: &str, number: u32, way: Way, second: bool) {
    let oracle = Oracle::new().await;
    let mut gateways = vec![backend.doomed_gateway(point, number).await];
    if second {
        gateways.push(backend.doomed_gateway(point, number).await);
    }
    let bases: Vec<_> = gateways.iter().map(|gateway| gateway.base.clone()).collect();
    for way in Way::ALL {
        oracle.insist(&bases[0], &Message::new(format!("before-{way:?}"), way, 2, 0)).await;
    }

    std::fs::write(backend.trigger(), "").unwrap();
    let messages: Vec<_> = (0..MESSAGES).map(|number| Message::new(format!("during-{number}"), way, 4, 60)).collect();
    let sends = messages.iter().zip(bases.iter().cycle()).map(|(message, base)| oracle.send(base, message));
    let (endings, dead) = tokio::join!(futures::future::join_all(sends), timeout(HIT_WITHIN, first_hit(&mut gateways)));
    let dead = dead.unwrap_or_else(|_| panic!("no gateway came to `{point}` {number} times; are they built with fault points? {endings:?}"));
    gateways.remove(dead);
    assert!(!backend.trigger().exists(), "a gateway died, but not of its fault");
    for ending in &endings {
        assert!(matches!(ending, Ending::Done | Ending::Cut), "a message met {ending:?}");
    }

    if gateways.is_empty() {
        gateways.push(backend.gateway().await);
    }
    oracle.verify(&gateways[0].base).await;
}

/// Which gateway dies first.
async fn first_hit(gateways: &mut [Gateway]) -> usize {
    let hits = gateways.iter_mut().map(|gateway| Box::pin(gateway.hit()));
    futures::future::select_all(hits).await.1
}

/// Each repetition dies another time at the step, and recovers in another way.
#[derive(Clone, Copy)]
enum Kills {
    /// All ways in each repetition.
    AllWays,
    /// One way in each repetition, where each costs much: 18 of them try every combination.
    OneWay,
}

impl Kills {
    async fn at<F: Future<Output = Backend>>(self, point: &'static str, backend: impl Fn() -> F) {
        let ways = Way::ALL.len() as u32;
        // 7 shares no divisor with 18.
        let (times, step) = match self {
            Kills::AllWays => (ways * repetitions(), 1),
            Kills::OneWay => (repetitions(), 7),
        };
        repeat(times, async |run| {
            // The first has its work queued.
            let combination = 2 + run * step;
            let (way, repetition) = (combination % ways, combination / ways);
            kill(backend().await, point, 1 + repetition % 3, Way::ALL[way as usize], (repetition + way) % 2 == 1).await;
        })
        .await;
    }
}

macro_rules! kills_on {
    ($backend:ident, $kills:expr, $open:expr) => {
        mod $backend {
            use super::*;

            #[tokio::test]
            async fn before_the_lease() {
                $kills.at("before-lease", $open).await;
            }

            #[tokio::test]
            async fn after_the_lease() {
                $kills.at("after-lease", $open).await;
            }

            #[tokio::test]
            async fn before_the_store() {
                $kills.at("before-store", $open).await;
            }

            #[tokio::test]
            async fn after_the_store() {
                $kills.at("after-store", $open).await;
            }

            #[tokio::test]
            async fn before_the_publish() {
                $kills.at("before-publish", $open).await;
            }

            #[tokio::test]
            async fn after_the_publish() {
                $kills.at("after-publish", $open).await;
            }

            #[tokio::test]
            async fn before_the_announcement() {
                $kills.at("before-announce", $open).await;
            }

            #[tokio::test]
            async fn after_the_announcement() {
                $kills.at("after-announce", $open).await;
            }

            #[tokio::test]
            async fn before_the_webhook() {
                $kills.at("before-webhook", $open).await;
            }

            #[tokio::test]
            async fn after_the_webhook() {
                $kills.at("after-webhook", $open).await;
            }

            #[tokio::test]
            async fn before_the_completion() {
                $kills.at("before-complete", $open).await;
            }
        }
    };
}

kills_on!(sqlite, Kills::AllWays, async || Backend::new(&[]));
kills_on!(postgres, Kills::AllWays, Backend::postgres);
kills_on!(dynamodb_sqs, Kills::OneWay, Backend::dynamodb_sqs);
