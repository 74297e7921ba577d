//! ListTasks: order, pages, filters (spec section 3.1.4).

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::harness::{Server, message};

#[tokio::test]
async fn pages_hold_every_task_once_latest_first() {
    let server = Server::conformance();
    for number in 0..7 {
        server.ok("SendMessage", message(&format!("tck-artifact-text-{number}"), "x")).await;
    }
    let (mut seen, mut times, mut token) = (HashSet::new(), Vec::new(), Value::String(String::new()));
    loop {
        let page = server.ok("ListTasks", json!({"pageSize": 3, "pageToken": token})).await;
        assert_eq!((&page["totalSize"], &page["pageSize"]), (&json!(7), &json!(3)), "{page}");
        for task in page["tasks"].as_array().unwrap() {
            assert!(seen.insert(task["id"].as_str().unwrap().to_owned()), "{task} twice");
            assert!(task.get("artifacts").is_none(), "artifacts only where asked for: {task}");
            times.push(task["status"]["timestamp"].as_str().unwrap().to_owned());
        }
        token = page["nextPageToken"].clone();
        if token == "" {
            break;
        }
    }
    assert_eq!(seen.len(), 7);
    assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
}

#[tokio::test]
async fn filters_select() {
    let server = Server::conformance();
    let first = server.ok("SendMessage", message("tck-artifact-text-1", "x")).await["task"].clone();
    server.ok("SendMessage", message("tck-input-required-1", "x")).await;
    let total = async |params: Value| server.ok("ListTasks", params).await["totalSize"].clone();
    assert_eq!(total(json!({})).await, 2);
    assert_eq!(total(json!({"status": "TASK_STATE_COMPLETED"})).await, 1);
    assert_eq!(total(json!({"contextId": first["contextId"]})).await, 1);
    assert_eq!(total(json!({"contextId": first["contextId"], "status": "TASK_STATE_INPUT_REQUIRED"})).await, 0);
    assert_eq!(total(json!({"statusTimestampAfter": "2100-01-01T00:00:00Z"})).await, 0);
    assert_eq!(total(json!({"statusTimestampAfter": "2000-01-01T00:00:00Z"})).await, 2);
    let with = server.ok("ListTasks", json!({"includeArtifacts": true, "status": "TASK_STATE_COMPLETED"})).await;
    assert_eq!(with["tasks"][0]["artifacts"], first["artifacts"]);
}

#[tokio::test]
async fn a_list_without_tasks_is_an_empty_list() {
    let server = Server::conformance();
    let page = server.ok("ListTasks", json!({})).await;
    assert_eq!(page, json!({"tasks": [], "nextPageToken": "", "pageSize": 50, "totalSize": 0}));
}
