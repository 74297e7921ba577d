//! A closed loop: users who ask, wait for the answer, think, and ask again. They start one after the other.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::generator::Generator;

/// Users, and when they stop.
#[derive(Debug, Clone, Copy)]
pub struct Users {
    pub count: u32,
    /// In all, shared out evenly.
    pub requests: Option<u64>,
    /// Of each user, from its start.
    pub duration: Option<Duration>,
    pub ramp_up: Duration,
    pub think_time: Duration,
}

impl Users {
    /// How often a user, from 0, asks; `None` is without end.
    fn share(&self, user: u32) -> Option<u64> {
        let count = u64::from(self.count);
        self.requests.map(|requests| requests / count + u64::from(u64::from(user) < requests % count))
    }

    /// When a user starts.
    fn start(&self, user: u32) -> Duration {
        self.ramp_up * user / self.count
    }

    /// Returns when the last user is done, or when everything is to stop.
    pub async fn run(self, generator: Arc<Generator>) {
        let begun = Instant::now();
        let mut running = JoinSet::new();
        for user in 0..self.count {
            running.spawn(self.user(user, begun, generator.clone()));
        }
        tokio::select! {
            () = async { while running.join_next().await.is_some() {} } => {}
            () = generator.stop.cancelled() => running.shutdown().await,
        }
    }

    async fn user(self, user: u32, begun: Instant, generator: Arc<Generator>) {
        let start = begun + self.start(user);
        sleep_until(start).await;
        let mut asked = 0;
        let goes_on = |asked| self.share(user).is_none_or(|share| asked < share) && self.duration.is_none_or(|duration| start.elapsed() < duration);
        while goes_on(asked) {
            // Numbers that no other user has.
            generator.ask(asked * u64::from(self.count) + u64::from(user), Instant::now()).await;
            asked += 1;
            // After the last answer there is nothing to think about.
            if goes_on(asked) && !self.think_time.is_zero() {
                sleep(self.think_time).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_share_the_requests_and_start_evenly() {
        let users = Users { count: 20, requests: Some(1005), duration: None, ramp_up: Duration::from_secs(20), think_time: Duration::ZERO };
        let shares: Vec<_> = (0..20).map(|user| users.share(user).unwrap()).collect();
        assert_eq!((shares.iter().sum::<u64>(), shares[0], shares[19]), (1005, 51, 50));
        assert_eq!((users.start(0), users.start(1), users.start(19)), (Duration::ZERO, Duration::from_secs(1), Duration::from_secs(19)));
        assert_eq!(Users { requests: None, ..users }.share(3), None);
    }
}
