//! When requests are due that come at a rate: evenly, after a rate that rises evenly from nothing.

use std::time::Duration;

/// A rate, and how long it lasts.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Requests a second, after the ramp-up.
    pub per_second: f64,
    pub ramp_up: Duration,
    /// Without the ramp-up; `None` is forever.
    pub duration: Option<Duration>,
    /// In all; `None` is without end.
    pub requests: Option<u64>,
}

impl Schedule {
    /// When the request of this number, from 0, is due, counted from the start. `None` if there is none.
    pub fn due(&self, number: u64) -> Option<Duration> {
        let ramp_up = self.ramp_up.as_secs_f64();
        let in_ramp_up = self.per_second * ramp_up / 2.0;
        let number_f = number as f64;
        let due = if number_f < in_ramp_up {
            (2.0 * ramp_up * number_f / self.per_second).sqrt()
        } else {
            ramp_up + (number_f - in_ramp_up) / self.per_second
        };
        let is_late = self.duration.is_some_and(|duration| due >= ramp_up + duration.as_secs_f64());
        if is_late || self.requests.is_some_and(|requests| number >= requests) { None } else { Duration::try_from_secs_f64(due).ok() }
    }

    /// How many there are; `None` without an end.
    pub fn count(&self) -> Option<u64> {
        let timed = self.duration.map(|duration| (self.per_second * (self.ramp_up.as_secs_f64() / 2.0 + duration.as_secs_f64())).ceil() as u64);
        match (timed, self.requests) {
            (Some(timed), Some(requests)) => Some(timed.min(requests)),
            (timed, requests) => timed.or(requests),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(schedule: Schedule) -> Vec<f64> {
        (0..).map_while(|number| schedule.due(number)).map(|due| due.as_secs_f64()).collect()
    }

    #[test]
    fn requests_come_evenly_until_the_end() {
        let schedule = Schedule { per_second: 4.0, ramp_up: Duration::ZERO, duration: Some(Duration::from_secs(2)), requests: None };
        assert_eq!(all(schedule), [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75]);
        assert_eq!(schedule.count(), Some(8));
        let fewer = Schedule { requests: Some(3), ..schedule };
        assert_eq!((all(fewer).len(), fewer.count()), (3, Some(3)));
        assert_eq!(Schedule { duration: None, ..schedule }.count(), None);
    }

    #[test]
    fn a_rate_that_rises_evenly_sends_half_as_many_meanwhile() {
        let schedule = Schedule { per_second: 100.0, ramp_up: Duration::from_secs(4), duration: Some(Duration::from_secs(1)), requests: None };
        let due = all(schedule);
        let until = |time: f64| due.iter().filter(|due| **due < time).count();
        assert_eq!((until(2.0), until(4.0), due.len()), (50, 200, 300));
        assert_eq!(schedule.count(), Some(300));
        assert!(due.is_sorted());
    }
}
