//! Events of the queues and of the schedule.

use std::time::Duration;

use edge::{SqsEvent, Swept};
use engine::ports::QueueName;

use crate::*;

#[tokio::test]
async fn a_queued_task_runs_and_only_messages_that_failed_come_again() {
    // As in Lambda, where nothing runs on after a response, what isn't waited for goes through the queue.
    let server = Server::with(&[("AWS_LAMBDA_FUNCTION_NAME", "front-door")]).await;
    let mut params = message("m-1", "hello");
    params["configuration"] = json!({"returnImmediately": true});
    let sent = server.call("SendMessage", params).await;
    let task = &sent["result"]["task"];
    assert_eq!(task["status"]["state"], "TASK_STATE_SUBMITTED", "{sent}");

    let queue = &server.app.ports.queue;
    let taken = queue.receive(QueueName::RunTask, 10, Duration::from_secs(30), Duration::ZERO).await.unwrap();
    assert_eq!(taken.len(), 1);
    let body = serde_json::to_string(&taken[0].work).unwrap();
    let records = json!([
        {"messageId": "m-1", "receiptHandle": taken[0].receipt, "body": body, "attributes": {"ApproximateReceiveCount": "1"}},
        {"messageId": "m-2", "receiptHandle": "r", "body": "nonsense"},
    ]);
    let event: SqsEvent = serde_json::from_value(json!({"Records": records})).unwrap();
    let response = edge::work(server.app.clone(), event).await;
    let failed: Vec<&str> = response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    assert_eq!(failed, ["m-2"]);

    let got = server.call("GetTask", json!({"id": task["id"]})).await;
    assert_eq!(got["result"]["status"]["state"], "TASK_STATE_COMPLETED", "{got}");
    assert_eq!(queue.depth(QueueName::RunTask).await.unwrap(), 0);
}

#[tokio::test]
async fn a_sweep_of_a_tidy_store_does_nothing() {
    let server = Server::new().await;
    assert_eq!(edge::sweep(server.app.clone(), json!({})).await, Swept::default());
}
