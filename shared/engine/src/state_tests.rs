//! The state machine as tables.

use protocol::types::Part;

use super::*;

const STATES: [TaskState; 8] = [
    TaskState::Submitted,
    TaskState::Working,
    TaskState::InputRequired,
    TaskState::AuthRequired,
    TaskState::Completed,
    TaskState::Failed,
    TaskState::Canceled,
    TaskState::Rejected,
];

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_123).unwrap()
}

fn task() -> Task {
    submitted("t".into(), "c".into(), Message::new(Role::User, vec![Part::text("hi")]), now())
}

fn in_state(state: TaskState) -> Task {
    let mut task = task();
    task.status.state = state;
    task
}

fn says(text: &str) -> Option<Message> {
    Some(Message::new(Role::Unspecified, vec![Part::text(text)]))
}

fn artifact(id: &str, text: &str) -> Artifact {
    Artifact { artifact_id: id.into(), name: None, description: None, parts: vec![Part::text(text)], metadata: None, extensions: None }
}

#[test]
fn states_follow_each_other_as_in_the_table() {
    // Rows: from; columns: to; both in the order of STATES.
    let table = ["11111111", "01111111", "01111111", "01111111", "00000000", "00000000", "00000000", "00000000"];
    for (from, row) in STATES.iter().zip(table) {
        for (to, allowed) in STATES.iter().zip(row.chars()) {
            let mut task = in_state(from.clone());
            let outcome = apply(&mut task, &mut vec![], Update::Status { state: to.clone(), message: None }, now());
            assert_eq!(outcome.is_ok(), allowed == '1', "{from:?} to {to:?}");
            assert_eq!(&task.status.state, if allowed == '1' { to } else { from });
        }
        assert!(!may_follow(from, &TaskState::Unspecified));
    }
}

#[test]
fn turns_end_in_terminal_and_interrupted_states() {
    let ending: Vec<bool> = STATES.iter().map(ends_turn).collect();
    assert_eq!(ending, [false, false, true, true, true, true, true, true]);
}

#[test]
fn a_superseded_status_message_moves_into_the_history() {
    let mut task = task();
    apply(&mut task, &mut vec![], Update::Status { state: TaskState::Working, message: says("one") }, now()).unwrap();
    let effect = apply(&mut task, &mut vec![], Update::Status { state: TaskState::Completed, message: says("two") }, now()).unwrap();
    let texts: Vec<_> = task.history.as_deref().unwrap().iter().map(|m| m.text().unwrap()).collect();
    assert_eq!(texts, ["hi", "one"]);
    assert_eq!(effect.superseded.unwrap().text(), Some("one"));
    assert_eq!(task.status.message.unwrap().text(), Some("two"));
}

#[test]
fn what_the_agent_says_carries_its_role_and_the_ids() {
    let mut task = task();
    let mut message = Message::new(Role::User, vec![Part::text("x")]);
    message.message_id = String::new();
    apply(&mut task, &mut vec![], Update::Status { state: TaskState::Working, message: Some(message) }, now()).unwrap();
    let message = task.status.message.unwrap();
    assert_eq!((message.role, message.task_id.as_deref(), message.context_id.as_deref()), (Role::Agent, Some("t"), Some("c")));
    assert!(!message.message_id.is_empty());
    assert_eq!(task.status.timestamp, Some(now()));
}

#[test]
fn a_new_turn_keeps_the_question_and_the_answer_in_order() {
    let mut task = task();
    apply(&mut task, &mut vec![], Update::Status { state: TaskState::InputRequired, message: says("which?") }, now()).unwrap();
    let (messages, event) = begin_turn(&mut task, Message::new(Role::User, vec![Part::text("that")]), now());
    assert_eq!(messages.iter().map(|m| m.text().unwrap()).collect::<Vec<_>>(), ["which?", "that"]);
    assert_eq!(task.history.unwrap().len(), 3);
    assert!(matches!(event, StreamResponse::StatusUpdate(update) if update.status.state == TaskState::Submitted));
}

#[test]
fn chunks_are_numbered_and_merged() {
    let (mut task, mut chunks) = (task(), vec![]);
    let mut add = |id: &str, text: &str, append| {
        let effect = apply(&mut task, &mut chunks, Update::Artifact { artifact: artifact(id, text), append, last_chunk: false }, now()).unwrap();
        let chunk = effect.chunk.unwrap();
        let StreamResponse::ArtifactUpdate(event) = effect.event else { panic!("not an artifact") };
        (chunk.artifact_number, chunk.chunk_number, event.append.unwrap())
    };
    assert_eq!(add("a", "1", true), (0, 0, false), "there is nothing to add to yet");
    assert_eq!(add("a", "2", true), (0, 1, true));
    assert_eq!(add("b", "3", false), (1, 0, false));
    assert_eq!(add("a", "4", true), (0, 2, true));
    assert_eq!(add("b", "5", false), (1, 0, false), "replaced");
    assert_eq!(chunks, [("a".to_owned(), 3), ("b".to_owned(), 1)]);
    let texts: Vec<Vec<_>> = task.artifacts.unwrap().iter().map(|a| a.parts.iter().map(|p| p.as_text().unwrap().to_owned()).collect()).collect();
    assert_eq!(texts, [vec!["1", "2", "4"], vec!["5"]]);
}

#[test]
fn a_chunk_overrides_what_it_sets_and_leaves_the_rest() {
    let (mut task, mut chunks) = (task(), vec![]);
    let named = Artifact { name: Some("n".into()), description: Some("d".into()), ..artifact("a", "1") };
    apply(&mut task, &mut chunks, Update::Artifact { artifact: named, append: false, last_chunk: false }, now()).unwrap();
    let renamed = Artifact { name: Some("m".into()), ..artifact("a", "2") };
    apply(&mut task, &mut chunks, Update::Artifact { artifact: renamed, append: true, last_chunk: true }, now()).unwrap();
    let artifact = &task.artifacts.unwrap()[0];
    assert_eq!((artifact.name.as_deref(), artifact.description.as_deref()), (Some("m"), Some("d")));
}

#[test]
fn what_has_no_place_in_the_protocol_is_refused_and_changes_nothing() {
    let cases = [
        (Update::Artifact { artifact: artifact("", "x"), append: false, last_chunk: true }, InvalidUpdate::ArtifactWithoutId),
        (
            Update::Artifact { artifact: Artifact { parts: vec![], ..artifact("a", "") }, append: false, last_chunk: true },
            InvalidUpdate::ArtifactWithoutParts("a".into()),
        ),
        (Update::Message(Message::new(Role::Agent, vec![])), InvalidUpdate::LateMessage),
    ];
    for (update, reason) in cases {
        let (mut task, mut chunks) = (task(), vec![]);
        let before = task.clone();
        assert_eq!(apply(&mut task, &mut chunks, update, now()), Err(reason));
        assert_eq!((task, chunks), (before, vec![]));
    }
}

#[test]
fn the_task_of_a_moment_holds_what_was_told_until_then() {
    let (mut task, mut chunks, mut events) = (task(), vec![], vec![]);
    for update in [
        Update::Status { state: TaskState::Working, message: says("one") },
        Update::Artifact { artifact: artifact("a", "1"), append: false, last_chunk: false },
        Update::Artifact { artifact: artifact("a", "2"), append: true, last_chunk: true },
        Update::Status { state: TaskState::Completed, message: None },
    ] {
        events.push(apply(&mut task, &mut chunks, update, now()).unwrap().event);
    }
    let then = as_of(&task, &events[..2]);
    assert_eq!(then.status.state, TaskState::Working);
    assert_eq!(then.artifacts.unwrap()[0].parts.len(), 1);
    assert_eq!(as_of(&task, &events).artifacts, task.artifacts);
    assert_eq!(as_of(&task, []).status.state, TaskState::Submitted);
}
