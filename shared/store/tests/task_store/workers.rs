//! What workers and the sweep ask for.

use engine::ports::{Change, View, Work};
use protocol::types::TaskState;

use crate::{
    Store,
    given::{at, chunk, create, done, events, hold, message, push_config, scope, update},
};

pub async fn expired_leases_are_found_in_order(store: Store) {
    for (id, until) in [("a", 30), ("b", 10), ("c", 20), ("d", 40)] {
        done(&store, Change { lease: hold("r", until), ..create(id, "o", TaskState::Working, 0) }).await;
    }
    done(&store, create("free", "o", TaskState::Working, 0)).await;
    let expired =
        async |now, limit| -> Vec<String> { store.expired_leases(at(now), limit).await.unwrap().into_iter().map(|stored| stored.task.id).collect() };
    assert_eq!(expired(10, 10).await, Vec::<String>::new());
    assert_eq!(expired(31, 10).await, ["b", "c", "a"]);
    assert_eq!(expired(31, 2).await, ["b", "c"]);
    done(&store, Change { lease: engine::ports::LeaseChange::Release, ..update("b", 1, TaskState::Working, 0) }).await;
    assert_eq!(expired(31, 2).await, ["c", "a"]);
}

pub async fn the_next_expiry_is_the_earliest(store: Store) {
    assert_eq!(store.next_lease_expiry().await.unwrap(), None);
    done(&store, Change { lease: hold("r", 30), ..create("a", "o", TaskState::Working, 0) }).await;
    done(&store, Change { lease: hold("r", 20), ..create("b", "o", TaskState::Working, 0) }).await;
    assert_eq!(store.next_lease_expiry().await.unwrap(), Some(at(20)));
    done(&store, Change { lease: hold("r", 50), ..update("b", 1, TaskState::Working, 0) }).await;
    assert_eq!(store.next_lease_expiry().await.unwrap(), Some(at(30)));
}

pub async fn active_tasks_are_those_at_work(store: Store) {
    use TaskState::{AuthRequired, Canceled, Completed, Failed, InputRequired, Rejected, Submitted, Working};
    for (n, state) in [Submitted, Working, Completed, Failed, Canceled, InputRequired, Rejected, AuthRequired].into_iter().enumerate() {
        done(&store, create(&format!("t-{n}"), "o", state, 0)).await;
    }
    assert_eq!(store.active_tasks().await.unwrap(), 2);
    done(&store, update("t-0", 1, Completed, 0)).await;
    assert_eq!(store.active_tasks().await.unwrap(), 1);
    done(&store, update("t-5", 1, Working, 0)).await;
    assert_eq!(store.active_tasks().await.unwrap(), 2);
}

pub async fn the_longest_without_a_runner_is_known(store: Store) {
    use TaskState::{Completed, InputRequired, Submitted, Working};
    let since = async || store.waiting_since().await.unwrap();
    done(&store, create("finished", "o", Completed, 1)).await;
    done(&store, create("asks", "o", InputRequired, 2)).await;
    done(&store, Change { lease: hold("r", 90), ..create("runs", "o", Working, 3) }).await;
    assert_eq!(since().await, None);
    done(&store, create("later", "other", Submitted, 20)).await;
    done(&store, create("first", "o", Submitted, 10)).await;
    assert_eq!(since().await, Some(at(10)));
    done(&store, Change { lease: hold("r", 90), ..update("first", 1, Working, 30) }).await;
    assert_eq!(since().await, Some(at(20)));
    done(&store, update("later", 1, Completed, 40)).await;
    assert_eq!(since().await, None);
}

pub async fn finished_tasks_are_deleted_with_all_they_had(store: Store) {
    let full = |mut change: Change, id: &str| {
        change.messages = vec![message("m", "x")];
        change.chunks = vec![chunk(0, 0, "x")];
        change.events = events(id, 1..=2);
        change.push_configs = vec![push_config(id, "p")];
        change.work = vec![Work::RunTask { task_id: id.into() }, Work::DeliverPush { task_id: id.into(), config_id: "p".into() }];
        change
    };
    for (id, state, seconds) in [("old", TaskState::Completed, 1), ("open", TaskState::InputRequired, 1), ("new", TaskState::Failed, 9)] {
        done(&store, full(create(id, "o", state, seconds), id)).await;
    }
    assert_eq!(store.delete_finished(at(9), 10).await.unwrap(), 1);
    assert_eq!(store.task_of_any_owner("old", View::WHOLE).await.unwrap(), None);
    assert_eq!(store.events("old", 0, 10).await.unwrap(), []);
    assert_eq!(store.push_configs(&scope("o"), "old").await.unwrap(), None);
    assert_eq!(store.push_configs_of_any_owner("old").await.unwrap(), []);
    // The id is free again, and nothing of the old task shows.
    done(&store, create("old", "o", TaskState::Working, 10)).await;
    let stored = store.task_of_any_owner("old", View::WHOLE).await.unwrap().unwrap();
    assert_eq!((stored.task.history, stored.task.artifacts, stored.push_config_ids), (None, None, vec![]));
    for id in ["open", "new"] {
        let stored = store.task_of_any_owner(id, View::WHOLE).await.unwrap().unwrap();
        assert_eq!((stored.task.history.unwrap().len(), stored.task.artifacts.unwrap().len(), stored.push_config_ids.len()), (1, 1, 1));
        assert_eq!(store.events(id, 0, 10).await.unwrap().len(), 2);
    }
}

pub async fn deletion_stops_at_its_limit(store: Store) {
    for n in 0..130 {
        done(&store, create(&format!("t-{n}"), "o", TaskState::Completed, n)).await;
    }
    assert_eq!(store.delete_finished(at(120), 110).await.unwrap(), 110);
    assert_eq!(store.task_of_any_owner("t-109", View::STATUS).await.unwrap(), None);
    assert!(store.task_of_any_owner("t-110", View::STATUS).await.unwrap().is_some());
    assert_eq!(store.delete_finished(at(120), 110).await.unwrap(), 10);
    assert_eq!(store.delete_finished(at(120), 110).await.unwrap(), 0);
}

pub async fn a_ping_is_answered(store: Store) {
    store.ping().await.unwrap();
}
