//! Who is counted by what, and that shared quotas may go and come back.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::reach::PATIENCE;

const RATE: Rate = Rate { per_minute: 60, burst: 3 };

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn address(text: &str) -> Client<'static> {
    Client::Address(text.parse().unwrap())
}

const fn ann(own_limit: Option<u32>) -> Client<'static> {
    Client::Identity { owner: "sub:ann", own_limit }
}

fn limits(methods: &[(Method, Rate)]) -> Limits {
    Limits::new(LimitSettings { each: Some(RATE), methods: methods.to_vec() }, None)
}

async fn passed(limits: &Limits, client: Client<'_>, now: DateTime<Utc>) -> bool {
    limits.take(client, 1, now).await.standing.is_none_or(|(_, standing)| standing.has_passed())
}

async fn passed_of(limits: &Limits, client: Client<'_>, requests: usize) -> usize {
    let mut count = 0;
    for _ in 0..requests {
        count += usize::from(passed(limits, client, start()).await);
    }
    count
}

#[tokio::test]
async fn addresses_and_identities_have_a_quota_each() {
    let limits = limits(&[]);
    for client in [address("192.0.2.1"), address("192.0.2.2"), ann(None), Client::Identity { owner: "sub:bob", own_limit: None }] {
        assert_eq!(passed_of(&limits, client, 10).await, 3, "{client:?}");
    }
    assert!(passed(&limits, ann(None), start() + TimeDelta::seconds(1)).await);
}

#[tokio::test]
async fn a_limit_of_its_own_takes_the_place_of_all_others() {
    let limits = limits(&[(Method::GetTask, RATE)]);
    assert_eq!(passed_of(&limits, ann(Some(500)), 2_000).await, 1_000, "twice the limit at once");
    for _ in 0..10 {
        assert_eq!(limits.take_for(Method::GetTask, ann(Some(500)), start()).await.standing, None);
    }
    let free = Limits::new(LimitSettings::default(), None);
    assert_eq!(passed_of(&free, ann(Some(5)), 100).await, 10, "even where nobody else has one");
    assert_eq!((passed_of(&free, ann(None), 100).await, passed_of(&free, address("192.0.2.1"), 100).await), (100, 100));
}

#[tokio::test]
async fn a_method_may_have_a_limit_that_is_lower() {
    let limits = limits(&[(Method::SendMessage, Rate { per_minute: 60, burst: 1 })]);
    let take = async |method, client| limits.take_for(method, client, start()).await.standing.is_none_or(|(_, standing)| standing.has_passed());
    assert!(take(Method::SendMessage, ann(None)).await && !take(Method::SendMessage, ann(None)).await);
    assert!(take(Method::SendMessage, address("192.0.2.1")).await, "each client for itself");
    assert!(take(Method::GetTask, ann(None)).await);
}

#[tokio::test]
async fn operators_hear_of_a_client_that_is_refused_once_a_minute() {
    let limits = limits(&[]);
    let heard = |after: i64| limits.is_worth_telling(ann(None), start() + TimeDelta::seconds(after));
    assert_eq!([0, 0, 30, 60, 61].map(heard), [true, false, false, true, false]);
    assert!(limits.is_worth_telling(address("192.0.2.1"), start()));
}

/// Shared quotas that may be away, and how often they were asked.
#[derive(Default)]
struct There {
    quotas: LocalQuotas,
    away: AtomicBool,
    hangs: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl SharedQuotas for There {
    async fn take(&self, client: &str, quota: &str, rate: Rate, requests: u32) -> Result<Standing, QuotasAway> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if self.away.load(Ordering::Relaxed) {
            return Err(QuotasAway);
        }
        Ok(self.quotas.take(client, quota, rate, requests, start().timestamp_micros()))
    }
}

#[tokio::test]
async fn processes_share_a_quota_and_each_has_its_own_while_that_is_away() {
    let there = Arc::new(There::default());
    let process = || Limits::new(LimitSettings { each: Some(RATE), methods: Vec::new() }, Some(there.clone()));
    let (one, other) = (process(), process());
    assert_eq!(passed_of(&one, ann(None), 2).await + passed_of(&other, ann(None), 10).await, 3);

    there.away.store(true, Ordering::Relaxed);
    let before = there.asked.load(Ordering::Relaxed);
    let first = one.take(ann(None), 1, start()).await;
    assert_eq!((first.turn, first.standing.unwrap().1.has_passed()), (Some(Turn::Away), true), "no stop");
    assert_eq!(passed_of(&one, ann(None), 10).await, 2, "no open door");
    assert_eq!(one.take(ann(None), 1, start()).await.turn, None, "told once");
    assert_eq!(there.asked.load(Ordering::Relaxed) - before, 1, "nobody else waits");

    let later = start() + TimeDelta::seconds(2);
    assert_eq!(one.take(ann(None), 1, later).await.turn, None, "still away");
    assert_eq!(there.asked.load(Ordering::Relaxed) - before, 2);
    there.away.store(false, Ordering::Relaxed);
    let back = one.take(ann(None), 1, later + TimeDelta::seconds(2)).await;
    assert_eq!((back.turn, back.standing.unwrap().1.has_passed()), (Some(Turn::Back), false), "the quota that all share is used up");
}

#[tokio::test(start_paused = true)]
async fn shared_quotas_that_hang_delay_one_request_for_a_moment() {
    let there = Arc::new(There::default());
    there.hangs.store(true, Ordering::Relaxed);
    let limits = Limits::new(LimitSettings { each: Some(RATE), methods: Vec::new() }, Some(there.clone()));
    let began = tokio::time::Instant::now();
    assert_eq!(passed_of(&limits, ann(None), 100).await, 3);
    assert_eq!((began.elapsed(), there.asked.load(Ordering::Relaxed)), (PATIENCE, 1));
}
