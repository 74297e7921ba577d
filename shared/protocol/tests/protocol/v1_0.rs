//! v1.0: golden requests and answers.

use protocol::{
    Answer, Call, Dialect, Method, push,
    types::{ListTaskPushNotificationConfigsResponse, ListTasksResponse, PartContent, Role, StreamResponse, TaskState},
};
use serde_json::{Value, json};

use crate::samples::{
    agent_message, answer, artifact_update, bare_task, call, config, event, message_of, metadata, rest_body, result, status_update, task,
};

fn result_of(method: Method, answer: &Answer) -> Value {
    let in_json_rpc = result(Dialect::V1_0, method, answer);
    assert_eq!(in_json_rpc, rest_body(Dialect::V1_0, method, answer), "section 5.1: both bindings say the same");
    in_json_rpc
}

#[test]
fn a_full_send_message_is_read() {
    let params = json!({
        "tenant": "research",
        "message": {
            "messageId": "m-1", "contextId": "c-1", "taskId": "t-1", "role": "ROLE_USER",
            "parts": [
                {"text": "hello", "mediaType": "text/plain"},
                {"raw": "dGNr", "filename": "output.txt", "mediaType": "text/plain"},
                {"url": "https://example.com/x"},
                {"data": {"some_key": null}, "metadata": {"snake_key": 1}},
            ],
            "metadata": {"skillId": "s"}, "extensions": ["https://example.com/x"], "referenceTaskIds": ["t-0"],
        },
        "configuration": {
            "acceptedOutputModes": ["text/plain"], "historyLength": 3, "returnImmediately": true,
            "taskPushNotificationConfig": {
                "id": "p", "url": "https://example.com/hook", "token": "tk", "authentication": {"scheme": "Bearer", "credentials": "c"},
            },
        },
        "metadata": {"limit": 5},
    });
    let Ok(Call::SendMessage(send)) = call("SendMessage", params) else { panic!("not read") };
    assert!(!send.task_id_may_be_new, "section 3.4.2");
    let request = send.request;
    assert_eq!(request.tenant.as_deref(), Some("research"));
    assert_eq!(request.metadata, metadata("limit", json!(5)));
    let configuration = request.configuration.unwrap();
    assert_eq!(configuration.accepted_output_modes.unwrap(), ["text/plain"]);
    assert_eq!((configuration.history_length, configuration.return_immediately), (Some(3), Some(true)));
    let push = configuration.task_push_notification_config.unwrap();
    assert_eq!((push.id.as_deref(), push.url.as_str(), push.token.as_deref()), (Some("p"), "https://example.com/hook", Some("tk")));
    assert_eq!(push.authentication.unwrap().scheme, "Bearer");
    let message = request.message;
    assert_eq!((message.message_id.as_str(), message.role), ("m-1", Role::User));
    assert_eq!((message.context_id.as_deref(), message.task_id.as_deref()), (Some("c-1"), Some("t-1")));
    assert_eq!(message.extensions.unwrap(), ["https://example.com/x"]);
    assert_eq!(message.reference_task_ids.unwrap(), ["t-0"]);
    let contents: Vec<_> = message.parts.iter().map(|part| part.content.clone()).collect();
    assert_eq!(
        contents,
        [
            PartContent::Text("hello".to_owned()),
            PartContent::Raw(b"tck".to_vec()),
            PartContent::Url("https://example.com/x".to_owned()),
            PartContent::Data(json!({"some_key": null})),
        ]
    );
    assert_eq!(message.parts[1].filename.as_deref(), Some("output.txt"));
    assert_eq!(message.parts[3].metadata, metadata("snake_key", json!(1)));
}

#[test]
fn the_other_operations_are_read() {
    assert!(matches!(call("GetTask", json!({"id": "t", "historyLength": 0})), Ok(Call::GetTask(get)) if get.history_length == Some(0)));
    assert!(matches!(call("CancelTask", json!({"id": "t", "metadata": {"why": 1}})), Ok(Call::CancelTask(cancel)) if cancel.metadata.is_some()));
    assert!(matches!(call("SubscribeToTask", json!({"id": "t"})), Ok(Call::SubscribeToTask(subscribe)) if subscribe.id == "t"));
    assert!(matches!(call("GetExtendedAgentCard", json!({})), Ok(Call::GetExtendedAgentCard(_))));
    let Ok(Call::ListTasks(list)) = call(
        "ListTasks",
        json!({
            "contextId": "c", "status": "TASK_STATE_WORKING", "pageSize": 100, "pageToken": "p", "historyLength": 1,
            "statusTimestampAfter": "2025-10-28T12:30:00+02:00", "includeArtifacts": true,
        }),
    ) else {
        panic!("not read")
    };
    assert_eq!((list.context_id.as_deref(), list.status, list.page_size), (Some("c"), Some(TaskState::Working), Some(100)));
    assert_eq!(list.status_timestamp_after, Some("2025-10-28T10:30:00Z".parse().unwrap()));
    assert_eq!((list.page_token.as_deref(), list.include_artifacts), (Some("p"), Some(true)));
    let Ok(Call::CreateTaskPushNotificationConfig(create)) =
        call("CreateTaskPushNotificationConfig", json!({"taskId": "t", "url": "http://localhost/hook"}))
    else {
        panic!("not read")
    };
    assert_eq!((create.task_id.as_str(), create.id, create.url.as_str()), ("t", None, "http://localhost/hook"));
    let params = json!({"taskId": "t", "id": "p"});
    assert!(matches!(call("GetTaskPushNotificationConfig", params.clone()), Ok(Call::GetTaskPushNotificationConfig(get)) if get.id == "p"));
    assert!(
        matches!(call("DeleteTaskPushNotificationConfig", params.clone()), Ok(Call::DeleteTaskPushNotificationConfig(delete)) if delete.id == "p")
    );
    assert!(matches!(call("ListTaskPushNotificationConfigs", params), Ok(Call::ListTaskPushNotificationConfigs(list)) if list.task_id == "t"));
}

#[test]
fn proto_json_takes_snake_case_numbers_as_text_enums_as_numbers_and_any_base64() {
    let params = json!({
        "message": {
            "message_id": "m", "role": 1, "reference_task_ids": ["t-0"],
            "parts": [{"raw": "-_8", "media_type": "image/png"}, {"raw": "+/8="}, {"raw": "-_8="}, {"raw": "+/8"}],
        },
        "configuration": {"history_length": "3", "return_immediately": true, "accepted_output_modes": []},
    });
    let Ok(Call::SendMessage(send)) = call("SendMessage", params) else { panic!("not read") };
    let configuration = send.request.configuration.unwrap();
    assert_eq!((configuration.history_length, configuration.return_immediately), (Some(3), Some(true)));
    assert_eq!(configuration.accepted_output_modes, None);
    let message = send.request.message;
    assert_eq!((message.message_id.as_str(), message.role), ("m", Role::User));
    assert!(message.parts.iter().all(|part| part.content == PartContent::Raw(vec![0xfb, 0xff])));
    assert_eq!(message.parts[0].media_type.as_deref(), Some("image/png"));
    let Ok(Call::ListTasks(list)) = call("ListTasks", json!({"status": 2, "page_size": 5.0, "status_timestamp_after": "2025-10-28T10:30:00Z"}))
    else {
        panic!("not read")
    };
    assert_eq!((list.status, list.page_size), (Some(TaskState::Working), Some(5)));
    assert!(list.status_timestamp_after.is_some());
}

#[test]
fn null_and_empty_mean_unset() {
    let params = json!({
        "message": {
            "messageId": "m", "contextId": null, "taskId": "", "role": "ROLE_USER", "metadata": null, "extensions": [],
            "parts": [{"text": "x", "raw": null, "url": null, "data": null, "filename": "", "metadata": {}}],
        },
        "configuration": null, "tenant": "",
    });
    let Ok(Call::SendMessage(send)) = call("SendMessage", params) else { panic!("not read") };
    assert_eq!((send.request.configuration, send.request.tenant), (None, None));
    let message = send.request.message;
    assert_eq!((message.context_id, message.task_id, message.metadata, message.extensions), (None, None, None, None));
    assert_eq!(message.parts, [protocol::types::Part::text("x")]);
    assert!(matches!(call("ListTasks", json!({"status": "TASK_STATE_UNSPECIFIED"})), Ok(Call::ListTasks(list)) if list.status.is_none()));
}

#[test]
fn data_may_be_null_and_text_may_be_empty() {
    let message = json!({"messageId": "m", "role": "ROLE_USER", "parts": [{"data": null}, {"text": ""}]});
    let message = message_of(call("SendMessage", json!({"message": message})));
    assert_eq!(message.parts[0].content, PartContent::Data(Value::Null));
    assert_eq!(message.parts[1].content, PartContent::Text(String::new()));
}

#[test]
fn section_5_7_unknown_fields_are_ignored() {
    assert!(call("GetTask", json!({"id": "t", "future": {"x": 1}, "future_field": 2})).is_ok());
    let message = json!({"messageId": "m", "role": "ROLE_USER", "kind": "message", "parts": [{"kind": "text", "text": "x", "new": 1}]});
    assert!(call("SendMessage", json!({"message": message})).is_ok());
}

#[test]
fn sections_5_5_and_5_6_a_task_has_camel_case_names_enum_names_and_utc_milliseconds() {
    let expected = json!({
        "id": "t-1",
        "contextId": "c-1",
        "status": {
            "state": "TASK_STATE_COMPLETED",
            "message": {"messageId": "m-2", "contextId": "c-1", "taskId": "t-1", "role": "ROLE_AGENT", "parts": [{"text": "done"}]},
            "timestamp": "2025-10-28T10:30:00.123Z",
        },
        "artifacts": [{
            "artifactId": "a-1",
            "name": "output",
            "parts": [
                {"text": "text"},
                {"raw": "dGNr", "filename": "output.txt", "mediaType": "text/plain"},
                {"url": "https://example.com/output.txt", "filename": "output.txt", "mediaType": "text/plain"},
                {"data": {"key": "value", "count": 42}},
                {"data": [1, 2], "metadata": {"note": 1}},
            ],
        }],
        "history": [{
            "messageId": "m-1", "contextId": "c-1", "taskId": "t-1", "role": "ROLE_USER", "parts": [{"text": "hello"}],
            "metadata": {"skillId": "document_search"}, "extensions": ["https://example.com/x"], "referenceTaskIds": ["t-0"],
        }],
        "metadata": {"snake_key": {"inner_key": 1}},
    });
    let task = answer(task(TaskState::Completed));
    assert_eq!(result_of(Method::GetTask, &task), expected);
    assert_eq!(result_of(Method::CancelTask, &task), expected);
    assert_eq!(result_of(Method::SendMessage, &task), json!({"task": expected}));
}

#[test]
fn a_whole_second_has_three_zeros() {
    let mut task = bare_task(TaskState::Working);
    task.status.timestamp = Some("2025-10-28T10:30:00Z".parse().unwrap());
    assert_eq!(result_of(Method::GetTask, &answer(task))["status"]["timestamp"], "2025-10-28T10:30:00.000Z");
}

#[test]
fn what_is_unset_is_left_out() {
    let expected = json!({"id": "t-1", "contextId": "c-1", "status": {"state": "TASK_STATE_SUBMITTED"}});
    assert_eq!(result_of(Method::GetTask, &answer(bare_task(TaskState::Submitted))), expected);
    let mut empty = bare_task(TaskState::Submitted);
    (empty.history, empty.metadata) = (Some(Vec::new()), Some(Default::default()));
    assert_eq!(result_of(Method::GetTask, &answer(empty)), expected, "section 3.2.4");
}

#[test]
fn a_direct_message_stands_in_the_response() {
    let message = Answer::Message(Box::new(agent_message("hi")));
    assert_eq!(result_of(Method::SendMessage, &message)["message"]["parts"], json!([{"text": "hi"}]));
}

#[test]
fn section_3_1_4_a_list_always_has_its_four_fields_and_no_artifacts_unless_asked() {
    let list = ListTasksResponse { tasks: vec![bare_task(TaskState::Working)], next_page_token: String::new(), page_size: 50, total_size: 1 };
    let list = result_of(Method::ListTasks, &Answer::Tasks(list));
    assert_eq!((&list["nextPageToken"], &list["pageSize"], &list["totalSize"]), (&json!(""), &json!(50), &json!(1)));
    assert!(list["tasks"][0].get("artifacts").is_none());
    let none = ListTasksResponse { tasks: vec![], next_page_token: String::new(), page_size: 50, total_size: 0 };
    assert_eq!(result_of(Method::ListTasks, &Answer::Tasks(none))["tasks"], json!([]));
    let mut task = bare_task(TaskState::Working);
    task.artifacts = Some(Vec::new());
    let asked = ListTasksResponse { tasks: vec![task], next_page_token: "n".to_owned(), page_size: 1, total_size: 2 };
    assert_eq!(result_of(Method::ListTasks, &Answer::Tasks(asked))["tasks"][0]["artifacts"], json!([]));
}

#[test]
fn push_notification_configs_are_flat() {
    let expected = json!({
        "id": "p-1", "taskId": "t-1", "url": "https://example.com/hook", "token": "token",
        "authentication": {"scheme": "Bearer", "credentials": "secret"},
    });
    assert_eq!(result_of(Method::GetTaskPushNotificationConfig, &Answer::PushNotificationConfig(config())), expected);
    let list = ListTaskPushNotificationConfigsResponse { configs: vec![config()], next_page_token: None };
    assert_eq!(result_of(Method::ListTaskPushNotificationConfigs, &Answer::PushNotificationConfigs(list)), json!({"configs": [expected]}));
    assert_eq!(result_of(Method::DeleteTaskPushNotificationConfig, &Answer::Deleted), json!({}));
}

#[test]
fn section_3_2_3_a_stream_event_is_one_of_four() {
    let v1_0 = |it: &StreamResponse| event(Dialect::V1_0, it, true);
    let bare = bare_task(TaskState::Working);
    assert_eq!(
        v1_0(&StreamResponse::Task(bare.clone())),
        json!({"task": {"id": "t-1", "contextId": "c-1", "status": {"state": "TASK_STATE_WORKING"}}})
    );
    assert_eq!(v1_0(&StreamResponse::Message(agent_message("hi")))["message"]["role"], "ROLE_AGENT");
    let update = json!({"statusUpdate": {
        "taskId": "t-1", "contextId": "c-1", "status": {"state": "TASK_STATE_COMPLETED", "timestamp": "2025-10-28T10:30:00.123Z"},
    }});
    assert_eq!(v1_0(&status_update(TaskState::Completed)), update);
    let artifact = json!({"artifactUpdate": {
        "taskId": "t-1", "contextId": "c-1", "append": true, "lastChunk": false,
        "artifact": {"artifactId": "a-1", "name": "output", "parts": [{"text": "chunk"}]},
    }});
    assert_eq!(v1_0(&artifact_update("a-1")), artifact);
    let body: Value = serde_json::from_str(&push::body(Dialect::V1_0, &artifact_update("a-1"), &bare)).unwrap();
    assert_eq!(body, artifact, "section 4.3.3: a webhook is told the event");
    assert_eq!(
        protocol::rest::event_body(Dialect::V1_0, Ok(&artifact_update("a-1")), false),
        push::body(Dialect::V1_0, &artifact_update("a-1"), &bare),
        "section 11.7"
    );
}
