//! One change, whole or not at all.

use std::{collections::HashMap, sync::Arc};

use engine::ports::{Committed, Expect, LeaseChange, View, Work};
use futures::future::join_all;
use protocol::{
    Dialect,
    types::{Part, TaskState},
};
use serde_json::json;

use crate::{
    Store,
    given::{at, chunk, conflict, create, done, event, events, hold, message, new_task, push_config, remembered, scope, status, update, whole},
};

pub async fn a_new_task_is_read_as_it_was_committed(store: Store) {
    let mut change = create("t", "o", TaskState::Completed, 5);
    change.status.message = Some(message("s", "done"));
    change.messages = vec![message("m1", "hello"), message("m2", "there")];
    change.chunks = vec![chunk(0, 0, "a"), chunk(1, 0, "b")];
    change.events = events("t", 1..=3);
    change.attempts = 1;
    change.request_metadata = Some(HashMap::from([("skillId".into(), json!("s"))]));
    change.push_configs = vec![push_config("t", "p")];
    done(&store, change.clone()).await;

    let stored = store.task(&scope("o"), "t", View::WHOLE).await.unwrap().unwrap();
    assert_eq!((stored.task.id.as_str(), stored.task.context_id.as_str()), ("t", "c"));
    assert_eq!(stored.task.status, change.status);
    assert_eq!(stored.task.history.as_deref(), Some(&change.messages[..]));
    assert_eq!(stored.task.artifacts, Some(change.chunks.iter().map(|chunk| chunk.artifact.clone()).collect()));
    assert_eq!((stored.version, stored.last_sequence, stored.message_count, stored.attempts), (1, 3, 2, 1));
    assert_eq!((stored.owner.as_str(), stored.agent.as_str(), stored.caller_role.as_str()), ("o", "agent", "authenticated"));
    assert_eq!(stored.dialect, Dialect::V0_3);
    assert_eq!(stored.artifact_chunks, [("artifact-0".to_owned(), 1), ("artifact-1".to_owned(), 1)]);
    assert_eq!(stored.push_config_ids, ["p"]);
    assert_eq!((stored.lease.clone(), stored.cancel_requested), (None, false));
    assert_eq!(Some(stored.request_metadata), change.request_metadata);
    assert_eq!(store.events("t", 0, 10).await.unwrap(), change.events.to_vec());
}

pub async fn a_second_task_of_the_same_id_conflicts(store: Store) {
    done(&store, create("t", "o", TaskState::Working, 1)).await;
    conflict(&store, create("t", "o", TaskState::Failed, 2)).await;
    conflict(&store, create("t", "someone else", TaskState::Failed, 2)).await;
    assert_eq!(whole(&store, "t").await.task.status, status(TaskState::Working, 1));
    assert_eq!(whole(&store, "t").await.owner, "o");
}

pub async fn a_change_needs_the_version_it_was_made_for(store: Store) {
    done(&store, create("t", "o", TaskState::Submitted, 1)).await;
    conflict(&store, update("t", 0, TaskState::Working, 2)).await;
    conflict(&store, update("t", 2, TaskState::Working, 2)).await;
    done(&store, update("t", 1, TaskState::Working, 2)).await;
    conflict(&store, update("t", 1, TaskState::Completed, 3)).await;
    done(&store, update("t", 2, TaskState::Completed, 3)).await;
    let stored = whole(&store, "t").await;
    assert_eq!((stored.version, stored.task.status), (3, status(TaskState::Completed, 3)));
}

pub async fn a_change_of_no_task_conflicts(store: Store) {
    conflict(&store, update("t", 1, TaskState::Working, 1)).await;
    assert_eq!(store.task_of_any_owner("t", View::WHOLE).await.unwrap(), None);
}

pub async fn of_many_writers_with_the_same_version_exactly_one_wins(store: Store) {
    done(&store, create("t", "o", TaskState::Working, 0)).await;
    for version in 1..=20 {
        let writers = (0..8_u64).map(|writer| {
            let mut change = update("t", version, TaskState::Working, version as i64);
            change.events = Arc::new([event("t", version)]);
            change.first_message_number = version - 1;
            change.messages = vec![message(&format!("{version}-{writer}"), "x")];
            let store = store.clone();
            tokio::spawn(async move { store.commit(Arc::new(change)).await.unwrap() == Committed::Done })
        });
        let won = join_all(writers).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
        assert_eq!(won, 1, "version {version}");
    }
    let stored = whole(&store, "t").await;
    assert_eq!((stored.version, stored.message_count, stored.last_sequence), (21, 20, 20));
    assert_eq!(stored.task.history.unwrap().len(), 20);
    assert_eq!(store.events("t", 0, 100).await.unwrap().len(), 20);
}

pub async fn a_lease_is_taken_by_one_runner_only(store: Store) {
    done(&store, create("t", "o", TaskState::Submitted, 0)).await;
    let runners = (0..8).map(|runner| {
        let change = engine::ports::Change { lease: hold(&runner.to_string(), 30), attempts: 1, ..update("t", 1, TaskState::Submitted, 0) };
        let store = store.clone();
        tokio::spawn(async move { (runner, store.commit(Arc::new(change)).await.unwrap()) })
    });
    let outcomes = join_all(runners).await.into_iter().map(Result::unwrap);
    let holders: Vec<String> = outcomes.filter(|(_, committed)| *committed == Committed::Done).map(|(runner, _)| runner.to_string()).collect();
    assert_eq!(holders.len(), 1);
    assert_eq!(whole(&store, "t").await.lease, Some((holders[0].clone(), at(30))));
}

pub async fn a_lease_is_kept_extended_and_released(store: Store) {
    let steps = [
        (hold("r", 30), Some(("r".to_owned(), at(30)))),
        (LeaseChange::Keep, Some(("r".to_owned(), at(30)))),
        (hold("r", 60), Some(("r".to_owned(), at(60)))),
        (hold("q", 70), Some(("q".to_owned(), at(70)))),
        (LeaseChange::Release, None),
        (LeaseChange::Keep, None),
        (LeaseChange::Release, None),
    ];
    done(&store, create("t", "o", TaskState::Working, 0)).await;
    for (version, (lease, then)) in (1..).zip(steps) {
        done(&store, engine::ports::Change { lease, ..update("t", version, TaskState::Working, 0) }).await;
        assert_eq!(whole(&store, "t").await.lease, then);
    }
    done(&store, engine::ports::Change { lease: hold("r", 9), ..create("u", "o", TaskState::Working, 0) }).await;
    assert_eq!(whole(&store, "u").await.lease, Some(("r".to_owned(), at(9))));
}

pub async fn a_conflict_leaves_nothing_behind(store: Store) {
    done(&store, create("t", "o", TaskState::Working, 0)).await;
    let before = whole(&store, "t").await;
    let full = |mut change: engine::ports::Change| {
        change.messages = vec![message("m", "x")];
        change.chunks = vec![chunk(0, 0, "x")];
        change.events = events("t", 1..=2);
        change.push_configs = vec![push_config("t", "p")];
        change.remember = Some(remembered("m", "f", 0));
        change.work = vec![Work::RunTask { task_id: "t".into() }];
        change.lease = hold("r", 9);
        change
    };
    conflict(&store, full(create("t", "o", TaskState::Completed, 1))).await;
    conflict(&store, full(update("t", 7, TaskState::Completed, 1))).await;
    assert_eq!(whole(&store, "t").await, before);
    assert_eq!(store.events("t", 0, 10).await.unwrap(), []);
    assert_eq!(store.remembered("o", &remembered("m", "f", 0)).await.unwrap(), None);
    assert_eq!(store.next_lease_expiry().await.unwrap(), None);
    let page = store.list(&scope("o"), &engine::ports::TaskFilter { page_size: 10, ..Default::default() }).await.unwrap();
    assert_eq!((page.total_size, page.tasks.len()), (1, 1));
}

pub async fn of_many_commits_at_once_only_the_conflicting_fail(store: Store) {
    done(&store, create("t-0", "o", TaskState::Working, 0)).await;
    done(&store, create("t-100", "o", TaskState::Working, 0)).await;
    let commits = (0..200).map(|n| {
        let store = store.clone();
        let mut change = create(&format!("t-{n}"), "o", TaskState::Completed, n);
        change.messages = vec![message("m", "x")];
        tokio::spawn(async move { store.commit(Arc::new(change)).await.unwrap() })
    });
    let outcomes: Vec<Committed> = join_all(commits).await.into_iter().map(Result::unwrap).collect();
    let conflicting: Vec<usize> = (0..200).filter(|n| outcomes[*n] == Committed::Conflict).collect();
    assert_eq!(conflicting, [0, 100]);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Committed::Done).count(), 198);
    for n in [1, 99, 101, 199] {
        assert_eq!(whole(&store, &format!("t-{n}")).await.message_count, 1);
    }
}

pub async fn a_change_that_does_not_follow_the_task_fails_alone(store: Store) {
    let wrong = (0..4).map(|kind| {
        let mut change = create("wrong", "o", TaskState::Working, 0);
        match kind {
            0 => change.events = events("wrong", 2..=2),
            1 => (change.first_message_number, change.messages) = (1, vec![message("m", "x")]),
            2 => change.chunks = vec![chunk(1, 0, "x")],
            _ => change.chunks = vec![chunk(0, 1, "x")],
        }
        change
    });
    let right = (0..20).map(|n| create(&format!("right-{n}"), "o", TaskState::Working, 0));
    let commits = wrong.chain(right).map(|change| {
        let store = store.clone();
        tokio::spawn(async move { store.commit(Arc::new(change)).await })
    });
    let outcomes: Vec<_> = join_all(commits).await.into_iter().map(Result::unwrap).collect();
    assert!(outcomes[..4].iter().all(Result::is_err));
    assert!(outcomes[4..].iter().all(|outcome| matches!(outcome, Ok(Committed::Done))));
    assert_eq!(store.task_of_any_owner("wrong", View::STATUS).await.unwrap(), None);
}

pub async fn request_metadata_stay_until_a_new_turn_brings_others(store: Store) {
    let metadata = |n: i32| HashMap::from([("n".to_owned(), json!(n))]);
    done(&store, engine::ports::Change { request_metadata: Some(metadata(1)), ..create("t", "o", TaskState::Working, 0) }).await;
    done(&store, engine::ports::Change { attempts: 2, cancel_requested: true, ..update("t", 1, TaskState::Working, 0) }).await;
    let stored = whole(&store, "t").await;
    assert_eq!((stored.request_metadata, stored.attempts, stored.cancel_requested), (metadata(1), 2, true));
    done(&store, engine::ports::Change { request_metadata: Some(metadata(2)), ..update("t", 2, TaskState::Working, 0) }).await;
    let stored = whole(&store, "t").await;
    assert_eq!((stored.request_metadata, stored.attempts, stored.cancel_requested), (metadata(2), 0, false));
}

pub async fn any_text_is_kept_whatever_its_size(store: Store) {
    let odd = "a\0b \u{1F600} \"quoted\" \\ 'single' \u{202e}rtl %s ?1 $$ \r\n \u{FFFD}";
    let large = "0123456789abcdef".repeat(1 << 16);
    let mut change = create(odd, odd, TaskState::Completed, 0);
    change.expect = Expect::New(new_task(odd, odd, odd));
    change.messages = vec![message(odd, odd), message("large", &large)];
    change.chunks = vec![chunk(0, 0, &large), chunk(0, 1, odd)];
    change.status.message = Some(message("s", &large));
    change.messages[0].parts.push(Part::raw(vec![0, 255, 128]));
    change.messages[0].parts.push(Part::data(json!({ odd: [odd, null, 1.5, i64::MAX] })));
    done(&store, change.clone()).await;
    let stored = store.task(&scope(odd), odd, View::WHOLE).await.unwrap().unwrap();
    assert_eq!((stored.task.status, stored.task.history), (change.status, Some(change.messages)));
    let artifact = &stored.task.artifacts.unwrap()[0];
    assert_eq!(crate::given::texts(&artifact.parts), [&large, odd]);
}
