//! The client's messages: in the history, and remembered for retries.

use std::sync::Arc;

use chrono::TimeDelta;
use engine::ports::{Change, Committed, View};
use futures::future::join_all;
use protocol::types::TaskState;

use crate::{
    Store,
    given::{at, conflict, create, done, message, remembered, scope, update},
};

const DAY: i64 = 24 * 3600;

fn of(task_id: &str) -> Committed {
    Committed::DuplicateMessage { task_id: task_id.into() }
}

async fn commit(store: &Store, change: Change) -> Committed {
    store.commit(Arc::new(change)).await.unwrap()
}

fn sending(task_id: &str, message_id: &str, fingerprint: &str, seconds: i64) -> Change {
    Change { remember: Some(remembered(message_id, fingerprint, seconds)), ..create(task_id, "o", TaskState::Completed, seconds) }
}

pub async fn a_message_sent_again_leads_to_its_task(store: Store) {
    done(&store, sending("t", "m", "f", 0)).await;
    assert_eq!(commit(&store, sending("u", "m", "f", 1)).await, of("t"));
    assert_eq!(store.task_of_any_owner("u", View::STATUS).await.unwrap(), None);
    assert_eq!(store.remembered("o", &remembered("m", "f", 1)).await.unwrap().as_deref(), Some("t"));
    assert_eq!(store.remembered("o", &remembered("m", "g", 1)).await.unwrap(), None);
    assert_eq!(store.remembered("p", &remembered("m", "f", 1)).await.unwrap(), None);
}

pub async fn the_same_message_sent_at_once_makes_one_task(store: Store) {
    let senders = (0..10).map(|n| {
        let (store, change) = (store.clone(), sending(&format!("t-{n}"), "m", "f", 0));
        tokio::spawn(async move { commit(&store, change).await })
    });
    let outcomes: Vec<Committed> = join_all(senders).await.into_iter().map(Result::unwrap).collect();
    let made = outcomes.iter().position(|outcome| *outcome == Committed::Done).unwrap();
    let others = outcomes.iter().enumerate().filter(|(n, _)| *n != made);
    assert!(others.into_iter().all(|(_, outcome)| *outcome == of(&format!("t-{made}"))));
}

pub async fn other_content_or_owners_make_another_message(store: Store) {
    done(&store, sending("t", "m", "f", 0)).await;
    done(&store, sending("u", "m", "g", 0)).await;
    done(&store, sending("v", "n", "f", 0)).await;
    done(&store, Change { remember: Some(remembered("m", "f", 0)), ..create("w", "another", TaskState::Completed, 0) }).await;
}

pub async fn a_message_is_forgotten_in_time(store: Store) {
    done(&store, sending("t", "m", "f", 0)).await;
    assert_eq!(commit(&store, sending("u", "m", "f", DAY)).await, of("t"));
    done(&store, sending("v", "m", "f", DAY + 1)).await;
    assert_eq!(commit(&store, sending("w", "m", "f", DAY + 2)).await, of("v"));
    // Many others in between, which is when old ones may be cleared away.
    for n in 0..100 {
        done(&store, sending(&format!("x-{n}"), &format!("x-{n}"), "f", DAY + 3)).await;
    }
    assert_eq!(commit(&store, sending("y", "m", "f", DAY + 4)).await, of("v"));
    assert_eq!(store.remembered("o", &remembered("m", "f", 2 * DAY + 2)).await.unwrap(), None);
}

pub async fn a_message_of_a_deleted_task_is_forgotten(store: Store) {
    done(&store, sending("t", "m", "f", 0)).await;
    assert_eq!(store.delete_finished(at(0) + TimeDelta::seconds(1), 10).await.unwrap(), 1);
    assert_eq!(store.remembered("o", &remembered("m", "f", 1)).await.unwrap(), None);
    done(&store, sending("u", "m", "f", 1)).await;
    assert_eq!(commit(&store, sending("v", "m", "f", 2)).await, of("u"));
}

pub async fn a_retried_turn_leads_to_its_task_though_it_went_on(store: Store) {
    let turn = |version| Change { remember: Some(remembered("m", "f", 0)), ..update("t", version, TaskState::Working, 0) };
    done(&store, create("t", "o", TaskState::InputRequired, 0)).await;
    done(&store, turn(1)).await;
    assert_eq!(commit(&store, turn(1)).await, of("t"));
    assert_eq!(commit(&store, turn(2)).await, of("t"));
    let other = Change { remember: Some(remembered("m", "g", 0)), ..update("t", 1, TaskState::Working, 0) };
    conflict(&store, other).await;
}

pub async fn a_message_whose_client_went_on_is_a_new_one(store: Store) {
    done(&store, sending("answered", "m", "f", 0)).await;
    let next = Change { remember: Some(remembered("n", "f", 1)), ..update("answered", 1, TaskState::Working, 1) };
    done(&store, next).await;
    done(&store, sending("u", "m", "f", 2)).await;
    assert_eq!(commit(&store, sending("v", "m", "f", 2)).await, of("u"));
    assert_eq!(commit(&store, sending("w", "n", "f", 2)).await, of("answered"));
    done(&store, update("u", 1, TaskState::Canceled, 3)).await;
    done(&store, sending("x", "m", "f", 4)).await;
}

pub async fn history_is_the_latest_messages_in_order(store: Store) {
    done(&store, create("t", "o", TaskState::Working, 0)).await;
    for turn in 0..5_u64 {
        let messages = (0..10).map(|n| message(&format!("m-{}", turn * 10 + n), "x")).collect();
        done(&store, Change { first_message_number: turn * 10, messages, ..update("t", turn + 1, TaskState::Working, 0) }).await;
    }
    let ids = |numbers: std::ops::Range<u32>| Some(numbers.map(|n| format!("m-{n}")).collect::<Vec<_>>());
    for (length, expected) in
        [(Some(0), None), (Some(1), ids(49..50)), (Some(13), ids(37..50)), (Some(50), ids(0..50)), (Some(1000), ids(0..50)), (None, ids(0..50))]
    {
        let stored = store.task(&scope("o"), "t", View { history_length: length, artifacts: true }).await.unwrap().unwrap();
        assert_eq!(stored.message_count, 50);
        assert_eq!(stored.task.history.map(|history| history.into_iter().map(|message| message.message_id).collect()), expected, "{length:?}");
    }
}
