//! A database that goes away, is slow, or has too few connections: calls wait or are refused with a time to come again, and nothing that was
//! acknowledged is lost.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    harness::{Backend, Ending, Message, Oracle, OwnPostgres, Proxy, Stop, Way, repeat, repetitions},
    load::clients,
};

/// Whatever the database does, a call ends within this: in its result, or refused.
const ANSWERED_WITHIN: Duration = Duration::from_secs(45);
const SLOW: Duration = Duration::from_secs(2);

/// Reads until a moment. The gateway lives, so a call that is cut is as wrong as a wrong answer.
async fn readers(oracle: &Oracle, base: &str, until: Instant) -> [u32; 2] {
    let mut counts = [0, 0];
    while Instant::now() < until {
        for (method, params) in [("ListTasks", json!({"pageSize": 5})), ("GetTask", json!({"id": oracle.some_task()}))] {
            match timeout(ANSWERED_WITHIN, oracle.client.call(base, method, params)).await.expect("an answer") {
                (Ending::Done, _) => counts[0] += 1,
                (Ending::Refused, _) => counts[1] += 1,
                (ending, _) => panic!("{method} meets {ending:?}"),
            }
        }
        match timeout(ANSWERED_WITHIN, oracle.client.rest(base, "/tasks?pageSize=5")).await.expect("an answer") {
            Ending::Done | Ending::Refused => {}
            ending => panic!("GET /tasks meets {ending:?}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
    counts
}

/// Stops Postgres in the middle of a load and starts it again: its connections break at any point of any statement.
async fn restarted(how: Stop, run: u32) {
    let mut server = OwnPostgres::start().await;
    let database = server.database().await;
    let backend = Backend::new(&[("A2A_DATABASE_URL", &server.url(server.port(), &database))]);
    let oracle = Oracle::new().await;
    let gateway = backend.gateway().await;
    oracle.insist(&gateway.base, &Message::new("before", Way::Blocking, 2, 0)).await;

    let away = Duration::from_millis(u64::from(run % 4) * 1000);
    let until = Instant::now() + Duration::from_secs(4) + away;
    let bases = [gateway.base.clone()];
    let ((), [read, _], ()) = tokio::join!(clients(&oracle, &bases, until), readers(&oracle, &bases[0], until), async {
        sleep(Duration::from_millis(u64::from(500 + run * 89 % 1000))).await;
        server.stop(how).await;
        sleep(away).await;
        server.start_again().await;
    });
    assert!(read > 0, "reads succeed before and after");
    assert_eq!(oracle.cuts(), 0, "a living gateway cuts no connection");
    oracle.verify(&gateway.base).await;
}

#[tokio::test]
async fn postgres_restarted_fast() {
    repeat(repetitions(), async |run| restarted(Stop::Fast, run).await).await;
}

#[tokio::test]
async fn postgres_restarted_immediately() {
    repeat(repetitions(), async |run| restarted(Stop::Immediate, run).await).await;
}

/// A gateway behind a proxy.
async fn behind_a_proxy(connections: &str) -> (Proxy, Backend) {
    let url = tests::servers::postgres_database().await;
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let server = tokio::net::lookup_host((options.get_host(), options.get_port())).await.unwrap().next().unwrap();
    let proxy = Proxy::before(server).await;
    let url = format!("postgres://{}@127.0.0.1:{}/{}", options.get_username(), proxy.port, options.get_database().unwrap());
    (proxy, Backend::new(&[("A2A_DATABASE_URL", &url), ("A2A_DB_MAX_CONNECTIONS", connections)]))
}

/// Each statement takes 2 s longer: calls take their time, and are right.
#[tokio::test]
async fn postgres_that_is_slow() {
    repeat(repetitions(), async |_| {
        let (proxy, backend) = behind_a_proxy("10").await;
        let oracle = Oracle::new().await;
        let gateway = backend.gateway().await;
        oracle.insist(&gateway.base, &Message::new("before", Way::Blocking, 2, 0)).await;
        proxy.delay(SLOW);
        let messages: Vec<_> = (0..6).map(|number| Message::new(format!("slow-{number}"), Way::ALL[number % 3], 3, 50)).collect();
        let sends = messages.iter().map(|message| timeout(ANSWERED_WITHIN, oracle.send(&gateway.base, message)));
        for ending in futures::future::join_all(sends).await {
            let ending = ending.expect("an answer in time");
            assert!(matches!(ending, Ending::Done | Ending::Refused), "a slow database is no reason for {ending:?}");
        }
        assert_eq!(oracle.client.health(&gateway.base).await, 200);
        proxy.delay(Duration::ZERO);
        oracle.verify(&gateway.base).await;
    })
    .await;
}

/// Two slow connections, fifty calls at once: each is answered or refused in time, no answer is wrong, and health answers meanwhile.
#[tokio::test]
async fn postgres_with_a_full_pool() {
    repeat(repetitions(), async |_| {
        let (proxy, backend) = behind_a_proxy("2").await;
        let oracle = Oracle::new().await;
        let gateway = backend.gateway().await;
        oracle.insist(&gateway.base, &Message::new("before", Way::Blocking, 2, 0)).await;
        proxy.delay(SLOW);
        let messages: Vec<_> = (0..50).map(|number| Message::new(format!("full-{number}"), Way::ALL[number % 3], 2, 10)).collect();
        let sends = futures::future::join_all(messages.iter().map(|message| timeout(ANSWERED_WITHIN, oracle.send(&gateway.base, message))));
        let health = async {
            for _ in 0..5 {
                assert_eq!(oracle.client.health(&gateway.base).await, 200);
                sleep(Duration::from_secs(1)).await;
            }
        };
        let (endings, ()) = tokio::join!(sends, health);
        let endings: Vec<_> = endings.into_iter().map(|ending| ending.expect("an answer in time")).collect();
        assert!(endings.iter().all(|ending| matches!(ending, Ending::Done | Ending::Refused)), "{endings:?}");
        assert!(endings.contains(&Ending::Refused), "two connections can't do all that: {endings:?}");
        proxy.delay(Duration::ZERO);
        oracle.verify(&gateway.base).await;
    })
    .await;
}

/// Nothing gets through and nobody is told, as when a network is split: no call hangs; and when the way is free again, all goes on.
#[tokio::test]
async fn postgres_that_swallows_everything() {
    repeat(repetitions(), async |_| {
        let (proxy, backend) = behind_a_proxy("10").await;
        let oracle = Oracle::new().await;
        let gateway = backend.gateway().await;
        oracle.insist(&gateway.base, &Message::new("before", Way::Blocking, 2, 0)).await;
        proxy.block(true);
        let messages: Vec<_> = (0..9).map(|number| Message::new(format!("split-{number}"), Way::ALL[number % 3], 2, 10)).collect();
        let sends = futures::future::join_all(messages.iter().map(|message| timeout(ANSWERED_WITHIN, oracle.send(&gateway.base, message))));
        let reads = readers(&oracle, &gateway.base, Instant::now() + Duration::from_secs(1));
        for ending in tokio::join!(sends, reads).0 {
            assert_eq!(ending.expect("an answer in time"), Ending::Refused);
        }
        assert_eq!(oracle.client.health(&gateway.base).await, 200);
        proxy.block(false);
        proxy.cut();
        oracle.verify(&gateway.base).await;
    })
    .await;
}
