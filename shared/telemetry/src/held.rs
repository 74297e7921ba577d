//! Histograms that may get many values within one invocation: CloudWatch takes 100 at a time, and what collects them for it drops the rest.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use metrics::{Histogram, HistogramFn, Label, SharedString};

use crate::EmbeddedMetrics;

/// Values of a metric that CloudWatch takes in one line.
const AT_ONCE: usize = 100;
/// So many values of a histogram (80 kB) wait for the end of the invocation; where there are more, all metrics are written in between.
const MOST_HELD: usize = 10_000;

/// Those of this process, where it writes for CloudWatch.
static HELD: OnceLock<(EmbeddedMetrics, Mutex<Vec<Arc<Held>>>)> = OnceLock::new();

/// The values of a histogram since metrics were last written.
struct Held {
    collected: Histogram,
    waiting: Mutex<Vec<f64>>,
}

/// From now on what [`histogram`] gives holds its values.
pub(crate) fn hold_for(metrics: EmbeddedMetrics) {
    let _ = HELD.set((metrics, Mutex::default()));
}

/// A histogram of which no value is lost, however many come. To be asked for once, after metrics were installed, and kept.
pub fn histogram(name: &'static str, label: &'static str, value: impl Into<SharedString>) -> Histogram {
    let collected = metrics::histogram!(name, vec![Label::new(label, value.into())]);
    let Some((_, all)) = HELD.get() else { return collected };
    let held = Arc::new(Held { collected, waiting: Mutex::default() });
    all.lock().unwrap_or_else(PoisonError::into_inner).push(held.clone());
    Histogram::from_arc(held)
}

/// Gives each collector as many values as it takes; says whether there are more.
pub(crate) fn hand_on() -> bool {
    let Some((_, all)) = HELD.get() else { return false };
    let all = all.lock().unwrap_or_else(PoisonError::into_inner);
    // Each of them, not up to the first with more.
    all.iter().filter(|held| held.hand_on()).count() > 0
}

impl Held {
    fn hand_on(&self) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let many = waiting.len().min(AT_ONCE);
        waiting.drain(..many).for_each(|value| self.collected.record(value));
        !waiting.is_empty()
    }
}

impl HistogramFn for Held {
    fn record(&self, value: f64) {
        let is_full = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(value);
            waiting.len() >= MOST_HELD
        };
        if is_full && let Some((metrics, _)) = HELD.get() {
            // A log that can't be written to can't be told of either.
            let _ = metrics.write(std::io::stdout());
        }
    }
}
