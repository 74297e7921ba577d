//! Canceling a task in each of its states (spec section 3.1.5).

use serde_json::json;

use crate::harness::{Server, message, state};

#[tokio::test]
async fn a_running_task_stops_and_its_stream_says_so() {
    let server = Server::conformance();
    let mut events = server.v1_stream("SendStreamingMessage", message("test-resubscribe-message-id-1", "x")).await;
    let id = events.next().await.unwrap().data["result"]["task"]["id"].clone();
    let begun = std::time::Instant::now();
    let canceled = server.ok("CancelTask", json!({"id": id})).await;
    assert_eq!(state(&canceled), "TASK_STATE_CANCELED");
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "before the task would have ended: {:?}", begun.elapsed());
    let rest = events.results().await;
    assert_eq!(rest.last().unwrap()["statusUpdate"]["status"]["state"], "TASK_STATE_CANCELED", "{rest:?}");
    assert_eq!(state(&server.ok("GetTask", json!({"id": id})).await), "TASK_STATE_CANCELED");
}

#[tokio::test]
async fn a_queued_task_stops() {
    let server = Server::conformance();
    let mut params = message("test-resubscribe-message-id-2", "x");
    params["configuration"] = json!({"returnImmediately": true});
    let id = server.ok("SendMessage", params).await["task"]["id"].clone();
    assert_eq!(state(&server.ok("CancelTask", json!({"id": id})).await), "TASK_STATE_CANCELED");
    assert_eq!(state(&server.ok("GetTask", json!({"id": id})).await), "TASK_STATE_CANCELED");
}

#[tokio::test]
async fn a_task_that_waits_for_the_client_stops() {
    let server = Server::conformance();
    let id = server.ok("SendMessage", message("tck-input-required-1", "x")).await["task"]["id"].clone();
    assert_eq!(state(&server.ok("CancelTask", json!({"id": id})).await), "TASK_STATE_CANCELED");
}

#[tokio::test]
async fn canceling_a_finished_task_is_refused() {
    let server = Server::conformance();
    for prefix in ["tck-artifact-text-1", "tck-reject-task-1"] {
        let id = server.ok("SendMessage", message(prefix, "x")).await["task"]["id"].clone();
        assert_eq!(server.v1("CancelTask", json!({"id": id})).await["error"]["code"], -32002);
    }
}

#[tokio::test]
async fn older_generations_cancel_by_either_name_of_the_id() {
    let server = Server::conformance();
    for (number, name) in ["id", "taskId"].into_iter().enumerate() {
        let params = json!({"id": format!("t{number}"), "message": {"role": "user", "parts": [{"type": "text", "text": "tck-input-required"}]}});
        let id = server.old("tasks/send", params).await["result"]["id"].clone();
        let canceled = server.old("tasks/cancel", json!({name: id})).await;
        assert_eq!(canceled["result"]["status"]["state"], "canceled", "{canceled}");
    }
    let missing = server.old("tasks/cancel", json!({"id": "none"})).await;
    assert_eq!(missing["error"]["code"], -32001);
}
