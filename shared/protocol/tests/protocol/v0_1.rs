//! v0.1: golden requests and answers, and what its old clients stumble over.

use protocol::{
    Answer, Call, Dialect, Method,
    json_rpc::EventWriter,
    push,
    types::{PartContent, Role, StreamResponse, TaskState},
};
use serde_json::{Value, json};

use crate::samples::{agent_message, answer, artifact, artifact_update, bare_task, config, event, id, metadata, result, rpc, status_update, task};

fn call(method: &str, params: Value) -> Call {
    let request = rpc(method, params, None);
    assert_eq!(request.dialect, Dialect::V0_1);
    request.call.unwrap()
}

#[test]
fn the_smallest_send_has_a_message_only() {
    let params = json!({"message": {"role": "user", "parts": [{"type": "text", "text": "hello"}]}});
    let Call::SendMessage(send) = call("tasks/send", params) else { panic!("another call") };
    assert!(send.task_id_may_be_new);
    let request = send.request;
    assert_eq!((request.configuration, request.metadata, request.tenant), (None, None, None));
    let message = request.message;
    assert_eq!((message.message_id.as_str(), message.task_id, message.context_id), ("", None, None));
    assert_eq!((message.role, &message.parts[0].content), (Role::User, &PartContent::Text("hello".to_owned())));
}

#[test]
fn a_full_send_chooses_its_ids_and_says_null_for_what_it_does_not() {
    let params = json!({
        "id": "my-task", "sessionId": "my-session", "acceptedOutputModes": ["text"], "historyLength": 3, "metadata": {"skillId": "s"},
        "pushNotification": {"url": "https://example.com/hook", "token": null, "authentication": {"schemes": ["bearer"], "credentials": null}},
        "message": {"role": "user", "metadata": null, "parts": [
            {"type": "text", "text": "x", "metadata": null},
            {"type": "file", "file": {"name": "a.txt", "mimeType": "text/plain", "bytes": "dGNr", "uri": null}, "metadata": null},
            {"type": "data", "data": {"some_key": 1}, "metadata": null},
        ]},
    });
    let Call::SendStreamingMessage(send) = call("tasks/sendSubscribe", params) else { panic!("another call") };
    let (request, message) = (send.request.clone(), send.request.message);
    assert_eq!((message.task_id.as_deref(), message.context_id.as_deref()), (Some("my-task"), Some("my-session")));
    assert_eq!(request.metadata, metadata("skillId", json!("s")));
    let configuration = request.configuration.unwrap();
    assert_eq!((configuration.history_length, configuration.return_immediately), (Some(3), None));
    assert_eq!(configuration.task_push_notification_config.unwrap().authentication.unwrap().scheme, "bearer");
    assert_eq!(message.parts[1].content, PartContent::Raw(b"tck".to_vec()));
    assert_eq!(message.parts[2].content, PartContent::Data(json!({"some_key": 1})));
    let nulls = json!({"id": null, "sessionId": null, "acceptedOutputModes": null, "historyLength": null, "metadata": null, "pushNotification": null,
        "message": {"role": "user", "metadata": null, "parts": [{"type": "text", "text": "x", "metadata": null}]}});
    assert!(matches!(call("tasks/send", nulls), Call::SendMessage(send) if send.request.configuration.is_none()));
}

#[test]
fn webhooks_are_set_and_got_by_task() {
    let set = json!({"id": "t", "pushNotificationConfig": {"url": "https://example.com/hook"}});
    assert!(
        matches!(call("tasks/pushNotification/set", set), Call::CreateTaskPushNotificationConfig(set) if set.task_id == "t" && set.id.as_deref() == Some("default"))
    );
    assert!(
        matches!(call("tasks/pushNotification/get", json!({"id": "t"})), Call::GetTaskPushNotificationConfig(get) if get.task_id == "t" && get.id.is_empty())
    );
    let expected = json!({"id": "t-1", "pushNotificationConfig": {
        "url": "https://example.com/hook", "token": "token", "authentication": {"schemes": ["Bearer"], "credentials": "secret"},
    }});
    assert_eq!(result(Dialect::V0_1, Method::GetTaskPushNotificationConfig, &Answer::PushNotificationConfig(config())), expected);
}

#[test]
fn a_task_is_flat_and_its_artifacts_are_numbered() {
    let mut task = task(TaskState::Completed);
    task.artifacts.as_mut().unwrap().push(artifact("a-2", vec![]));
    let expected = json!({
        "id": "t-1",
        "sessionId": "c-1",
        "status": {"state": "completed", "message": {"role": "agent", "parts": [{"type": "text", "text": "done"}]}, "timestamp": "2025-10-28T10:30:00.123Z"},
        "artifacts": [
            {
                "name": "output", "index": 0, "metadata": {},
                "parts": [
                    {"type": "text", "text": "text"},
                    {"type": "file", "file": {"bytes": "dGNr", "mimeType": "text/plain", "name": "output.txt"}},
                    {"type": "file", "file": {"uri": "https://example.com/output.txt", "mimeType": "text/plain", "name": "output.txt"}},
                    {"type": "data", "data": {"key": "value", "count": 42}},
                    {"type": "data", "data": {"value": [1, 2]}, "metadata": {"data_part_compat": true, "note": 1}},
                ],
            },
            {"name": "output", "index": 1, "metadata": {}, "parts": []},
        ],
        "history": [{"role": "user", "parts": [{"type": "text", "text": "hello"}], "metadata": {"skillId": "document_search"}}],
        "metadata": {"snake_key": {"inner_key": 1}},
    });
    for method in [Method::SendMessage, Method::GetTask, Method::CancelTask] {
        assert_eq!(result(Dialect::V0_1, method, &answer(task.clone())), expected);
    }
    let body: Value = serde_json::from_str(&push::body(Dialect::V0_1, &status_update(TaskState::Completed), &task)).unwrap();
    assert_eq!(body, expected);
}

#[test]
fn lists_and_metadata_are_never_null_and_states_are_the_six_known_ones() {
    for (state, name) in [
        (TaskState::Submitted, "submitted"),
        (TaskState::Working, "working"),
        (TaskState::InputRequired, "input-required"),
        (TaskState::AuthRequired, "input-required"),
        (TaskState::Completed, "completed"),
        (TaskState::Canceled, "canceled"),
        (TaskState::Failed, "failed"),
        (TaskState::Rejected, "failed"),
    ] {
        let expected = json!({"id": "t-1", "sessionId": "c-1", "status": {"state": name}, "artifacts": [], "history": [], "metadata": {}});
        assert_eq!(result(Dialect::V0_1, Method::GetTask, &answer(bare_task(state))), expected);
    }
}

#[test]
fn a_direct_message_is_a_completed_task() {
    let answer = Answer::Message(Box::new(agent_message("hi")));
    let expected = json!({
        "id": "t-1", "sessionId": "c-1", "artifacts": [], "history": [], "metadata": {},
        "status": {"state": "completed", "message": {"role": "agent", "parts": [{"type": "text", "text": "hi"}]}},
    });
    assert_eq!(result(Dialect::V0_1, Method::SendMessage, &answer), expected);
    let told = event(Dialect::V0_1, &StreamResponse::Message(agent_message("hi")), true);
    assert_eq!((&told["status"]["state"], &told["final"]), (&json!("completed"), &json!(true)));
}

#[test]
fn events_carry_a_status_or_an_artifact_and_the_last_is_final() {
    let v0_1 = |it: &StreamResponse, last| event(Dialect::V0_1, it, last);
    let working = json!({"id": "t-1", "status": {"state": "working"}, "final": false, "metadata": {}});
    assert_eq!(v0_1(&StreamResponse::Task(bare_task(TaskState::Working)), false), working);
    let failed = json!({"id": "t-1", "status": {"state": "failed", "timestamp": "2025-10-28T10:30:00.123Z"}, "final": true, "metadata": {}});
    assert_eq!(v0_1(&status_update(TaskState::Rejected), true), failed);
    let chunk = json!({"id": "t-1", "metadata": {}, "artifact": {
        "name": "output", "parts": [{"type": "text", "text": "chunk"}], "index": 0, "append": true, "lastChunk": false, "metadata": {},
    }});
    assert_eq!(v0_1(&artifact_update("a-1"), false), chunk);
}

#[test]
fn artifacts_of_a_stream_keep_their_numbers() {
    let mut writer = EventWriter::new(id(), Dialect::V0_1);
    let mut index = |event: &StreamResponse| {
        let body: Value = serde_json::from_str(&writer.body(Ok(event), false)).unwrap();
        body["result"]["artifact"]["index"].as_u64()
    };
    let mut before = bare_task(TaskState::Working);
    before.artifacts = Some(vec![artifact("a-1", vec![])]);
    assert_eq!(index(&StreamResponse::Task(before)), None);
    let indexes = ["a-2", "a-1", "a-3", "a-2"].map(|id| index(&artifact_update(id)));
    assert_eq!(indexes, [Some(1), Some(0), Some(2), Some(1)]);
}

#[test]
fn shared_method_names_are_read_as_v0_3_by_either_name_of_the_task() {
    let request = rpc("tasks/cancel", json!({"taskId": "t"}), None);
    assert_eq!(request.dialect, Dialect::V0_3);
    assert!(matches!(request.call, Ok(Call::CancelTask(cancel)) if cancel.id == "t"));
}
