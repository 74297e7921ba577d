//! The official clients of others against this server, over both bindings: Rust, Python in three generations, JavaScript in two.

use a2a::{
    CancelTaskRequest, GetTaskRequest, ListTasksRequest, Message, Part, Role, SendMessageRequest, SendMessageResponse, StreamResponse,
    SubscribeToTaskRequest, TaskState,
};
use a2a_client::{A2AClient, A2AClientFactory, Transport, agent_card::AgentCardResolver};
use futures::StreamExt;

use crate::harness::{Server, tool};

type Client = A2AClient<Box<dyn Transport>>;

async fn client(server: &Server, binding: &str) -> Client {
    let card = AgentCardResolver::new(Some(server.http.clone())).resolve(&server.base).await.unwrap();
    A2AClientFactory::builder().preferred_bindings(vec![binding.to_owned()]).build().create_from_card(&card).await.unwrap()
}

fn request(id: &str) -> SendMessageRequest {
    let mut message = Message::new(Role::User, vec![Part::text("hello")]);
    message.message_id = id.to_owned();
    SendMessageRequest { message, configuration: None, metadata: None, tenant: None }
}

async fn sent(client: &Client, id: &str) -> a2a::Task {
    match client.send_message(&request(id)).await.unwrap() {
        SendMessageResponse::Task(task) => task,
        SendMessageResponse::Message(message) => panic!("a message: {message:?}"),
    }
}

async fn round_trip(binding: &str) {
    let server = Server::conformance();
    let client = client(&server, binding).await;

    let task = sent(&client, "tck-artifact-text-1").await;
    assert_eq!(
        (task.status.state.clone(), task.artifacts.as_ref().unwrap()[0].parts[0].as_text()),
        (TaskState::Completed, Some("Generated text content"))
    );
    let read = client.get_task(&GetTaskRequest { id: task.id.clone(), history_length: None, tenant: None }).await.unwrap();
    assert_eq!(read, task);

    let SendMessageResponse::Message(message) = client.send_message(&request("tck-message-response-1")).await.unwrap() else { panic!("a task") };
    assert_eq!(message.text(), Some("Direct message response"));

    let events: Vec<_> = client.send_streaming_message(&request("tck-stream-artifact-chunked-1")).await.unwrap().map(Result::unwrap).collect().await;
    assert!(matches!(events[0], StreamResponse::Task(_)), "{events:?}");
    assert!(matches!(events.last(), Some(StreamResponse::StatusUpdate(update)) if update.status.state == TaskState::Completed), "{events:?}");

    let mut running = client.send_streaming_message(&request("test-resubscribe-message-id-1")).await.unwrap();
    let Some(Ok(StreamResponse::Task(begun))) = running.next().await else { panic!("no task") };
    let again: Vec<_> =
        client.subscribe_to_task(&SubscribeToTaskRequest { id: begun.id.clone(), tenant: None }).await.unwrap().map(Result::unwrap).collect().await;
    assert!(matches!(again.last(), Some(StreamResponse::StatusUpdate(update)) if update.status.state == TaskState::Completed), "{again:?}");

    let waiting = sent(&client, "tck-input-required-1").await;
    let canceled = client.cancel_task(&CancelTaskRequest { id: waiting.id, metadata: None, tenant: None }).await.unwrap();
    assert_eq!(canceled.status.state, TaskState::Canceled);
    let refused = client.cancel_task(&CancelTaskRequest { id: canceled.id, metadata: None, tenant: None }).await.unwrap_err();
    assert_eq!(refused.code, -32002, "{refused:?}");

    let everything: ListTasksRequest = serde_json::from_str("{}").unwrap();
    let listed = client.list_tasks(&everything).await.unwrap();
    assert_eq!(listed.total_size, 4, "{listed:?}");
}

#[tokio::test]
async fn the_rust_client_over_json_rpc() {
    round_trip(a2a::TRANSPORT_PROTOCOL_JSONRPC).await;
}

#[tokio::test]
async fn the_rust_client_over_http_json() {
    round_trip(a2a::TRANSPORT_PROTOCOL_HTTP_JSON).await;
}

fn python(variable: &str, script: &str, arguments: &[&str]) {
    let Some(python) = tool(variable) else { return };
    let server = Server::conformance();
    let script = format!("{}/python/{script}", env!("CARGO_MANIFEST_DIR"));
    let said = python.run(&[&[script.as_str(), server.base.as_str()], arguments].concat());
    assert!(said.trim_end().ends_with("ok"), "{said}");
}

#[test]
fn the_python_sdk_1_x_over_json_rpc() {
    python("A2A_TEST_PYTHON_1", "client_1.py", &["JSONRPC"]);
}

#[test]
fn the_python_sdk_1_x_over_http_json() {
    python("A2A_TEST_PYTHON_1", "client_1.py", &["HTTP+JSON"]);
}

#[test]
fn the_python_sdk_1_x_as_a_client_of_0_3_over_json_rpc() {
    python("A2A_TEST_PYTHON_1", "client_1_legacy.py", &["JSONRPC"]);
}

#[test]
fn the_python_sdk_1_x_as_a_client_of_0_3_over_http_json() {
    python("A2A_TEST_PYTHON_1", "client_1_legacy.py", &["HTTP+JSON"]);
}

#[test]
fn the_python_sdk_0_3_over_json_rpc() {
    python("A2A_TEST_PYTHON_0_3", "client_0_3.py", &["JSONRPC"]);
}

#[test]
fn the_python_sdk_0_3_over_http_json() {
    python("A2A_TEST_PYTHON_0_3", "client_0_3.py", &["HTTP+JSON"]);
}

#[test]
fn the_python_sdk_0_2_over_json_rpc() {
    python("A2A_TEST_PYTHON_0_2", "client_0_2.py", &[]);
}

fn javascript(modules: &str, script: &str, binding: &str) {
    let (Some(node), Some(modules)) = (tool("A2A_TEST_NODE"), tool(modules)) else { return };
    let server = Server::conformance();
    let script = format!("{}/javascript/{script}", env!("CARGO_MANIFEST_DIR"));
    let said = node.run(&[&script, &server.base, modules.path(), binding]);
    assert!(said.trim_end().ends_with("ok"), "{said}");
}

#[test]
fn the_javascript_sdk_1_x_over_json_rpc() {
    javascript("A2A_TEST_JAVASCRIPT_1", "client_1.mjs", "JSONRPC");
}

#[test]
fn the_javascript_sdk_1_x_over_http_json() {
    javascript("A2A_TEST_JAVASCRIPT_1", "client_1.mjs", "HTTP+JSON");
}

#[test]
fn the_javascript_sdk_0_3_over_json_rpc() {
    javascript("A2A_TEST_JAVASCRIPT_0_3", "client_0_3.mjs", "JSONRPC");
}

#[test]
fn the_javascript_sdk_0_3_over_http_json() {
    javascript("A2A_TEST_JAVASCRIPT_0_3", "client_0_3.mjs", "HTTP+JSON");
}
