//! A function's process dies by SIGKILL in the midst of its work, while the gateway that called it, and all other processes, live on.
//!
//! As on Lambda nothing of it is left but what it stored: another process goes on with the task, and the oracle finds nothing lost and nothing
//! done twice. Where a client waited for the answer of that very process, it gets HTTP 502 or the end of its stream, and asks again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::harness::{Backend, Ending, Message, Oracle, Way, repeat, repetitions};

const MESSAGES: u32 = 6;
const HIT_WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);

/// Who dies, where, and at the so-manieth time.
type Death = (&'static str, &'static str, u32);

const WORKERS: [Death; 6] = [
    ("run-task", "before-store", 2),
    ("run-task", "after-lease", 1),
    ("run-task", "after-store", 2),
    ("run-task", "before-complete", 1),
    ("run-task", "before-lease", 1),
    ("run-task", "before-announce", 2),
];
const SENDERS: [Death; 4] = [
    ("deliver-push", "after-webhook", 2),
    ("deliver-push", "before-webhook", 1),
    ("deliver-push", "before-complete", 1),
    ("deliver-push", "after-webhook", 1),
];
const DOORS: [Death; 4] =
    [("front-door", "after-store", 2), ("front-door", "after-lease", 1), ("front-door", "before-store", 2), ("front-door", "before-announce", 1)];

/// One death, among messages that are sent in one way.
async fn killed(backend: Backend, (function, point, number): Death, way: Way) {
    let oracle = Oracle::of_processes().await;
    let gateway = backend.gateway_of_processes(&[(function, &backend.fault(point, number))]).await;
    oracle.insist(&gateway.base, &Message::new("before", Way::Queued, 2, 0)).await;

    std::fs::write(backend.trigger(), "").unwrap();
    let messages: Vec<_> = (0..MESSAGES).map(|number| Message::new(format!("during-{number}"), way, 4, 60)).collect();
    let sends = messages.iter().map(|message| oracle.send(&gateway.base, message));
    let (endings, ()) = tokio::join!(futures::future::join_all(sends), hit(&backend, point));
    let cut = endings.iter().filter(|ending| **ending == Ending::Cut).count();
    let whole = endings.iter().filter(|ending| **ending == Ending::Done).count();
    assert_eq!(cut + whole, endings.len(), "{endings:?}");
    assert_eq!(cut, usize::from(function == "front-door"), "only who waits for the dead process notices: {endings:?}");
    oracle.verify(&gateway.base).await;
}

/// Waits until a process took the trigger away, which it does to die.
async fn hit(backend: &Backend, point: &str) {
    let begun = Instant::now();
    while backend.trigger().exists() {
        assert!(begun.elapsed() < HIT_WITHIN, "no process came to `{point}`; are they built with fault points?");
        sleep(PAUSE).await;
    }
}

/// Each repetition another death.
async fn deaths<F: Future<Output = Backend>>(backend: impl Fn() -> F, deaths: &[Death], ways: &[Way]) {
    repeat(repetitions(), async |run| {
        let run = run as usize;
        killed(backend().await, deaths[run % deaths.len()], ways[run % ways.len()]).await;
    })
    .await;
}

macro_rules! processes_on {
    ($backend:ident, $open:expr) => {
        mod $backend {
            use super::*;

            #[tokio::test]
            async fn a_task_goes_on_when_its_worker_is_killed() {
                deaths($open, &WORKERS, &[Way::Queued]).await;
            }

            #[tokio::test]
            async fn webhooks_go_on_when_their_sender_is_killed() {
                deaths($open, &SENDERS, &[Way::Queued]).await;
            }

            #[tokio::test]
            async fn a_task_goes_on_when_the_process_that_answers_is_killed() {
                deaths($open, &DOORS, &[Way::Blocking, Way::Streaming]).await;
            }
        }
    };
}

processes_on!(sqlite, async || Backend::new(&[]));
processes_on!(postgres, Backend::postgres);
processes_on!(dynamodb_sqs, Backend::dynamodb_sqs);
