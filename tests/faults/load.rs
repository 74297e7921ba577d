//! Gateways that end at no particular moment, under a load of all kinds of calls, while another one lives on.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::harness::{Backend, Ending, Message, Oracle, Way, repeat_heavy, repetitions};

const CLIENTS: u32 = 9;
const LOAD: Duration = Duration::from_secs(3);
/// A gateway that is told to end has ended; servers that do one thing at a time for all tests take twice as long.
const SOON: Duration = Duration::from_secs(6);

/// Clients that send one message after the other until a moment; one that isn't answered whole is sent to the next gateway, until it is.
pub async fn clients(oracle: &Oracle, bases: &[String], until: Instant) {
    let clients = (0..CLIENTS).map(|client| async move {
        for number in 0.. {
            if Instant::now() >= until {
                return;
            }
            let way = Way::ALL[(client + number) as usize % Way::ALL.len()];
            let message = Message::new(format!("client-{client}-{number}"), way, 3, 20);
            let from = client as usize % bases.len();
            // Every other conversation has two turns.
            let keep = way != Way::Queued && number % 2 == 1;
            oracle.insist_on_one_of(&bases[from..], bases, &Message { keep, ..message.clone() }).await;
            if keep {
                let next = oracle.next_turn(&message.id, Message { id: format!("{}-goes-on", message.id), ..message });
                oracle.insist_on_one_of(&bases[from..], bases, &next).await;
            }
        }
    });
    futures::future::join_all(clients).await;
}

/// Kills one of two gateways at some moment. Its clients go to the other one; a new one takes its place.
async fn killed(backend: Backend, run: u32) {
    let oracle = Oracle::new().await;
    let (mut first, second) = (backend.gateway().await, backend.gateway().await);
    let bases = [first.base.clone(), second.base.clone()];
    let moment = Duration::from_millis(u64::from(300 + run * 137 % 2000));
    tokio::join!(clients(&oracle, &bases, Instant::now() + LOAD), async {
        sleep(moment).await;
        first.kill().await;
    });
    let third = backend.gateway().await;
    oracle.verify(&third.base).await;
    oracle.verify(&second.base).await;
}

/// Tells one of two gateways to end. It ends by itself within a time, in which the other one always has something to do; whoever it was answering
/// is answered whole or finds the rest at the other.
async fn drained(backend: Backend, run: u32, within: Duration) {
    let oracle = Oracle::new().await;
    let (mut first, second) = (backend.gateway().await, backend.gateway().await);
    let bases = [first.base.clone(), second.base.clone()];
    let moment = Duration::from_millis(u64::from(300 + run * 137 % 2000));
    tokio::join!(clients(&oracle, &bases, Instant::now() + within), async {
        sleep(moment).await;
        let told = Instant::now();
        assert!(first.terminate().await.success(), "a drain ends well");
        assert!(told.elapsed() < within, "a drain took {:?} though nothing here takes longer than a second", told.elapsed());
    });
    oracle.verify(&second.base).await;
}

/// A blocking call in flight when the gateway is told to end is answered, and the connection isn't cut.
async fn answered_while_drained(backend: Backend) {
    let oracle = Oracle::new().await;
    let mut gateway = backend.gateway().await;
    let message = Message::new("in-flight", Way::Blocking, 10, 100);
    let base = gateway.base.clone();
    let (ending, ()) = tokio::join!(oracle.send(&base, &message), async {
        sleep(Duration::from_millis(400)).await;
        assert!(gateway.terminate().await.success());
    });
    assert_eq!(ending, Ending::Done, "a call in flight is answered");
    oracle.verify(&backend.gateway().await.base).await;
}

macro_rules! load_on {
    ($backend:ident, $weight:expr, $drained_within:expr, $open:expr) => {
        mod $backend {
            use super::*;

            #[tokio::test]
            async fn a_killed_gateway_loses_nothing() {
                repeat_heavy($weight, repetitions(), async |run| killed(($open)().await, run).await).await;
            }

            #[tokio::test]
            async fn a_drained_gateway_ends_soon_and_loses_nothing() {
                repeat_heavy($weight, repetitions(), async |run| drained(($open)().await, run, $drained_within).await).await;
            }

            #[tokio::test]
            async fn a_call_in_flight_is_answered_by_a_drained_gateway() {
                repeat_heavy($weight, repetitions(), async |_| answered_while_drained(($open)().await).await).await;
            }
        }
    };
}

load_on!(sqlite, 1, SOON, async || Backend::new(&[]));
load_on!(postgres, 1, SOON, Backend::postgres);
load_on!(dynamodb_sqs, 3, 2 * SOON, Backend::dynamodb_sqs);
