//! Conversations: a task that asks, and the message that answers (spec section 3.4).

use serde_json::{Value, json};

use crate::harness::{Server, message, state, text_of};

fn follow_up(id: &str, task: &Value, text: &str) -> Value {
    let mut params = message(id, text);
    params["message"]["taskId"] = task["id"].clone();
    params
}

#[tokio::test]
async fn the_next_message_goes_on_with_the_task() {
    let server = Server::conformance();
    let task = server.ok("SendMessage", message("tck-input-required-1", "first")).await["task"].clone();
    assert_eq!(state(&task), "TASK_STATE_INPUT_REQUIRED");
    let done = server.ok("SendMessage", follow_up("tck-artifact-text-1", &task, "second")).await["task"].clone();
    assert_eq!((&done["id"], &done["contextId"], state(&done)), (&task["id"], &task["contextId"], "TASK_STATE_COMPLETED"));
    let said: Vec<_> = done["history"].as_array().unwrap().iter().filter(|m| m["role"] == "ROLE_USER").map(text_of).collect();
    assert_eq!(said, ["first", "second"], "every message of the client stands in the history, in order");
}

#[tokio::test]
async fn a_finished_task_takes_no_more_messages() {
    let server = Server::conformance();
    let task = server.ok("SendMessage", message("tck-artifact-text-2", "x")).await["task"].clone();
    let refused = server.v1("SendMessage", follow_up("tck-3", &task, "more")).await;
    assert_eq!(refused["error"]["code"], -32004, "{refused}");
}

#[tokio::test]
async fn a_new_task_can_join_a_context() {
    let server = Server::conformance();
    let first = server.ok("SendMessage", message("tck-4", "x")).await["task"].clone();
    let mut params = message("tck-5", "y");
    params["message"]["contextId"] = first["contextId"].clone();
    let second = server.ok("SendMessage", params).await["task"].clone();
    assert_eq!(second["contextId"], first["contextId"]);
    assert_ne!(second["id"], first["id"]);
    let listed = server.ok("ListTasks", json!({"contextId": first["contextId"]})).await;
    assert_eq!(listed["totalSize"], 2);
}

#[tokio::test]
async fn history_is_as_long_as_asked_for() {
    let server = Server::conformance();
    let task = server.ok("SendMessage", message("tck-input-required-6", "one")).await["task"].clone();
    server.ok("SendMessage", follow_up("tck-input-required-7", &task, "two")).await;
    server.ok("SendMessage", follow_up("tck-input-required-8", &task, "three")).await;
    let history = async |length: Value| server.ok("GetTask", json!({"id": task["id"], "historyLength": length})).await["history"].clone();
    assert!(history(json!(0)).await.as_array().is_none_or(Vec::is_empty));
    let last = history(json!(1)).await;
    assert_eq!(last.as_array().unwrap().len(), 1, "{last}");
    let whole = server.ok("GetTask", json!({"id": task["id"]})).await["history"].clone();
    assert_eq!(whole.as_array().unwrap().last(), last.as_array().unwrap().last(), "the latest ones are kept");
}

#[tokio::test]
async fn an_answer_need_not_wait_for_the_task() {
    let server = Server::conformance();
    // The first call may have to start a function.
    server.v1("GetTask", json!({"id": "none"})).await;
    let mut params = message("test-resubscribe-message-id-9", "x");
    params["configuration"] = json!({"returnImmediately": true});
    let begun = std::time::Instant::now();
    let task = server.ok("SendMessage", params).await["task"].clone();
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(["TASK_STATE_SUBMITTED", "TASK_STATE_WORKING"].contains(&state(&task)), "{task}");
    server.wait_for(task["id"].as_str().unwrap(), &["TASK_STATE_COMPLETED"]).await;
}

#[tokio::test]
async fn the_first_generation_continues_with_the_same_id() {
    let server = Server::conformance();
    let say = |text: &str| json!({"id": "mine", "message": {"role": "user", "parts": [{"type": "text", "text": text}]}});
    assert_eq!(server.old("tasks/send", say("tck-input-required")).await["result"]["status"]["state"], "input-required");
    let done = server.old("tasks/send", say("tck-artifact-text")).await["result"].clone();
    assert_eq!((&done["id"], &done["status"]["state"]), (&json!("mine"), &json!("completed")), "{done}");
}
