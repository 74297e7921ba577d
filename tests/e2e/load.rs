//! Many clients at once.

use serde_json::json;

use crate::harness::{Backend, Server, message};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_many_at_once_each_have_every_event_in_order() {
    let mut server = Server::conformance();
    let streams = (0..Backend::chosen().many()).map(|number| {
        let server = &server;
        async move {
            let params = message(&format!("tck-stream-artifact-chunked-{number}"), "x");
            server.v1_stream("SendStreamingMessage", params).await.results().await
        }
    });
    for events in futures::future::join_all(streams).await {
        let id = events[0]["task"]["id"].as_str().unwrap();
        let told: Vec<_> = events[1..]
            .iter()
            .map(|event| {
                let update = event.get("statusUpdate").or(event.get("artifactUpdate")).unwrap();
                assert_eq!(update["taskId"], id, "no event of another task");
                update.pointer("/status/state").or(update.pointer("/artifact/parts/0/text")).unwrap().as_str().unwrap()
            })
            .collect();
        assert_eq!(told, ["TASK_STATE_WORKING", "chunk-1 ", "chunk-2", "TASK_STATE_COMPLETED"]);
    }
    assert_eq!(server.ok("ListTasks", json!({"pageSize": 1})).await["totalSize"], Backend::chosen().many());
    assert!(server.lives());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_long_tasks_run_side_by_side() {
    let server = Server::conformance();
    let begun = std::time::Instant::now();
    let streams = (0..Backend::chosen().many()).map(|number| {
        let server = &server;
        async move { server.v1_stream("SendStreamingMessage", message(&format!("test-resubscribe-message-id-{number}"), "x")).await.results().await }
    });
    for events in futures::future::join_all(streams).await {
        assert_eq!(events.last().unwrap()["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED");
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "took {:?} for tasks of 4 s each", begun.elapsed());
}
