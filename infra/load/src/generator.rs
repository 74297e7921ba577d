//! What both ways to load share: what is asked next, the counting of answers, and the end.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use indicatif::ProgressBar;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{
    answer::Answer,
    client::{Client, Outcome},
    results::Results,
    scenario::{Mix, Scenario},
};

/// Asks and counts.
pub struct Generator {
    client: Arc<Client>,
    mix: Mix,
    /// What to say instead of the scenarios' texts.
    text: Option<String>,
    seed: u64,
    results: Mutex<Results>,
    bar: ProgressBar,
    /// What is under way is given up, and not counted.
    pub stop: CancellationToken,
    /// What is under way has failed: nobody waits for it any longer.
    pub over: CancellationToken,
}

impl Generator {
    /// With nothing counted yet.
    ///
    /// # Errors
    /// Where there is no memory for counting.
    pub fn new(client: Arc<Client>, mix: Mix, text: Option<String>, seed: u64, bar: ProgressBar, stop: CancellationToken) -> Result<Self> {
        let results = Mutex::new(Results::new(mix.scenarios())?);
        // Seeds beside each other must not ask the same, one request later.
        let seed = fastrand::Rng::with_seed(seed).u64(..);
        Ok(Generator { client, mix, text, seed, results, bar, stop, over: CancellationToken::new() })
    }

    /// Sends the request of this number, which was due at `since`, and counts what comes of it.
    pub async fn ask(&self, number: u64, since: Instant) {
        let mut random = fastrand::Rng::with_seed(self.seed.wrapping_add(number));
        let scenario = self.mix.pick(&mut random);
        let text = scenario.text(&mut random).or_else(|| self.text.clone()).unwrap_or_default();
        let outcome = tokio::select! {
            outcome = self.client.ask(scenario, &text, number, since) => outcome,
            () = self.over.cancelled() => unanswered(scenario, since),
        };
        self.count(outcome);
    }

    /// Counts a request that was due and could never be sent.
    pub fn never_sent(&self, number: u64, since: Instant) {
        let scenario = self.mix.pick(&mut fastrand::Rng::with_seed(self.seed.wrapping_add(number)));
        self.count(unanswered(scenario, since));
    }

    fn count(&self, outcome: Outcome) {
        let mut results = self.results.lock();
        results.add(outcome);
        let failed = results.all.failed;
        drop(results);
        self.bar.inc(1);
        if failed > 0 {
            self.bar.set_message(format!("{failed} failed"));
        }
    }

    /// What was counted so far.
    pub fn results(&self) -> Results {
        self.results.lock().clone()
    }

    /// Waits for what is under way, then no longer.
    pub async fn finish(&self, running: &mut tokio::task::JoinSet<()>, patience: Duration) {
        let all = async { while running.join_next().await.is_some() {} };
        if timeout_at(Instant::now() + patience, all).await.is_err() {
            self.over.cancel();
            while running.join_next().await.is_some() {}
        }
    }
}

fn unanswered(scenario: Scenario, since: Instant) -> Outcome {
    Outcome { scenario, answer: Answer::failed("not answered before the end"), latency: since.elapsed(), first_event: None }
}
