//! Redis is killed, and started again empty, while clients ask two gateways for more than they may.
//!
//! With Redis both count together. Without it each counts for itself, from the next request on: nobody waits, nobody is let in beyond that.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use crate::harness::{Backend, Gateway, OwnRedis, repeat, repetitions};

const ADMIN: (&str, &str) = ("X-API-Key", "an-admin-key-of-32-characters-00");
const PER_MINUTE: u32 = 100;
const BURST: u32 = 200;
/// Those that ask one gateway, each one request after the other.
const CLIENTS: usize = 8;
/// No request takes longer, whatever becomes of Redis: what doesn't answer in a quarter of a second is taken for away, the rest is for a busy machine.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
/// Long enough for gateways to look for Redis several times in vain.
const AWAY_FOR: Duration = Duration::from_millis(2_500);
/// What is waited for has come; Redis is looked for every two seconds at least.
const SOON: Duration = Duration::from_secs(15);
/// So many refusals by each gateway show that nothing is left.
const MANY: u32 = 50;

/// How many requests passed, and how many were refused, at each of the gateways.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    passed: [u32; 2],
    refused: [u32; 2],
}

impl Seen {
    fn since(self, before: Seen) -> Seen {
        let less = |now: [u32; 2], then: [u32; 2]| [now[0] - then[0], now[1] - then[1]];
        Seen { passed: less(self.passed, before.passed), refused: less(self.refused, before.refused) }
    }

    fn refused_many(self) -> bool {
        self.refused.iter().all(|refused| *refused >= MANY)
    }

    fn passed_at_all(self) -> u32 {
        self.passed.iter().sum()
    }
}

/// Asks one of the gateways again and again. Nothing but a limit may refuse a request, and each is answered soon.
async fn ask(base: &str, gateway: usize, seen: &watch::Sender<Seen>) {
    let http = tests::http().timeout(ANSWERED_WITHIN).build().unwrap();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "missing"}}).to_string();
    loop {
        let asked = http.post(base).header("A2A-Version", "1.0").header("Content-Type", "application/json").body(body.clone());
        let response = asked.send().await.expect("an answer in time");
        let (status, retry_after) = (response.status().as_u16(), response.headers().get("retry-after").cloned());
        let answer: Value = response.json().await.expect("a whole answer in time");
        match (status, answer["error"]["code"].as_i64()) {
            (200, Some(-32001)) => seen.send_modify(|seen| seen.passed[gateway] += 1),
            (429, Some(-32014)) if retry_after.is_some() => seen.send_modify(|seen| seen.refused[gateway] += 1),
            _ => panic!("HTTP {status}, Retry-After {retry_after:?}: {answer}"),
        }
    }
}

/// What clients see once it is as expected, and what they saw since a moment before that.
async fn until(seen: &watch::Sender<Seen>, before: Seen, expected: impl Fn(Seen) -> bool) -> Seen {
    let mut watched = seen.subscribe();
    let waited = timeout(SOON, watched.wait_for(|now| expected(now.since(before)))).await.map(|now| now.unwrap().since(before));
    waited.unwrap_or_else(|_| panic!("it doesn't come to that: {:?}", seen.borrow().since(before)))
}

/// How often the audit log says this of the limits.
async fn told(gateway: &Gateway, outcome: &str, detail: &str) -> u64 {
    let url = format!("{}/admin/audit?type=limit&pageSize=200", gateway.base);
    let asked = tests::http().build().unwrap().get(url).header(ADMIN.0, ADMIN.1).send().await.unwrap();
    assert_eq!(asked.status(), 200);
    let page: Value = asked.json().await.unwrap();
    let records = page["records"].as_array().unwrap().iter();
    let those = records.filter(|record| record["outcome"] == outcome && record["detail"].as_str().is_some_and(|text| text.contains(detail)));
    those.map(|record| record["count"].as_u64().unwrap()).sum()
}

/// Waits until each gateway has told this, under load: records are written a moment after the answer.
async fn until_told(gateway: &Gateway, seen: &watch::Sender<Seen>, reason: &str) {
    let begun = Instant::now();
    while told(gateway, "done", reason).await < 2 {
        assert!(begun.elapsed() < SOON, "nobody tells that {reason}");
        let before = *seen.borrow();
        until(seen, before, Seen::refused_many).await;
    }
}

/// What passes at the rate in so long, and the one that is due as it begins.
fn due(since: Instant) -> u32 {
    (since.elapsed().as_secs_f64() * f64::from(PER_MINUTE) / 60.0) as u32 + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_while_redis_is_gone_and_are_shared_again_after() {
    repeat(repetitions(), async |_| {
        let mut redis = OwnRedis::start().await;
        let mut backend = Backend::postgres_and_redis(&redis.url()).await;
        let settings = [("A2A_RATE_LIMIT_PER_MINUTE", PER_MINUTE.to_string()), ("A2A_RATE_LIMIT_BURST", BURST.to_string())];
        settings.iter().for_each(|(name, value)| backend.set(name, value));
        backend.set("A2A_ADMIN_API_KEY", ADMIN.1);
        let gateways = [backend.gateway().await, backend.gateway().await];
        let seen = watch::Sender::new(Seen::default());
        let clients = (0..2 * CLIENTS).map(|client| ask(&gateways[client % 2].base, client % 2, &seen));
        let script = async {
            let begun = Instant::now();
            let together = until(&seen, Seen::default(), Seen::refused_many).await.passed_at_all();
            assert!((BURST..=BURST + due(begun)).contains(&together), "{together} passed at both together");

            let (killed, before) = (Instant::now(), *seen.borrow());
            redis.stop().await;
            until(&seen, before, |seen| seen.passed.iter().all(|passed| *passed >= BURST)).await;
            until_told(&gateways[0], &seen, "are away").await;
            let alone = until(&seen, before, |_| killed.elapsed() > AWAY_FOR).await;
            // The one more is what Redis let pass as it was killed.
            let most = BURST + due(killed) + 1;
            assert!(alone.passed.iter().all(|passed| *passed <= most), "{alone:?} of {most} at each while Redis is away");

            let (started, before) = (Instant::now(), *seen.borrow());
            redis.start_again().await;
            until_told(&gateways[0], &seen, "are back").await;
            until(&seen, before, |seen| seen.passed_at_all() >= BURST).await;
            let now = *seen.borrow();
            let again = until(&seen, now, Seen::refused_many).await;
            assert!(again.passed_at_all() <= due(started), "nothing is left at either: {again:?}");
            // Each alone until it finds Redis, then both together.
            let (again, most) = (seen.borrow().since(before), BURST + 3 * due(started));
            assert!(again.passed_at_all() <= most, "{again:?} of {most} at both since Redis is back");
            for reason in ["are away", "are back"] {
                assert_eq!(told(&gateways[0], "done", reason).await, 2, "each gateway tells once that limits {reason}");
            }
            assert_eq!(told(&gateways[0], "refused", "address").await, 2, "each gateway tells once a minute of a client that it refuses");
        };
        tokio::select! {
            () = script => {}
            _ = futures::future::join_all(clients) => unreachable!("clients never cease to ask"),
        }
    })
    .await;
}
