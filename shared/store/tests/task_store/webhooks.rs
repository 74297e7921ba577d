//! Webhooks of tasks.

use std::sync::Arc;

use engine::ports::{Change, Committed, PushConfig, Scope};
use futures::future::join_all;
use protocol::types::TaskState;

use crate::{
    Store,
    given::{conflict, create, done, push_config, scope, update, whole},
};

pub async fn webhooks_are_kept_in_order_of_id(store: Store) {
    done(&store, create("t", "o", TaskState::Working, 0)).await;
    assert_eq!(store.push_configs(&scope("o"), "t").await.unwrap(), Some(vec![]));
    for id in ["b", "c", "a"] {
        assert!(store.put_push_config(&scope("o"), push_config("t", id)).await.unwrap());
    }
    let expected: Vec<PushConfig> = ["a", "b", "c"].iter().map(|id| push_config("t", id)).collect();
    assert_eq!(store.push_configs(&scope("o"), "t").await.unwrap(), Some(expected.clone()));
    assert_eq!(store.push_configs_of_any_owner("t").await.unwrap(), expected);
    assert_eq!(whole(&store, "t").await.push_config_ids, ["a", "b", "c"]);
    assert!(store.delete_push_config(&scope("o"), "t", "b").await.unwrap());
    assert!(store.delete_push_config(&scope("o"), "t", "b").await.unwrap());
    assert_eq!(whole(&store, "t").await.push_config_ids, ["a", "c"]);
}

pub async fn webhooks_come_with_a_task(store: Store) {
    done(&store, Change { push_configs: vec![push_config("t", "a")], ..create("t", "o", TaskState::Working, 0) }).await;
    done(&store, Change { push_configs: vec![push_config("t", "b")], ..update("t", 1, TaskState::Working, 0) }).await;
    assert_eq!(whole(&store, "t").await.push_config_ids, ["a", "b"]);
}

pub async fn a_webhook_is_replaced(store: Store) {
    done(&store, create("t", "o", TaskState::Working, 0)).await;
    let mut config = push_config("t", "a");
    store.put_push_config(&scope("o"), config.clone()).await.unwrap();
    config.config.url = "https://example.com/elsewhere".into();
    config.cursor = 7;
    store.put_push_config(&scope("o"), config.clone()).await.unwrap();
    assert_eq!(store.push_configs(&scope("o"), "t").await.unwrap(), Some(vec![config]));
}

pub async fn webhooks_stay_in_scope(store: Store) {
    done(&store, Change { push_configs: vec![push_config("t", "a")], ..create("t", "o", TaskState::Working, 0) }).await;
    for foreign in [scope("p"), Scope { owner: "o".into(), agent: Some("other".into()) }] {
        assert_eq!(store.push_configs(&foreign, "t").await.unwrap(), None);
        assert!(!store.put_push_config(&foreign, push_config("t", "b")).await.unwrap());
        assert!(!store.delete_push_config(&foreign, "t", "a").await.unwrap());
    }
    assert!(!store.put_push_config(&scope("o"), push_config("nothing", "b")).await.unwrap());
    assert_eq!(whole(&store, "t").await.push_config_ids, ["a"]);
}

pub async fn a_change_of_webhooks_is_a_change_of_the_task(store: Store) {
    done(&store, create("t", "o", TaskState::Working, 0)).await;
    store.put_push_config(&scope("o"), push_config("t", "a")).await.unwrap();
    conflict(&store, update("t", 1, TaskState::Working, 0)).await;
    done(&store, update("t", 2, TaskState::Working, 0)).await;
    store.delete_push_config(&scope("o"), "t", "a").await.unwrap();
    assert_eq!(whole(&store, "t").await.version, 4);
    store.delete_push_config(&scope("o"), "t", "a").await.unwrap();
    assert_eq!(whole(&store, "t").await.version, 4);
    let committed = store.commit(Arc::new(update("t", 4, TaskState::Working, 0))).await.unwrap();
    assert_eq!(committed, Committed::Done);
}

pub async fn a_cursor_moves_only_from_where_it_stands(store: Store) {
    done(&store, Change { push_configs: vec![push_config("t", "a")], ..create("t", "o", TaskState::Working, 0) }).await;
    let moves = (1..=8).map(|to| {
        let store = store.clone();
        tokio::spawn(async move { (to, store.advance_push_cursor("t", "a", 0, to).await.unwrap()) })
    });
    let moved: Vec<u64> = join_all(moves).await.into_iter().map(Result::unwrap).filter(|(_, moved)| *moved).map(|(to, _)| to).collect();
    assert_eq!(moved.len(), 1);
    assert_eq!(store.push_configs_of_any_owner("t").await.unwrap()[0].cursor, moved[0]);
    assert!(store.advance_push_cursor("t", "a", moved[0], 20).await.unwrap());
    assert!(!store.advance_push_cursor("t", "nothing", 0, 1).await.unwrap());
    assert!(!store.advance_push_cursor("nothing", "a", 20, 21).await.unwrap());
    // Delivering is no change of the task.
    assert_eq!(whole(&store, "t").await.version, 1);
}
