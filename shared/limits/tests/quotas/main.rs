//! What all quotas must do, whoever keeps them. A backend adds its line at the end.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails a test")]

#[path = "../../../events/tests/event_bus/redis_server.rs"]
#[allow(dead_code, reason = "the buses' tests use all of it")]
mod redis_server;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use engine::ports::{Clock, SystemClock};
use events::RedisLink;
use futures::future::join_all;
use guard::{LocalQuotas, QuotasAway, Rate, SharedQuotas, Standing};
use limits::RedisQuotas;
use redis_server::RedisServer;
use tokio::time::{Instant, sleep};

type Quotas = Arc<dyn SharedQuotas>;

macro_rules! quotas {
    ($backend:ident, $world:expr) => {
        quotas! { $backend, $world; a_burst_passes_and_no_more, the_rate_passes_after_the_burst, clients_and_their_quotas_are_apart,
            what_is_refused_costs_nothing, many_requests_at_once_cost_as_many, a_standing_adds_up, many_processes_share_a_quota_exactly,
            a_smaller_burst_locks_nobody_out }
    };
    ($backend:ident, $world:expr; $($fact:ident),+) => {
        mod $backend {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $fact() {
                    let world: World = $world;
                    super::$fact(world).await;
                }
            )+
        }
    };
}

quotas!(local, World::local());
quotas!(redis, World::redis(tests::servers::redis()));
quotas!(redis_cluster, World::own(RedisServer::cluster_of_three().await));

/// Where processes are that share quotas.
struct World {
    process: Box<dyn Fn() -> Quotas + Send + Sync>,
    _servers: Vec<RedisServer>,
}

impl World {
    fn local() -> Self {
        let here = Arc::new(Here(LocalQuotas::default()));
        World { process: Box::new(move || here.clone()), _servers: Vec::new() }
    }

    fn redis(url: String) -> Self {
        World { process: Box::new(move || Arc::new(RedisQuotas::new(RedisLink::open(&url, 2).unwrap(), "suite"))), _servers: Vec::new() }
    }

    fn own(servers: [RedisServer; 3]) -> Self {
        World { _servers: servers.to_vec(), ..World::redis(servers[0].url()) }
    }
}

/// Threads of one process in the place of processes.
struct Here(LocalQuotas);

#[async_trait]
impl SharedQuotas for Here {
    async fn take(&self, client: &str, quota: &str, rate: Rate, requests: u32) -> Result<Standing, QuotasAway> {
        Ok(self.0.take(client, quota, rate, requests, SystemClock.now().timestamp_micros()))
    }
}

/// So slow that nothing comes back while a test runs.
const SLOW: Rate = Rate { per_minute: 1, burst: 20 };

fn client() -> String {
    format!("{{client}} {}", uuid::Uuid::new_v4())
}

async fn passed(quotas: &Quotas, client: &str, rate: Rate, requests: usize) -> usize {
    let mut passed = 0;
    for _ in 0..requests {
        passed += usize::from(quotas.take(client, "identity", rate, 1).await.unwrap().has_passed());
    }
    passed
}

async fn a_burst_passes_and_no_more(world: World) {
    assert_eq!(passed(&(world.process)(), &client(), SLOW, 50).await, 20);
}

async fn the_rate_passes_after_the_burst(world: World) {
    let (quotas, client, rate) = ((world.process)(), client(), Rate { per_minute: 6_000, burst: 5 });
    assert!(quotas.take(&client, "identity", rate, 5).await.unwrap().has_passed());
    let (began, mut passed) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_millis(300) {
        passed += u32::from(quotas.take(&client, "identity", rate, 1).await.unwrap().has_passed());
        sleep(Duration::from_millis(2)).await;
    }
    // One in 10 ms; the clocks of the test and of Redis may be read a moment apart.
    let most = u32::try_from(began.elapsed().as_millis() / 10).unwrap() + 1;
    assert!((15..=most).contains(&passed), "{passed} of {most}");
}

async fn clients_and_their_quotas_are_apart(world: World) {
    let (quotas, ann, bob) = ((world.process)(), client(), client());
    assert_eq!((passed(&quotas, &ann, SLOW, 30).await, passed(&quotas, &bob, SLOW, 30).await), (20, 20));
    assert!(quotas.take(&ann, "SendMessage", SLOW, 1).await.unwrap().has_passed());
}

async fn what_is_refused_costs_nothing(world: World) {
    let (quotas, client, rate) = ((world.process)(), client(), Rate { per_minute: 600, burst: 2 });
    assert_eq!(passed(&quotas, &client, rate, 100).await, 2);
    let refused = quotas.take(&client, "identity", rate, 1).await.unwrap();
    sleep(Duration::from_micros(u64::try_from(refused.passes_after).unwrap() + 2_000)).await;
    assert!(quotas.take(&client, "identity", rate, 1).await.unwrap().has_passed());
}

async fn many_requests_at_once_cost_as_many(world: World) {
    let (quotas, client) = ((world.process)(), client());
    assert_eq!(quotas.take(&client, "identity", SLOW, 15).await.unwrap().remaining(), 5);
    assert!(!quotas.take(&client, "identity", SLOW, 6).await.unwrap().has_passed());
    assert_eq!(quotas.take(&client, "identity", SLOW, 5).await.unwrap().remaining(), 0);
}

async fn a_standing_adds_up(world: World) {
    let (quotas, client) = ((world.process)(), client());
    for left in (0..20).rev() {
        let standing = quotas.take(&client, "identity", SLOW, 1).await.unwrap();
        assert_eq!((standing.has_passed(), standing.remaining()), (true, left));
    }
    let refused = quotas.take(&client, "identity", SLOW, 1).await.unwrap();
    assert_eq!((refused.remaining(), refused.retry_after_seconds(), refused.full_after_seconds()), (0, 60, 20 * 60));
}

async fn many_processes_share_a_quota_exactly(world: World) {
    let client = client();
    let processes: Vec<Quotas> = (0..10).map(|_| (world.process)()).collect();
    let asking = processes.iter().map(|process| {
        let (process, client) = (process.clone(), client.clone());
        tokio::spawn(async move { passed(&process, &client, SLOW, 30).await })
    });
    let all: usize = join_all(asking).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(all, 20);
}

async fn a_smaller_burst_locks_nobody_out(world: World) {
    let (quotas, client) = ((world.process)(), client());
    assert!(quotas.take(&client, "identity", Rate { per_minute: 1, burst: 100 }, 100).await.unwrap().has_passed());
    let refused = quotas.take(&client, "identity", Rate { per_minute: 1, burst: 2 }, 1).await.unwrap();
    assert_eq!(refused.retry_after_seconds(), 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quotas_leave_nothing_in_redis_once_they_are_full_again() {
    let server = RedisServer::started(&[]).await;
    let quotas: Quotas = Arc::new(RedisQuotas::new(RedisLink::open(&server.url(), 2).unwrap(), "one"));
    assert!(quotas.take("sub:ann", "identity", Rate { per_minute: 600, burst: 5 }, 3).await.unwrap().has_passed());
    let keys: Vec<String> = server.ask(&["KEYS", "a2a:quota:*"]).await.unwrap();
    assert!(keys.len() == 1 && !keys[0].contains("ann"), "{keys:?}");
    let stranger: Quotas = Arc::new(RedisQuotas::new(RedisLink::open(&server.url(), 2).unwrap(), "other"));
    assert_eq!(stranger.take("sub:ann", "identity", SLOW, 1).await.unwrap().remaining(), 19, "another server's clients are others");
    let left: i64 = server.ask(&["PTTL", &keys[0]]).await.unwrap();
    assert!((200..=300).contains(&left), "{left} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quotas_are_away_while_redis_is() {
    let server = RedisServer::prepared(&[]);
    let quotas: Quotas = Arc::new(RedisQuotas::new(RedisLink::open(&server.url(), 2).unwrap(), "one"));
    assert_eq!(quotas.take("sub:ann", "identity", SLOW, 1).await, Err(QuotasAway));
    server.start().await;
    let back = async {
        while quotas.take("sub:ann", "identity", SLOW, 1).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), back).await.expect("they are back within 20 s");
    server.kill();
    assert_eq!(quotas.take("sub:ann", "identity", SLOW, 1).await, Err(QuotasAway));
}
