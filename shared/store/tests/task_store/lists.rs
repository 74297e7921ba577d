//! ListTasks.

use chrono::TimeDelta;
use engine::ports::{Change, Expect, Scope, StoreError, TaskFilter, TaskPage};
use protocol::types::TaskState;

use crate::{
    Store,
    given::{at, chunk, create, done, message, new_task, scope, update},
};

fn first(page_size: u32) -> TaskFilter {
    TaskFilter { page_size, ..Default::default() }
}

fn ids(page: &TaskPage) -> Vec<&str> {
    page.tasks.iter().map(|stored| stored.task.id.as_str()).collect()
}

/// Every id of a list, page after page; the total is the same on each.
async fn all(store: &Store, scope: &Scope, mut filter: TaskFilter) -> Vec<String> {
    let (mut found, mut totals) = (Vec::new(), Vec::new());
    loop {
        let page = store.list(scope, &filter).await.unwrap();
        assert!(page.tasks.len() <= filter.page_size as usize);
        found.extend(page.tasks.iter().map(|stored| stored.task.id.clone()));
        totals.push(page.total_size);
        if page.next_page_token.is_empty() {
            assert!(totals.iter().all(|total| *total == found.len() as u64), "{totals:?} for {}", found.len());
            return found;
        }
        filter.page_token = Some(page.next_page_token);
    }
}

async fn of_agent(store: &Store, id: &str, agent: &str, context: &str, state: TaskState, seconds: i64) {
    done(store, Change { expect: Expect::New(new_task("o", agent, context)), ..create(id, "o", state, seconds) }).await;
}

pub async fn an_empty_list_is_one_empty_page(store: Store) {
    assert_eq!(store.list(&scope("o"), &first(10)).await.unwrap(), TaskPage::default());
    let filter = TaskFilter { status_timestamp_after: Some(at(0)), context_id: Some("c".into()), ..first(10) };
    assert_eq!(store.list(&scope("o"), &filter).await.unwrap(), TaskPage::default());
    let filter = TaskFilter { status_timestamp_after: Some(at(0)), ..first(10) };
    assert_eq!(store.list(&scope("o"), &filter).await.unwrap(), TaskPage::default());
}

pub async fn the_latest_status_comes_first(store: Store) {
    done(&store, create("old", "o", TaskState::Working, 1)).await;
    done(&store, create("new", "o", TaskState::Completed, 3)).await;
    done(&store, create("middle", "o", TaskState::Failed, 2)).await;
    assert_eq!(ids(&store.list(&scope("o"), &first(10)).await.unwrap()), ["new", "middle", "old"]);
    done(&store, update("old", 1, TaskState::Working, 4)).await;
    assert_eq!(ids(&store.list(&scope("o"), &first(10)).await.unwrap()), ["old", "new", "middle"]);
}

pub async fn pages_have_every_task_once(store: Store) {
    let states = [TaskState::Working, TaskState::Completed, TaskState::Failed, TaskState::InputRequired];
    for n in 0..60_usize {
        // Some have the very same time.
        let (agent, context) = (["a", "b", "c"][n % 3], ["c-0", "c-1"][n % 2]);
        of_agent(&store, &format!("t-{n:02}"), agent, context, states[n % 4].clone(), (n / 5) as i64).await;
    }
    let whole = all(&store, &scope("o"), first(100)).await;
    assert_eq!(whole.len(), 60);
    let times: Vec<usize> = whole.iter().map(|id| id[2..].parse::<usize>().unwrap() / 5).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
    for size in [1, 7, 20, 60] {
        assert_eq!(all(&store, &scope("o"), first(size)).await, whole, "size {size}");
    }
    let b = Scope { owner: "o".into(), agent: Some("b".into()) };
    let of_b: Vec<String> = whole.iter().filter(|id| id[2..].parse::<usize>().unwrap() % 3 == 1).cloned().collect();
    assert_eq!(all(&store, &b, first(3)).await, of_b);
    for state in &states {
        let filter = TaskFilter { state: Some(state.clone()), ..first(4) };
        assert_eq!(all(&store, &scope("o"), filter).await.len(), 15);
    }
    let filter = TaskFilter { context_id: Some("c-1".into()), ..first(4) };
    let of_context: Vec<String> = whole.iter().filter(|id| id[2..].parse::<usize>().unwrap() % 2 == 1).cloned().collect();
    assert_eq!(all(&store, &scope("o"), filter).await, of_context);
}

pub async fn pages_are_stable_while_tasks_are_made(store: Store) {
    for n in 0..10 {
        done(&store, create(&format!("t-{n}"), "o", TaskState::Working, n)).await;
    }
    let one = store.list(&scope("o"), &first(4)).await.unwrap();
    assert_eq!(ids(&one), ["t-9", "t-8", "t-7", "t-6"]);
    for n in 10..20 {
        done(&store, create(&format!("t-{n}"), "o", TaskState::Completed, n)).await;
    }
    let two = store.list(&scope("o"), &TaskFilter { page_token: Some(one.next_page_token), ..first(4) }).await.unwrap();
    assert_eq!(ids(&two), ["t-5", "t-4", "t-3", "t-2"]);
    assert_eq!(two.total_size, 20);
    // A task that moves to the front is not repeated, and the others stay where they are.
    done(&store, update("t-1", 1, TaskState::Completed, 30)).await;
    let three = store.list(&scope("o"), &TaskFilter { page_token: Some(two.next_page_token), ..first(4) }).await.unwrap();
    assert_eq!((ids(&three), three.next_page_token.as_str()), (vec!["t-0"], ""));
}

pub async fn a_full_last_page_has_no_next(store: Store) {
    for n in 0..6 {
        done(&store, create(&format!("t-{n}"), "o", TaskState::Working, n)).await;
    }
    let page = store.list(&scope("o"), &first(3)).await.unwrap();
    let last = store.list(&scope("o"), &TaskFilter { page_token: Some(page.next_page_token), ..first(3) }).await.unwrap();
    assert_eq!((ids(&last), last.next_page_token.as_str()), (vec!["t-2", "t-1", "t-0"], ""));
}

pub async fn page_tokens_of_other_lists_are_refused(store: Store) {
    for n in 0..3 {
        done(&store, create(&format!("t-{n}"), "o", TaskState::Working, n)).await;
    }
    let token = store.list(&scope("o"), &first(1)).await.unwrap().next_page_token;
    let with = |token: &str| TaskFilter { page_token: Some(token.to_owned()), ..first(1) };
    assert!(store.list(&scope("o"), &with(&token)).await.is_ok());
    // The size of the page may change on the way.
    assert!(store.list(&scope("o"), &TaskFilter { page_size: 7, history_length: Some(3), ..with(&token) }).await.is_ok());
    let altered: String = token.chars().enumerate().map(|(n, c)| if n == 9 { if c == 'A' { 'B' } else { 'A' } } else { c }).collect();
    let mut others = vec![
        (scope("p"), with(&token)),
        (Scope { owner: "o".into(), agent: Some("agent".into()) }, with(&token)),
        (scope("o"), TaskFilter { state: Some(TaskState::Working), ..with(&token) }),
        (scope("o"), TaskFilter { context_id: Some("c".into()), ..with(&token) }),
        (scope("o"), TaskFilter { status_timestamp_after: Some(at(0)), ..with(&token) }),
    ];
    let broken = ["", "x", "not a token", "é", &token[1..], &altered, &format!("{token}A"), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "' OR 1=1 --"];
    others.extend(broken.iter().map(|token| (scope("o"), with(token))));
    for (scope, filter) in others {
        let refused = store.list(&scope, &filter).await;
        assert!(matches!(refused, Err(StoreError::BadPageToken)), "{scope:?} {filter:?} {refused:?}");
    }
}

pub async fn lists_stay_in_scope(store: Store) {
    of_agent(&store, "a", "a", "c", TaskState::Working, 0).await;
    of_agent(&store, "b", "b", "c", TaskState::Working, 1).await;
    done(&store, create("other", "p", TaskState::Working, 2)).await;
    let within = |owner: &str, agent: Option<&str>| Scope { owner: owner.into(), agent: agent.map(Into::into) };
    for context_id in [None, Some("c".to_owned())] {
        for status_timestamp_after in [None, Some(at(0))] {
            let filter = TaskFilter { context_id: context_id.clone(), status_timestamp_after, ..first(10) };
            for (scope, expected) in [
                (within("o", None), vec!["b", "a"]),
                (within("o", Some("a")), vec!["a"]),
                (within("o", Some("x")), vec![]),
                (within("p", None), vec!["other"]),
                (within("x", None), vec![]),
            ] {
                assert_eq!(all(&store, &scope, filter.clone()).await, expected, "{scope:?} {filter:?}");
            }
        }
    }
}

pub async fn filters_hold_all_at_once(store: Store) {
    let states = [TaskState::Working, TaskState::Completed];
    for n in 0..48_usize {
        of_agent(&store, &format!("{n}"), ["a", "b"][n % 2], ["c", "d"][n / 2 % 2], states[n / 4 % 2].clone(), n as i64).await;
    }
    let filter = TaskFilter { context_id: Some("d".into()), state: Some(TaskState::Completed), status_timestamp_after: Some(at(20)), ..first(2) };
    let b = Scope { owner: "o".into(), agent: Some("b".into()) };
    let matching = |n: &usize| n % 2 == 1 && n / 2 % 2 == 1 && n / 4 % 2 == 1 && *n >= 20;
    let expected: Vec<String> = (0..48).rev().filter(matching).map(|n| n.to_string()).collect();
    assert_eq!(all(&store, &b, filter.clone()).await, expected);
    let without_context = TaskFilter { context_id: None, ..filter };
    let matching = |n: &usize| n % 2 == 1 && n / 4 % 2 == 1 && *n >= 20;
    let expected: Vec<String> = (0..48).rev().filter(matching).map(|n| n.to_string()).collect();
    assert_eq!(all(&store, &b, without_context).await, expected);
}

pub async fn the_total_follows_every_change(store: Store) {
    let total = async |state: Option<TaskState>| store.list(&scope("o"), &TaskFilter { state, ..first(1) }).await.unwrap().total_size;
    for n in 0..5 {
        done(&store, create(&format!("t-{n}"), "o", TaskState::Working, n)).await;
    }
    done(&store, update("t-0", 1, TaskState::Completed, 10)).await;
    done(&store, update("t-1", 1, TaskState::Completed, 11)).await;
    done(&store, update("t-2", 1, TaskState::Working, 12)).await;
    assert_eq!((total(None).await, total(Some(TaskState::Working)).await, total(Some(TaskState::Completed)).await), (5, 3, 2));
    assert_eq!(store.delete_finished(at(11), 10).await.unwrap(), 1);
    assert_eq!((total(None).await, total(Some(TaskState::Working)).await, total(Some(TaskState::Completed)).await), (4, 3, 1));
    assert_eq!(total(Some(TaskState::Failed)).await, 0);
}

pub async fn the_time_filter_includes_its_moment(store: Store) {
    for n in 0..3 {
        done(&store, create(&format!("t-{n}"), "o", TaskState::Working, n)).await;
    }
    for context_id in [None, Some("c".to_owned())] {
        for (time, expected) in [(at(1), vec!["t-2", "t-1"]), (at(1) + TimeDelta::nanoseconds(1), vec!["t-2"]), (at(9), vec![])] {
            let filter = TaskFilter { context_id: context_id.clone(), status_timestamp_after: Some(time), ..first(1) };
            assert_eq!(all(&store, &scope("o"), filter).await, expected, "{time}");
        }
    }
}

pub async fn listed_tasks_have_what_is_asked_for(store: Store) {
    let full = |id: &str, seconds| Change {
        messages: (0..3).map(|n| message(&format!("{id}-m-{n}"), "x")).collect(),
        chunks: vec![chunk(0, 0, id), chunk(0, 1, id)],
        ..create(id, "o", TaskState::Working, seconds)
    };
    done(&store, full("t", 0)).await;
    done(&store, full("u", 1)).await;
    let page = store.list(&scope("o"), &TaskFilter { history_length: Some(0), ..first(10) }).await.unwrap();
    assert!(page.tasks.iter().all(|stored| stored.task.history.is_none() && stored.task.artifacts.is_none()));
    let page = store.list(&scope("o"), &TaskFilter { history_length: Some(2), include_artifacts: true, ..first(10) }).await.unwrap();
    let history = page.tasks[0].task.history.as_ref().unwrap();
    assert_eq!(history.iter().map(|message| message.message_id.as_str()).collect::<Vec<_>>(), ["u-m-1", "u-m-2"]);
    assert_eq!(crate::given::texts(&page.tasks[1].task.artifacts.as_ref().unwrap()[0].parts), ["t", "t"]);
    let page = store.list(&scope("o"), &first(10)).await.unwrap();
    assert_eq!(page.tasks[1].task.history.as_ref().unwrap().len(), 3);
}
