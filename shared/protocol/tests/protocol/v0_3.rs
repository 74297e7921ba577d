//! v0.3 over JSON-RPC: golden requests and answers.

use protocol::{
    Answer, Call, Dialect, Method, push,
    types::{ListTaskPushNotificationConfigsResponse, PartContent, Role, StreamResponse, TaskState},
};
use serde_json::{Value, json};

use crate::samples::{agent_message, answer, artifact_update, bare_task, config, event, message_of, metadata, result, rpc, status_update, task};

fn call(method: &str, params: Value) -> Call {
    let request = rpc(method, params, Some("0.3"));
    assert_eq!(request.dialect, Dialect::V0_3);
    request.call.unwrap()
}

#[test]
fn a_full_message_send_is_read() {
    let params = json!({
        "message": {
            "kind": "message", "messageId": "m-1", "contextId": "c-1", "taskId": "t-1", "role": "user", "referenceTaskIds": ["t-0"],
            "parts": [
                {"kind": "text", "text": "hello"},
                {"kind": "file", "file": {"bytes": "dGNr", "mimeType": "text/plain", "name": "output.txt"}},
                {"kind": "file", "file": {"uri": "https://example.com/x", "bytes": null}},
                {"kind": "data", "data": {"some_key": 1}},
                {"kind": "data", "data": {"value": [1]}, "metadata": {"data_part_compat": true, "note": 2}},
            ],
        },
        "configuration": {
            "acceptedOutputModes": ["text/plain"], "historyLength": 0, "blocking": false,
            "pushNotificationConfig": {"url": "https://example.com/hook", "authentication": {"schemes": ["Basic", "Bearer"], "credentials": "c"}},
        },
        "metadata": {"limit": 5},
    });
    let Call::SendMessage(send) = call("message/send", params) else { panic!("another call") };
    assert!(!send.task_id_may_be_new);
    let configuration = send.request.configuration.unwrap();
    assert_eq!((configuration.return_immediately, configuration.history_length), (Some(true), Some(0)));
    let push = configuration.task_push_notification_config.unwrap();
    assert_eq!((push.id.as_deref(), push.authentication.unwrap().scheme.as_str()), (Some("default"), "Basic"));
    let message = send.request.message;
    assert_eq!((message.role, message.message_id.as_str()), (Role::User, "m-1"));
    let contents: Vec<_> = message.parts.iter().map(|part| part.content.clone()).collect();
    assert_eq!(
        contents,
        [
            PartContent::Text("hello".to_owned()),
            PartContent::Raw(b"tck".to_vec()),
            PartContent::Url("https://example.com/x".to_owned()),
            PartContent::Data(json!({"some_key": 1})),
            PartContent::Data(json!([1])),
        ]
    );
    assert_eq!(message.parts[1].media_type.as_deref(), Some("text/plain"));
    assert_eq!(message.parts[1].filename.as_deref(), Some("output.txt"));
    assert_eq!(message.parts[4].metadata, metadata("note", json!(2)));
}

#[test]
fn a_send_waits_unless_told_not_to() {
    let send = |configuration: Value| {
        let message = json!({"messageId": "m", "role": "user", "parts": [{"kind": "text", "text": "x"}]});
        let Call::SendMessage(send) = call("message/send", json!({"message": message, "configuration": configuration})) else { panic!() };
        send.request.configuration.and_then(|configuration| configuration.return_immediately)
    };
    assert_eq!(send(json!(null)), None);
    assert_eq!(send(json!({})), None);
    assert_eq!(send(json!({"blocking": true})), Some(false));
    assert_eq!(send(json!({"blocking": false})), Some(true));
}

#[test]
fn a_data_object_called_data_is_not_unwrapped_under_a_kind() {
    let part = json!({"kind": "data", "data": {"data": {"x": 1}}});
    let message = json!({"messageId": "m", "role": "user", "parts": [part]});
    let message = message_of(Ok(call("message/send", json!({"message": message}))));
    assert_eq!(message.parts[0].content, PartContent::Data(json!({"data": {"x": 1}})));
}

#[test]
fn the_other_methods_are_read() {
    assert!(
        matches!(call("tasks/get", json!({"id": "t", "historyLength": 2})), Call::GetTask(get) if get.id == "t" && get.history_length == Some(2))
    );
    assert!(matches!(call("tasks/get", json!({"taskId": "t"})), Call::GetTask(get) if get.id == "t"));
    assert!(matches!(call("tasks/cancel", json!({"id": "t", "metadata": {"a": 1}})), Call::CancelTask(cancel) if cancel.metadata.is_some()));
    assert!(matches!(call("tasks/resubscribe", json!({"id": "t"})), Call::SubscribeToTask(subscribe) if subscribe.id == "t"));
    assert!(matches!(call("agent/getAuthenticatedExtendedCard", json!(null)), Call::GetExtendedAgentCard(_)));
    let set = json!({"taskId": "t", "pushNotificationConfig": {"id": "p", "url": "https://example.com", "token": "x"}});
    assert!(
        matches!(call("tasks/pushNotificationConfig/set", set), Call::CreateTaskPushNotificationConfig(set) if set.task_id == "t" && set.id.as_deref() == Some("p"))
    );
    let set = json!({"taskId": "t", "pushNotificationConfig": {"url": "https://example.com"}});
    assert!(
        matches!(call("tasks/pushNotificationConfig/set", set), Call::CreateTaskPushNotificationConfig(set) if set.id.as_deref() == Some("default"))
    );
    let named = json!({"id": "t", "pushNotificationConfigId": "p"});
    assert!(matches!(call("tasks/pushNotificationConfig/get", named.clone()), Call::GetTaskPushNotificationConfig(get) if get.id == "p"));
    assert!(matches!(call("tasks/pushNotificationConfig/get", json!({"id": "t"})), Call::GetTaskPushNotificationConfig(get) if get.id.is_empty()));
    assert!(matches!(call("tasks/pushNotificationConfig/delete", named), Call::DeleteTaskPushNotificationConfig(delete) if delete.id == "p"));
    assert!(
        matches!(call("tasks/pushNotificationConfig/list", json!({"id": "t"})), Call::ListTaskPushNotificationConfigs(list) if list.task_id == "t")
    );
}

fn golden_task() -> Value {
    json!({
        "kind": "task",
        "id": "t-1",
        "contextId": "c-1",
        "status": {
            "state": "canceled",
            "message": {"kind": "message", "messageId": "m-2", "contextId": "c-1", "taskId": "t-1", "role": "agent", "parts": [{"kind": "text", "text": "done"}]},
            "timestamp": "2025-10-28T10:30:00.123Z",
        },
        "artifacts": [{
            "artifactId": "a-1",
            "name": "output",
            "parts": [
                {"kind": "text", "text": "text"},
                {"kind": "file", "file": {"bytes": "dGNr", "mimeType": "text/plain", "name": "output.txt"}},
                {"kind": "file", "file": {"uri": "https://example.com/output.txt", "mimeType": "text/plain", "name": "output.txt"}},
                {"kind": "data", "data": {"key": "value", "count": 42}},
                {"kind": "data", "data": {"value": [1, 2]}, "metadata": {"data_part_compat": true, "note": 1}},
            ],
        }],
        "history": [{
            "kind": "message", "messageId": "m-1", "contextId": "c-1", "taskId": "t-1", "role": "user", "parts": [{"kind": "text", "text": "hello"}],
            "metadata": {"skillId": "document_search"}, "extensions": ["https://example.com/x"], "referenceTaskIds": ["t-0"],
        }],
        "metadata": {"snake_key": {"inner_key": 1}},
    })
}

#[test]
fn a_task_is_the_result_itself() {
    let task = task(TaskState::Canceled);
    for method in [Method::SendMessage, Method::GetTask, Method::CancelTask] {
        assert_eq!(result(Dialect::V0_3, method, &answer(task.clone())), golden_task());
    }
    let body: Value = serde_json::from_str(&push::body(Dialect::V0_3, &status_update(TaskState::Canceled), &task)).unwrap();
    assert_eq!(body, golden_task(), "a webhook is told the bare task");
}

#[test]
fn every_state_has_its_name() {
    for (state, name) in [
        (TaskState::Submitted, "submitted"),
        (TaskState::Working, "working"),
        (TaskState::InputRequired, "input-required"),
        (TaskState::Completed, "completed"),
        (TaskState::Canceled, "canceled"),
        (TaskState::Failed, "failed"),
        (TaskState::Rejected, "rejected"),
        (TaskState::AuthRequired, "auth-required"),
        (TaskState::Unspecified, "unknown"),
    ] {
        let expected = json!({"kind": "task", "id": "t-1", "contextId": "c-1", "status": {"state": name}});
        assert_eq!(result(Dialect::V0_3, Method::GetTask, &answer(bare_task(state))), expected);
    }
}

#[test]
fn a_message_is_the_result_itself() {
    let result = result(Dialect::V0_3, Method::SendMessage, &Answer::Message(Box::new(agent_message("hi"))));
    assert_eq!((&result["kind"], &result["parts"][0]["text"]), (&json!("message"), &json!("hi")));
}

#[test]
fn events_have_a_kind_and_the_last_status_is_final() {
    let v0_3 = |it: &StreamResponse, last| event(Dialect::V0_3, it, last);
    assert_eq!(v0_3(&StreamResponse::Task(bare_task(TaskState::Working)), false)["kind"], "task");
    assert_eq!(v0_3(&StreamResponse::Message(agent_message("hi")), true)["kind"], "message");
    for last in [false, true] {
        let expected = json!({
            "kind": "status-update", "taskId": "t-1", "contextId": "c-1", "final": last,
            "status": {"state": "input-required", "timestamp": "2025-10-28T10:30:00.123Z"},
        });
        assert_eq!(v0_3(&status_update(TaskState::InputRequired), last), expected);
    }
    let expected = json!({
        "kind": "artifact-update", "taskId": "t-1", "contextId": "c-1", "append": true, "lastChunk": false,
        "artifact": {"artifactId": "a-1", "name": "output", "parts": [{"kind": "text", "text": "chunk"}]},
    });
    assert_eq!(v0_3(&artifact_update("a-1"), false), expected);
}

#[test]
fn push_notification_configs_are_nested() {
    let expected = json!({"taskId": "t-1", "pushNotificationConfig": {
        "id": "p-1", "url": "https://example.com/hook", "token": "token", "authentication": {"schemes": ["Bearer"], "credentials": "secret"},
    }});
    assert_eq!(result(Dialect::V0_3, Method::GetTaskPushNotificationConfig, &Answer::PushNotificationConfig(config())), expected);
    let list = Answer::PushNotificationConfigs(ListTaskPushNotificationConfigsResponse { configs: vec![config()], next_page_token: None });
    assert_eq!(result(Dialect::V0_3, Method::ListTaskPushNotificationConfigs, &list), json!([expected]));
    assert_eq!(result(Dialect::V0_3, Method::DeleteTaskPushNotificationConfig, &Answer::Deleted), Value::Null);
}
