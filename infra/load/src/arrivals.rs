//! An open loop: requests come when they are due, whether others were answered or not, and their latency counts from then. Nothing is left out because
//! the server was slow (coordinated omission).

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant as StdInstant},
};

use anyhow::{Context, Result};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{generator::Generator, schedule::Schedule};

/// As long as the thread that keeps the time sleeps at most before it looks whether it is to stop.
const NAP: Duration = Duration::from_millis(50);

/// Requests at a rate.
#[derive(Debug, Clone, Copy)]
pub struct Arrivals {
    pub schedule: Schedule,
    /// Requests under way at the same time, at most. What is due beyond waits, which counts as its latency.
    pub most_at_once: usize,
    /// How long after the last one was due answers are waited for.
    pub patience: Duration,
}

impl Arrivals {
    /// Returns when all are answered or given up, or when everything is to stop.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub async fn run(self, generator: Arc<Generator>) -> Result<()> {
        let (arrive, mut arrived) = mpsc::unbounded_channel();
        let (stop, schedule) = (generator.stop.clone(), self.schedule);
        // Timers of the runtime are right to a millisecond, which is too coarse here.
        let clock = thread::Builder::new().name("arrivals".to_owned());
        clock.spawn(move || tell(schedule, &stop, |number, due| arrive.send((number, due)).is_ok())).context("a thread")?;
        let places = Arc::new(Semaphore::new(self.most_at_once));
        let mut running = JoinSet::new();
        let all = async {
            while let Some((number, due)) = arrived.recv().await {
                running.spawn(ask(generator.clone(), places.clone(), number, due));
                // Those that are done take no memory any longer.
                while running.try_join_next().is_some() {}
            }
            generator.finish(&mut running, self.patience).await;
        };
        tokio::select! {
            () = all => {}
            () = generator.stop.cancelled() => {}
        }
        Ok(())
    }
}

async fn ask(generator: Arc<Generator>, places: Arc<Semaphore>, number: u64, due: Instant) {
    tokio::select! {
        biased;
        Ok(_place) = places.acquire() => generator.ask(number, due).await,
        () = generator.over.cancelled() => generator.never_sent(number, due),
    }
}

/// Says of each request that it is due, when it is.
fn tell(schedule: Schedule, stop: &CancellationToken, mut say: impl FnMut(u64, Instant) -> bool) {
    let begun = StdInstant::now();
    for number in 0.. {
        let Some(due) = schedule.due(number) else { return };
        loop {
            let left = due.saturating_sub(begun.elapsed());
            if stop.is_cancelled() {
                return;
            }
            if left.is_zero() {
                break;
            }
            thread::sleep(left.min(NAP));
        }
        if !say(number, (begun + due).into()) {
            return;
        }
    }
}
