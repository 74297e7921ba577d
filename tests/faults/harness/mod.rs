//! What fault tests stand on: gateways to kill, clients that remember, servers to stop.

mod client;
mod gateway;
mod inbox;
mod oracle;
mod proxy;
mod repeating_queue;
mod servers;

pub use client::Ending;
pub use gateway::{Backend, Gateway};
pub use oracle::{Message, Oracle, Way};
pub use proxy::Proxy;
pub use repeating_queue::RepeatingQueue;
pub use servers::{OwnPostgres, OwnRedis, Stop};

use std::{future::Future, sync::LazyLock};

use futures::{StreamExt, stream};
use tokio::sync::Semaphore;

/// Scenarios of all tests that run at once. Most of their time is waiting for leases to run out, but a machine that can't keep up is a fault of
/// its own, which isn't meant here.
static AT_ONCE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(3 * std::thread::available_parallelism().map_or(2, usize::from)));

/// How often each fault is tried: `A2A_TEST_REPETITIONS`, by default once.
pub fn repetitions() -> u32 {
    std::env::var("A2A_TEST_REPETITIONS").ok().map_or(1, |text| text.parse().expect("A2A_TEST_REPETITIONS is a number"))
}

/// Runs a scenario so often with the run's number from 0, several at once.
pub async fn repeat<F: Future<Output = ()>>(times: u32, scenario: impl Fn(u32) -> F) {
    repeat_heavy(1, times, scenario).await;
}

/// The same with one that keeps the machine as busy as so many others.
pub async fn repeat_heavy<F: Future<Output = ()>>(weight: u32, times: u32, scenario: impl Fn(u32) -> F) {
    let runs = stream::iter(0..times).map(|number| {
        let run = scenario(number);
        async move {
            let _permit = AT_ONCE.acquire_many(weight).await.unwrap();
            run.await;
        }
    });
    runs.buffer_unordered(8).collect::<()>().await;
}
