//! Single tasks and their events.

use engine::ports::{Change, Expect, Scope, View};
use protocol::types::TaskState;

use crate::{
    Store,
    given::{create, done, events, new_task, scope, update},
};

pub async fn tasks_of_other_owners_and_agents_are_not_seen(store: Store) {
    let change = Change { expect: Expect::New(new_task("o", "a", "c")), ..create("t", "o", TaskState::Working, 0) };
    done(&store, change).await;
    let within = |owner: &str, agent: Option<&str>| Scope { owner: owner.into(), agent: agent.map(Into::into) };
    for (scope, seen) in [
        (within("o", None), true),
        (within("o", Some("a")), true),
        (within("o", Some("b")), false),
        (within("p", None), false),
        (within("p", Some("a")), false),
        (within("", None), false),
        (within("O", None), false),
    ] {
        assert_eq!(store.task(&scope, "t", View::STATUS).await.unwrap().is_some(), seen, "{scope:?}");
        assert_eq!(store.task(&scope, "t", View::WHOLE).await.unwrap().is_some(), seen, "{scope:?}");
    }
    assert_eq!(store.task(&scope("o"), "T", View::STATUS).await.unwrap(), None);
}

pub async fn events_follow_a_sequence_in_order(store: Store) {
    done(&store, Change { events: events("t", 1..=3), ..create("t", "o", TaskState::Working, 0) }).await;
    done(&store, update("t", 1, TaskState::Working, 0)).await;
    done(&store, Change { events: events("t", 4..=4), ..update("t", 2, TaskState::Working, 0) }).await;
    done(&store, Change { events: events("t", 5..=12), ..update("t", 3, TaskState::Working, 0) }).await;
    done(&store, Change { events: events("other", 1..=2), ..create("other", "o", TaskState::Working, 0) }).await;
    for (after, limit, expected) in [(0, 100, 1..=12), (0, 12, 1..=12), (0, 5, 1..=5), (3, 100, 4..=12), (4, 3, 5..=7), (11, 9, 12..=12)] {
        assert_eq!(store.events("t", after, limit).await.unwrap(), events("t", expected).to_vec(), "after {after} limit {limit}");
    }
    assert_eq!(store.events("t", 12, 100).await.unwrap(), []);
    assert_eq!(store.events("nothing", 0, 100).await.unwrap(), []);
}

pub async fn events_of_one_commit_can_be_read_in_part(store: Store) {
    done(&store, Change { events: events("t", 1..=10), ..create("t", "o", TaskState::Working, 0) }).await;
    for after in 0..10 {
        assert_eq!(store.events("t", after, 1).await.unwrap(), events("t", after + 1..=after + 1).to_vec());
    }
}
