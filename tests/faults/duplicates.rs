//! Every piece of queued work is handed out twice or more, while it is being done, and in no order.
//!
//! Two gateways work over one database, whose queued rows this test makes due again and again: whoever has a piece keeps working, and others get
//! it as well. Over SQS a proxy hands out each message twice, the second while the first is being worked on, mostly to another worker. Asserted
//! is what the oracle asserts: one effect of each message, sequences without gap or repetition, webhooks in order that came at least once.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::harness::{Backend, Ending, Message, Oracle, RepeatingQueue, Way, repeat, repetitions};

const MESSAGES: u32 = 12;
const PAUSE: Duration = Duration::from_millis(3);
const WITHIN: Duration = Duration::from_secs(60);

/// `shuffle` makes all pieces due in no particular order, those in a worker's hands too, and says how many are in workers' hands.
async fn twice_and_out_of_order(backend: &Backend, mut shuffle: impl AsyncFnMut() -> u64) {
    let oracle = Oracle::new().await;
    let gateways = [backend.gateway().await, backend.gateway().await];
    let messages: Vec<_> = (0..MESSAGES).map(|number| Message::new(format!("during-{number}"), Way::Queued, 6, 30)).collect();
    for (message, gateway) in messages.iter().zip(gateways.iter().cycle()) {
        assert_eq!(oracle.send(&gateway.base, message).await, Ending::Done);
    }
    let (mut again, begun) = (0, Instant::now());
    while !messages.iter().all(|message| oracle.inbox.bodies(&message.id).iter().any(is_last)) {
        again += shuffle().await;
        assert!(begun.elapsed() < WITHIN, "the work isn't done within {WITHIN:?}");
        sleep(PAUSE).await;
    }
    assert!(again >= u64::from(MESSAGES), "hardly anything was handed out again: {again} pieces");
    for gateway in &gateways {
        oracle.verify(&gateway.base).await;
    }
}

fn is_last(body: &serde_json::Value) -> bool {
    body.pointer("/statusUpdate/status/state").is_some_and(|state| state == "TASK_STATE_COMPLETED")
}

#[tokio::test]
async fn sqlite_rows() {
    repeat(repetitions(), async |_| {
        let backend = Backend::new(&[]);
        let path = backend.directory().join(".a2a/a2a.db");
        twice_and_out_of_order(&backend, async || {
            let rows = rusqlite::Connection::open(&path).unwrap();
            rows.busy_timeout(WITHIN).unwrap();
            let taken: u64 = rows.query_row("SELECT count(*) FROM jobs WHERE taken IS NOT NULL", [], |row| row.get(0)).unwrap();
            rows.execute("UPDATE jobs SET due_at = abs(random()) % 1000", []).unwrap();
            taken
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn postgres_rows() {
    repeat(repetitions(), async |_| {
        let backend = Backend::postgres().await;
        let rows = sqlx::PgPool::connect_lazy(backend.setting("A2A_DATABASE_URL")).unwrap();
        twice_and_out_of_order(&backend, async || {
            let mut transaction = rows.begin().await.unwrap();
            let shuffled = "UPDATE jobs SET due_at = floor(random() * 1000) RETURNING taken IS NOT NULL";
            // Workers lock rows in another order; who is the victim of that tries again the next time.
            let Ok(taken) = sqlx::query_scalar::<_, bool>(shuffled).fetch_all(&mut *transaction).await else { return 0 };
            transaction.commit().await.unwrap();
            taken.into_iter().filter(|taken| *taken).count() as u64
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn sqs_messages() {
    repeat(repetitions(), async |_| {
        let mut backend = Backend::dynamodb_sqs_standard().await;
        let queue = RepeatingQueue::before(backend.setting("AWS_ENDPOINT_URL")).await;
        backend.set("AWS_ENDPOINT_URL_SQS", &queue.url);
        let mut before = 0;
        twice_and_out_of_order(&backend, async || {
            let repeated = queue.repeated();
            repeated - std::mem::replace(&mut before, repeated)
        })
        .await;
    })
    .await;
}
