//! Which environment takes an invocation: one that is idle, one that is about to be, or a new one, up to a limit.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::oneshot, time::sleep};

use super::Failure;

/// How long an environment that has answered is waited for: it only has to ask for more work.
const FINISHING: Duration = Duration::from_secs(1);

/// The environments of a function.
pub(super) struct Pool<E> {
    limit: usize,
    state: Mutex<State<E>>,
}

struct State<E> {
    /// The last used at the end.
    idle: Vec<E>,
    /// Invocations under way.
    running: usize,
    /// Those of them whose response is there.
    finishing: usize,
    /// Who waits for one of these.
    waiting: VecDeque<oneshot::Sender<E>>,
}

/// What an invocation is to run in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<E, P> {
    Environment(E),
    MayStart(P),
}

/// An invocation's place among those that may run at the same time.
pub(super) struct Place<E> {
    pool: Arc<Pool<E>>,
    answered: Mutex<bool>,
}

impl<E: Send> Pool<E> {
    /// So many invocations at the same time at most.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Pool { limit, state: Mutex::new(State { idle: Vec::new(), running: 0, finishing: 0, waiting: VecDeque::new() }) })
    }

    /// A place, until it is dropped, and an environment that is free, or the permission to start one: whichever there is first.
    ///
    /// # Errors
    /// [`Failure::Throttled`] at the limit.
    pub(super) async fn take<P>(self: &Arc<Self>, may_start: impl Future<Output = P>) -> Result<(Arc<Place<E>>, Taken<E, P>), Failure> {
        let (place, soon, finishing) = {
            let mut state = self.state.lock();
            if state.running - state.finishing >= self.limit {
                return Err(Failure::Throttled);
            }
            state.running += 1;
            let place = Arc::new(Place { pool: self.clone(), answered: Mutex::new(false) });
            if let Some(environment) = state.idle.pop() {
                return Ok((place, Taken::Environment(environment)));
            }
            state.waiting.retain(|waiting| !waiting.is_closed());
            let finishing = state.finishing > state.waiting.len();
            let (sender, soon) = oneshot::channel();
            state.waiting.push_back(sender);
            (place, soon, finishing)
        };
        let may_start = async {
            if finishing {
                sleep(FINISHING).await;
            }
            may_start.await
        };
        let taken = tokio::select! {
            biased;
            Ok(environment) = soon => Taken::Environment(environment),
            permission = may_start => Taken::MayStart(permission),
        };
        Ok((place, taken))
    }

    /// Keeps an environment that has no work for whoever comes next.
    pub(super) fn put(&self, mut environment: E) {
        let mut state = self.state.lock();
        while let Some(waiting) = state.waiting.pop_front() {
            match waiting.send(environment) {
                Ok(()) => return,
                // It waits no longer.
                Err(returned) => environment = returned,
            }
        }
        state.idle.push(environment);
    }

    /// Takes out those without work that are like that.
    pub(super) fn remove(&self, mut is_stale: impl FnMut(&E) -> bool) -> Vec<E> {
        self.state.lock().idle.extract_if(.., |environment| is_stale(environment)).collect()
    }
}

impl<E> Place<E> {
    /// The response is there: the environment will take more work in a moment.
    pub(super) fn answered(&self) {
        let mut answered = self.answered.lock();
        if !*answered {
            *answered = true;
            self.pool.state.lock().finishing += 1;
        }
    }
}

impl<E> Drop for Place<E> {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock();
        state.running -= 1;
        if *self.answered.get_mut() {
            state.finishing -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn the_last_used_is_taken_first() {
        let pool = Pool::new(3);
        pool.put(1);
        pool.put(2);
        let (_first, taken) = pool.take(ready(())).await.unwrap();
        let (_second, other) = pool.take(ready(())).await.unwrap();
        let (_third, none) = pool.take(ready(())).await.unwrap();
        assert_eq!((taken, other, none), (Taken::Environment(2), Taken::Environment(1), Taken::MayStart(())));
    }

    #[tokio::test]
    async fn above_the_limit_invocations_are_throttled_until_one_has_answered() {
        let pool = Pool::<u32>::new(1);
        let (place, _) = pool.take(ready(())).await.unwrap();
        assert_eq!(pool.take(ready(())).await.err(), Some(Failure::Throttled));
        place.answered();
        let next = tokio::spawn({
            let pool = pool.clone();
            async move { pool.take(ready(())).await.map(|(_, taken)| taken) }
        });
        tokio::task::yield_now().await;
        pool.put(7);
        drop(place);
        assert_eq!(next.await.unwrap(), Ok(Taken::Environment(7)), "the one that has just answered, and no new one");
    }

    #[tokio::test(start_paused = true)]
    async fn an_environment_that_does_not_come_back_is_not_waited_for() {
        let pool = Pool::<u32>::new(9);
        let (place, _) = pool.take(ready(())).await.unwrap();
        place.answered();
        assert_eq!(pool.take(ready(())).await.unwrap().1, Taken::MayStart(()));
        // Who has given up waiting is passed over.
        pool.put(1);
        assert_eq!(pool.take(ready(())).await.unwrap().1, Taken::Environment(1));
    }

    #[tokio::test]
    async fn an_environment_that_comes_free_is_sooner_than_the_permission_to_start_one() {
        let pool = Pool::new(9);
        let waiting = pool.take(std::future::pending::<()>());
        let coming = async { pool.put(1) };
        let (taken, ()) = tokio::join!(waiting, coming);
        assert_eq!(taken.unwrap().1, Taken::Environment(1));
    }
}
