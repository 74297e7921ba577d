//! HTTP+JSON: routes, bodies and queries of v1.0 (spec section 11) and of v0.3.

use protocol::{
    A2aError, Answer, Call, Dialect, Method,
    rest::{self, FileBytes, Reader, RestRequest},
    types::{ListTaskPushNotificationConfigsResponse, ListTasksResponse, Part, PartContent, StreamResponse, TaskState},
};
use serde_json::{Value, json};

use crate::samples::{
    agent_message, answer, artifact_update, bare_task, config, fields, message_of, metadata, rest_body, rest_call, status_update, task,
};

fn post(path: &str, body: Value) -> Result<Call, A2aError> {
    rest_call("POST", path, body.to_string().as_bytes(), None).call
}

fn get(target: &str) -> Result<Call, A2aError> {
    rest_call("GET", target, b"", None).call
}

#[test]
fn section_11_3_every_route_leads_to_its_operation() {
    for (method, path, operation) in [
        ("POST", "/message:send", Method::SendMessage),
        ("POST", "/message:stream", Method::SendStreamingMessage),
        ("GET", "/tasks/t", Method::GetTask),
        ("GET", "/tasks", Method::ListTasks),
        ("POST", "/tasks/t:cancel", Method::CancelTask),
        ("GET", "/tasks/t:subscribe", Method::SubscribeToTask),
        ("POST", "/tasks/t:subscribe", Method::SubscribeToTask),
        ("POST", "/tasks/t/pushNotificationConfigs", Method::CreateTaskPushNotificationConfig),
        ("GET", "/tasks/t/pushNotificationConfigs", Method::ListTaskPushNotificationConfigs),
        ("GET", "/tasks/t/pushNotificationConfigs/p", Method::GetTaskPushNotificationConfig),
        ("DELETE", "/tasks/t/pushNotificationConfigs/p", Method::DeleteTaskPushNotificationConfig),
        ("GET", "/extendedAgentCard", Method::GetExtendedAgentCard),
    ] {
        let call = rest_call(method, path, b"", None);
        assert_eq!((call.method, call.dialect), (operation, Dialect::V1_0), "{method} {path}");
        let call = rest_call(method, &format!("/v1{path}"), b"", None);
        assert_eq!((call.method, call.dialect), (operation, Dialect::V0_3), "{method} /v1{path}");
    }
    assert_eq!(rest_call("GET", "/v1/card", b"", None).method, Method::GetExtendedAgentCard);
}

#[test]
fn what_is_no_route_is_not_found() {
    for (method, path) in [
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/message:send"),
        ("DELETE", "/tasks/t"),
        ("POST", "/tasks/t"),
        ("POST", "/tasks"),
        ("POST", "/tasks/t:restart"),
        ("POST", "/tasks/:cancel"),
        ("GET", "/tasks/"),
        ("GET", "/tasks/t/"),
        ("GET", "/tasks/t/other"),
        ("PUT", "/tasks/t/pushNotificationConfigs/p"),
        ("GET", "/tasks/t/pushNotificationConfigs/p/q"),
        ("GET", "/v2/tasks"),
    ] {
        let refused = rest::parse(RestRequest { method, path, ..RestRequest::default() }).unwrap_err();
        assert_eq!(refused.error, A2aError::RouteNotFound { method: method.to_owned(), path: path.to_owned() });
        assert_eq!(refused.error.http_status(), 404);
    }
}

#[test]
fn ids_come_from_the_path() {
    assert!(matches!(get("/tasks/t-1?historyLength=2"), Ok(Call::GetTask(get)) if get.id == "t-1" && get.history_length == Some(2)));
    assert!(matches!(get("/tasks/a%20b%2Fc"), Ok(Call::GetTask(get)) if get.id == "a b/c"));
    assert!(matches!(get("/tasks/urn:x:1"), Ok(Call::GetTask(get)) if get.id == "urn:x:1"));
    assert!(matches!(get("/tasks/urn:x:subscribe"), Ok(Call::SubscribeToTask(subscribe)) if subscribe.id == "urn:x"));
    assert!(matches!(post("/tasks/t%3Acancel", json!({"id": "other"})), Ok(Call::CancelTask(cancel)) if cancel.id == "t"));
    assert!(
        matches!(get("/tasks/t/pushNotificationConfigs/p"), Ok(Call::GetTaskPushNotificationConfig(get)) if (get.task_id.as_str(), get.id.as_str()) == ("t", "p"))
    );
    assert!(
        matches!(get("/v1/tasks/t/pushNotificationConfigs/p"), Ok(Call::GetTaskPushNotificationConfig(get)) if (get.task_id.as_str(), get.id.as_str()) == ("t", "p"))
    );
}

#[test]
fn cancel_and_subscribe_need_no_body() {
    for body in [&b""[..], b" ", b"{}", b"null", br#"{"id":"t"}"#, br#"{"metadata":{"why":1}}"#] {
        assert!(rest_call("POST", "/tasks/t:cancel", body, None).call.is_ok());
        assert!(rest_call("POST", "/tasks/t:subscribe", body, None).call.is_ok());
        assert!(rest_call("POST", "/v1/tasks/t:cancel", body, None).call.is_ok());
    }
}

#[test]
fn section_11_5_queries_are_camel_case_or_snake_case() {
    for target in [
        "/tasks?contextId=c&status=TASK_STATE_WORKING&pageSize=5&pageToken=p&historyLength=1&includeArtifacts=true&statusTimestampAfter=2025-11-09T10:30:00Z&A2A-Version=1.0",
        "/tasks?context_id=c&status=2&page_size=5&page_token=p&history_length=1&include_artifacts=true&status_timestamp_after=2025-11-09T10:30:00Z",
    ] {
        let Ok(Call::ListTasks(list)) = get(target) else { panic!("not read: {target}") };
        assert_eq!((list.context_id.as_deref(), list.status, list.page_size), (Some("c"), Some(TaskState::Working), Some(5)));
        assert_eq!((list.page_token.as_deref(), list.history_length, list.include_artifacts), (Some("p"), Some(1), Some(true)));
        assert!(list.status_timestamp_after.is_some());
    }
    assert_eq!(
        fields(get("/tasks?pageSize=150&historyLength=-5&status=TASK_STATE_RUNNING&includeArtifacts=maybe").unwrap_err()),
        ["status", "pageSize", "historyLength", "includeArtifacts"]
    );
    assert!(get("/tasks?contextId=&pageSize=").is_ok());
}

#[test]
fn a_body_is_an_object_of_json() {
    for path in ["/message:send", "/v1/message:send", "/tasks/t/pushNotificationConfigs"] {
        for body in [&b""[..], b"{", b"\xff", b"{\"a\":"] {
            assert_eq!(rest_call("POST", path, body, None).call.unwrap_err().rpc_status(), "INVALID_ARGUMENT");
            assert!(matches!(rest_call("POST", path, body, None).call, Err(A2aError::ParseError { .. })));
        }
        for body in [&b"[]"[..], b"1", b"\"text\"", b"null"] {
            assert!(matches!(rest_call("POST", path, body, None).call, Err(A2aError::InvalidRequest { .. })));
        }
    }
}

#[test]
fn a_v1_0_body_is_read_and_its_tenant_seen() {
    let body = json!({"tenant": "research", "message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "x"}]}});
    let call = rest_call("POST", "/message:send", body.to_string().as_bytes(), Some("1.0"));
    assert_eq!(call.tenant.as_deref(), Some("research"));
    assert_eq!(message_of(call.call).parts, [Part::text("x")]);
    assert_eq!(rest_call("GET", "/tasks?tenant=analysis", b"", None).tenant.as_deref(), Some("analysis"));
    assert!(
        matches!(post("/tasks/t/pushNotificationConfigs", json!({"url": "https://example.com"})), Ok(Call::CreateTaskPushNotificationConfig(create)) if create.task_id == "t")
    );
}

#[test]
fn a_version_decides_over_the_path() {
    let body = json!({"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "x"}]}}).to_string();
    assert_eq!(rest_call("POST", "/v1/message:send", body.as_bytes(), Some("1.0")).dialect, Dialect::V1_0);
    assert_eq!(rest_call("POST", "/message:send", body.as_bytes(), Some("0.3")).dialect, Dialect::V0_3);
}

#[test]
fn v0_3_bodies_come_in_several_forms() {
    let proto = json!({
        "request": {
            "message_id": "m", "context_id": "c", "role": "ROLE_USER",
            "content": [
                {"text": "x"},
                {"file": {"file_with_bytes": "dGNr", "mime_type": "text/plain", "name": "f"}},
                {"file": {"file_with_uri": "https://example.com"}},
                {"data": {"data": {"some_key": 1}}},
                {"data": {"data": {"value": 7}}, "metadata": {"data_part_compat": true}},
            ],
        },
        "configuration": {"accepted_output_modes": ["text/plain"], "history_length": 0, "blocking": true, "push_notification": {"id": "p", "url": "https://example.com"}},
    });
    let camel_proto = json!({
        "message": {
            "messageId": "m", "contextId": "c", "role": "ROLE_USER",
            "content": [
                {"text": "x"},
                {"file": {"fileWithBytes": "dGNr", "mimeType": "text/plain", "name": "f"}},
                {"file": {"fileWithUri": "https://example.com"}},
                {"data": {"data": {"some_key": 1}}},
                {"data": {"data": {"value": 7}}, "metadata": {"data_part_compat": true}},
            ],
        },
        "configuration": {"acceptedOutputModes": ["text/plain"], "blocking": true, "pushNotification": {"id": "p", "url": "https://example.com"}},
    });
    let kinds = json!({
        "message": {
            "kind": "message", "messageId": "m", "contextId": "c", "role": "user",
            "parts": [
                {"kind": "text", "text": "x"},
                {"kind": "file", "file": {"bytes": "dGNr", "mimeType": "text/plain", "name": "f"}},
                {"kind": "file", "file": {"uri": "https://example.com"}},
                {"kind": "data", "data": {"some_key": 1}},
                {"kind": "data", "data": {"value": 7}, "metadata": {"data_part_compat": true}},
            ],
        },
        "configuration": {"acceptedOutputModes": ["text/plain"], "blocking": true, "pushNotificationConfig": {"id": "p", "url": "https://example.com"}},
    });
    let expected = post("/v1/message:send", proto).unwrap();
    assert_eq!(post("/v1/message:send", camel_proto).unwrap(), expected);
    assert_eq!(post("/v1/message:send", kinds).unwrap(), expected);
    let Call::SendMessage(send) = expected else { panic!("another call") };
    let contents: Vec<_> = send.request.message.parts.iter().map(|part| part.content.clone()).collect();
    assert_eq!(contents[3..], [PartContent::Data(json!({"some_key": 1})), PartContent::Data(json!(7))]);
    let configuration = send.request.configuration.unwrap();
    assert_eq!((configuration.history_length, configuration.return_immediately), (None, Some(false)));
    assert_eq!(configuration.task_push_notification_config.unwrap().id.as_deref(), Some("p"));
}

#[test]
fn v0_3_webhooks_are_created_in_several_forms() {
    let inner = json!({"id": "p", "url": "https://example.com", "token": "x"});
    for body in [
        json!({"parent": "tasks/t", "configId": "p", "config": {"name": "tasks/t/pushNotificationConfigs/p", "pushNotificationConfig": inner}}),
        json!({"parent": "tasks/t", "config_id": "p", "config": {"push_notification_config": inner}}),
        json!({"parent": "tasks/t", "config_id": "p", "config": {"push_notification_config": {"url": "https://example.com", "token": "x"}}}),
        json!({"name": "tasks/t/pushNotificationConfigs/p", "pushNotificationConfig": inner}),
        json!({"taskId": "t", "pushNotificationConfig": inner}),
        json!({"pushNotificationConfig": inner}),
        json!({"config": inner}),
        inner.clone(),
    ] {
        let Ok(Call::CreateTaskPushNotificationConfig(create)) = post("/v1/tasks/t/pushNotificationConfigs", body.clone()) else {
            panic!("not read: {body}")
        };
        assert_eq!((create.task_id.as_str(), create.id.as_deref(), create.url.as_str()), ("t", Some("p"), "https://example.com"), "{body}");
        assert_eq!(create.token.as_deref(), Some("x"));
    }
}

#[test]
fn v0_3_answers_are_the_proto_s_json() {
    let task = task(TaskState::Canceled);
    let expected = json!({
        "id": "t-1",
        "contextId": "c-1",
        "status": {
            "state": "TASK_STATE_CANCELLED",
            "message": {"messageId": "m-2", "contextId": "c-1", "taskId": "t-1", "role": "ROLE_AGENT", "content": [{"text": "done"}]},
            "timestamp": "2025-10-28T10:30:00.123Z",
        },
        "artifacts": [{
            "artifactId": "a-1",
            "name": "output",
            "parts": [
                {"text": "text"},
                {"file": {"fileWithBytes": "dGNr", "mimeType": "text/plain", "name": "output.txt"}},
                {"file": {"fileWithUri": "https://example.com/output.txt", "mimeType": "text/plain", "name": "output.txt"}},
                {"data": {"data": {"key": "value", "count": 42}}},
                {"data": {"data": {"value": [1, 2]}}, "metadata": {"data_part_compat": true, "note": 1}},
            ],
        }],
        "history": [{
            "messageId": "m-1", "contextId": "c-1", "taskId": "t-1", "role": "ROLE_USER", "content": [{"text": "hello"}],
            "metadata": {"skillId": "document_search"}, "extensions": ["https://example.com/x"],
        }],
        "metadata": {"snake_key": {"inner_key": 1}},
    });
    assert_eq!(rest_body(Dialect::V0_3, Method::SendMessage, &answer(task.clone())), json!({"task": expected}));
    assert_eq!(rest_body(Dialect::V0_3, Method::GetTask, &answer(task.clone())), expected);
    assert_eq!(rest_body(Dialect::V0_1, Method::CancelTask, &answer(task)), expected, "v0.1 never had this binding");
    let message = rest_body(Dialect::V0_3, Method::SendMessage, &Answer::Message(Box::new(agent_message("hi"))));
    assert_eq!(
        message,
        json!({"message": {"messageId": "m-2", "contextId": "c-1", "taskId": "t-1", "role": "ROLE_AGENT", "content": [{"text": "hi"}]}})
    );
    let config_body = json!({
        "name": "tasks/t-1/pushNotificationConfigs/p-1",
        "pushNotificationConfig": {"id": "p-1", "url": "https://example.com/hook", "token": "token", "authentication": {"schemes": ["Bearer"], "credentials": "secret"}},
    });
    assert_eq!(rest_body(Dialect::V0_3, Method::CreateTaskPushNotificationConfig, &Answer::PushNotificationConfig(config())), config_body);
    let list = Answer::PushNotificationConfigs(ListTaskPushNotificationConfigsResponse { configs: vec![config()], next_page_token: None });
    assert_eq!(rest_body(Dialect::V0_3, Method::ListTaskPushNotificationConfigs, &list), json!({"configs": [config_body]}));
    assert_eq!(rest_body(Dialect::V0_3, Method::DeleteTaskPushNotificationConfig, &Answer::Deleted), json!({}));
    let tasks = ListTasksResponse { tasks: vec![bare_task(TaskState::Working)], next_page_token: String::new(), page_size: 50, total_size: 1 };
    assert_eq!(rest_body(Dialect::V0_3, Method::ListTasks, &Answer::Tasks(tasks))["tasks"][0]["status"]["state"], "TASK_STATE_WORKING");
}

#[test]
fn v0_3_events_are_the_proto_s_json() {
    let event = |it: &StreamResponse, last| serde_json::from_str::<Value>(&rest::event_body(Dialect::V0_3, Ok(it), last)).unwrap();
    assert_eq!(
        event(&StreamResponse::Task(bare_task(TaskState::Working)), false),
        json!({"task": {"id": "t-1", "contextId": "c-1", "status": {"state": "TASK_STATE_WORKING"}}})
    );
    assert_eq!(
        event(&status_update(TaskState::Completed), true),
        json!({"statusUpdate": {"taskId": "t-1", "contextId": "c-1", "final": true, "status": {"state": "TASK_STATE_COMPLETED", "timestamp": "2025-10-28T10:30:00.123Z"}}})
    );
    assert_eq!(
        event(&artifact_update("a-1"), false),
        json!({"artifactUpdate": {"taskId": "t-1", "contextId": "c-1", "append": true, "lastChunk": false, "artifact": {"artifactId": "a-1", "name": "output", "parts": [{"text": "chunk"}]}}})
    );
    assert!(event(&StreamResponse::Message(agent_message("hi")), true)["message"].is_object());
}

#[test]
fn unset_metadata_is_left_out_of_v0_3_parts() {
    let mut task = bare_task(TaskState::Working);
    task.metadata = metadata("a", json!(1));
    assert_eq!(rest_body(Dialect::V0_3, Method::GetTask, &answer(task))["metadata"], json!({"a": 1}));
}

#[test]
fn v0_3_leaves_out_that_nobody_waits_by_rest() {
    let message = json!({"messageId": "m", "role": "ROLE_USER", "content": [{"text": "hi"}]});
    let returns = |body: Value| match post("/v1/message:send", body) {
        Ok(Call::SendMessage(send)) => send.request.configuration.and_then(|configuration| configuration.return_immediately),
        other => panic!("{other:?}"),
    };
    assert_eq!(returns(json!({"message": message, "configuration": {}})), Some(true));
    assert_eq!(returns(json!({"message": message, "configuration": {"blocking": true}})), Some(false));
    assert_eq!(returns(json!({"message": message})), None, "without a configuration nothing was left out");
}

#[test]
fn bytes_that_were_encoded_twice_are_decoded_twice() {
    let content = |encoded: &str| {
        let part = json!({"file": {"file_with_bytes": encoded, "mime_type": "text/csv"}});
        let body = json!({"request": {"message_id": "m", "role": "ROLE_USER", "content": [part]}});
        match message_of(post("/v1/message:send", body)).parts.remove(0).content {
            PartContent::Raw(bytes) => String::from_utf8(bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(content("eCx5CjEsMgo="), "x,y\n1,2\n");
    assert_eq!(content("ZUN4NUNqRXNNZ289"), "x,y\n1,2\n", "base64 of base64");
    assert_eq!(content("dGVzdA=="), "test", "could be base64 as well, but is too short to say");
}

#[test]
fn who_takes_file_bytes_for_base64_text_sends_and_gets_them_encoded_twice() {
    let body = json!({"request": {"message_id": "m", "role": "ROLE_USER", "content": [{"file": {"file_with_bytes": "ZEdOcg=="}}]}}).to_string();
    let sent =
        RestRequest { method: "POST", path: "/v1/message:send", body: body.as_bytes(), file_bytes: FileBytes::Twice, ..RestRequest::default() };
    let Ok(Call::SendMessage(call)) = rest::parse(sent).unwrap().call else { panic!() };
    assert_eq!(call.request.message.parts[0].content, PartContent::Raw(b"tck".to_vec()));

    let answer = Answer::Message(Box::new(call.request.message));
    let written = |file_bytes| {
        let text = rest::answer_body(Reader { dialect: Dialect::V0_3, file_bytes }, Method::SendMessage, &answer);
        serde_json::from_str::<Value>(&text).unwrap()["message"]["content"][0]["file"]["fileWithBytes"].clone()
    };
    assert_eq!(written(FileBytes::Twice), "ZEdOcg==");
    assert_eq!(written(FileBytes::Once), "dGNr");
}

#[test]
fn the_card_at_v1_card_has_security_schemes_in_both_shapes_of_v0_3() {
    let card = Answer::AgentCard(Box::new(crate::cards::full()));
    let card = rest_body(Dialect::V0_3, Method::GetExtendedAgentCard, &card);
    let key = &card["securitySchemes"]["apiKey"];
    assert_eq!((&key["type"], &key["in"], &key["apiKeySecurityScheme"]["location"]), (&json!("apiKey"), &json!("header"), &json!("header")));
    assert!(card.get("supportedInterfaces").is_none());
}
