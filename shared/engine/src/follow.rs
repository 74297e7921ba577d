//! Following a task that someone runs: its events in order, from the bus where it delivers and from the store where not.

use std::time::Duration;

use futures::{StreamExt, stream::BoxStream};
use protocol::types::StreamResponse;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    Engine,
    patience::Patience,
    ports::{SequencedEvent, Signal, StoreError, StoredTask, View},
    state::ends_turn,
};

/// The store is asked this often even where the bus is silent; the pause doubles up to [`LONGEST_PAUSE`].
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const EVENTS_AT_ONCE: u32 = 100;
/// A stream outlasts a store that is away for so long.
const AWAY_FOR: Duration = Duration::from_secs(30);

/// A place in a task's events.
pub(crate) struct Place {
    /// The last sequence that was heard.
    pub(crate) after: u64,
    /// Whether the store is known to have more already.
    pub(crate) behind: bool,
}

impl Engine {
    /// Events after a place, without gap or repetition, until one ends the turn that is the latest.
    ///
    /// `signals` has to be subscribed to before the place was read, so that nothing falls between.
    pub(crate) fn follow(
        &self,
        task_id: String,
        place: Place,
        signals: BoxStream<'static, Signal>,
    ) -> BoxStream<'static, Result<SequencedEvent, StoreError>> {
        let tasks = self.ports().tasks.clone();
        let mut signals = Some(signals);
        async_stream::try_stream! {
            let Place { mut after, mut behind } = place;
            let mut pause = SHORTEST_PAUSE;
            let mut over = false;
            let mut patience = Patience::of(AWAY_FOR);
            loop {
                let mut told = None;
                if !behind {
                    match timeout(pause, next(&mut signals)).await {
                        Ok(Some(Signal::Events(events))) if events.first().is_some_and(|event| event.sequence <= after + 1) => told = Some(events),
                        Ok(Some(Signal::Cancel { .. })) => continue,
                        Ok(Some(Signal::Events(_) | Signal::Gap)) => {}
                        Ok(None) => { signals = None; continue }
                        Err(_) => pause = (pause * 2).min(LONGEST_PAUSE),
                    }
                }
                let events = match told {
                    Some(events) => events,
                    None => match tasks.events(&task_id, after, EVENTS_AT_ONCE).await {
                        Ok(events) => {
                            patience = Patience::of(AWAY_FOR);
                            events.into()
                        }
                        Err(error) => {
                            patience.bear(error).await?;
                            behind = true;
                            continue;
                        }
                    },
                };
                behind = events.len() >= EVENTS_AT_ONCE as usize;
                for event in events.iter() {
                    if event.sequence > after {
                        after = event.sequence;
                        pause = SHORTEST_PAUSE;
                        over = ends(&event.event);
                        yield event.clone();
                    }
                }
                if over && !behind {
                    return;
                }
            }
        }
        .boxed()
    }

    /// Waits until the turn of a task is over or `until` is reached, then gives the task as it stands; `None` if it is gone.
    pub(crate) async fn await_turn(
        &self,
        stored: &StoredTask,
        signals: BoxStream<'static, Signal>,
        until: Instant,
    ) -> Result<Option<StoredTask>, StoreError> {
        let id = &stored.task.id;
        let mut events = self.follow(id.clone(), Place { after: stored.last_sequence, behind: false }, signals);
        let heard = async {
            while let Some(event) = events.next().await {
                event?;
            }
            Ok(())
        };
        timeout_at(until, heard).await.unwrap_or(Ok(()))?;
        self.ports().tasks.task_of_any_owner(id, View::WHOLE).await
    }
}

/// Whether the turn is over after this event.
fn ends(event: &StreamResponse) -> bool {
    matches!(event, StreamResponse::StatusUpdate(update) if ends_turn(&update.status.state))
}

async fn next(signals: &mut Option<BoxStream<'static, Signal>>) -> Option<Signal> {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}
