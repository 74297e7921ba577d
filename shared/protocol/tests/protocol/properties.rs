//! What holds for any input.

use std::collections::HashMap;

use proptest::{collection, option, prelude::*};
use protocol::{
    Call, Dialect, Method,
    json_rpc::{self, Incoming},
    rest::{self, RestRequest},
    types::{Message, Part, PartContent, Role},
};
use serde_json::{Map, Value, json};

use crate::samples::{answer, bare_task, call, message_of, rest_body, rest_call, result, rpc};

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z_]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            collection::vec((key(), inner), 0..5).prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Names that readers look for, among others.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "jsonrpc",
            "id",
            "method",
            "params",
            "message",
            "messageId",
            "message_id",
            "role",
            "parts",
            "content",
            "text",
            "raw",
            "url",
            "data",
            "file",
            "kind",
            "type",
            "metadata",
            "configuration",
            "historyLength",
            "taskId",
            "request",
            "config",
            "pushNotificationConfig",
            "status",
        ])
        .prop_map(str::to_owned),
        "[a-z_]{1,6}",
    ]
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 äß\"\\\\\u{1F600}-]{1,12}"
}

fn metadata() -> impl Strategy<Value = Option<HashMap<String, Value>>> {
    option::of(collection::hash_map("[a-z]{1,5}_?[a-z]{1,5}", json_value(), 1..3))
}

/// A part as v0.3 can hold it: names and types belong to files there.
fn part() -> impl Strategy<Value = Part> {
    let content = prop_oneof![
        ".{0,10}".prop_map(PartContent::Text),
        collection::vec(any::<u8>(), 0..10).prop_map(PartContent::Raw),
        word().prop_map(PartContent::Url),
        json_value().prop_map(PartContent::Data),
    ];
    (content, option::of(word()), option::of(word()), metadata()).prop_map(|(content, filename, media_type, metadata)| {
        let file = matches!(content, PartContent::Raw(_) | PartContent::Url(_));
        Part { content, filename: filename.filter(|_| file), media_type: media_type.filter(|_| file), metadata }
    })
}

fn message() -> impl Strategy<Value = Message> {
    let ids = (word(), option::of(word()), option::of(word()));
    let lists = (option::of(collection::vec(word(), 1..3)), option::of(collection::vec(word(), 1..3)));
    (ids, any::<bool>(), collection::vec(part(), 1..4), metadata(), lists).prop_map(
        |((message_id, context_id, task_id), user, parts, metadata, (extensions, reference_task_ids))| Message {
            message_id,
            context_id,
            task_id,
            role: if user { Role::User } else { Role::Agent },
            parts,
            metadata,
            extensions,
            reference_task_ids,
        },
    )
}

/// The message as written inside a task's history.
fn written(dialect: Dialect, message: &Message) -> Value {
    let mut task = bare_task(protocol::types::TaskState::Working);
    task.history = Some(vec![message.clone()]);
    result(dialect, Method::GetTask, &answer(task))["history"][0].clone()
}

fn snake_case(value: Value) -> Value {
    let free = ["metadata", "data"];
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| {
                let value = if free.contains(&key.as_str()) { value } else { snake_case(value) };
                let name = key.chars().flat_map(|c| if c.is_ascii_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] }).collect();
                (name, value)
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(snake_case).collect(),
        other => other,
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(body in collection::vec(any::<u8>(), 0..200), path in "/[a-z0-9/:%]{0,30}", version in option::of("[0-9.]{0,4}")) {
        json_rpc::parse(&body, version.as_deref());
        for method in ["GET", "POST", "DELETE"] {
            let _ = rest::parse(RestRequest { method, path: &path, body: &body, version: version.as_deref(), ..RestRequest::default() });
        }
    }

    #[test]
    fn no_json_makes_a_parser_panic(params in json_value(), id in json_value()) {
        for method in Method::ALL.iter().map(|method| method.name()).chain(["message/send", "tasks/send", "tasks/pushNotificationConfig/set", "tasks/get"]) {
            let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
            json_rpc::parse(body.as_bytes(), None);
        }
        let body = params.to_string();
        json_rpc::parse(body.as_bytes(), None);
        for path in ["/message:send", "/v1/message:send", "/tasks/t/pushNotificationConfigs", "/v1/tasks/t/pushNotificationConfigs", "/tasks/t:cancel"] {
            let _ = rest::parse(RestRequest { method: "POST", path, body: body.as_bytes(), ..RestRequest::default() });
        }
    }

    #[test]
    fn every_request_has_an_id_to_answer_or_is_a_notification(value in json_value()) {
        if let Incoming::Batch(members) = json_rpc::parse(value.to_string().as_bytes(), None) {
            prop_assert_eq!(members.len(), value.as_array().unwrap().len());
        }
    }

    #[test]
    fn a_message_survives_v1_0(message in message()) {
        let back = message_of(call("SendMessage", json!({"message": written(Dialect::V1_0, &message)})));
        prop_assert_eq!(back, message);
    }

    #[test]
    fn a_message_survives_v0_3(message in message()) {
        let back = message_of(rpc("message/send", json!({"message": written(Dialect::V0_3, &message)}), None).call);
        prop_assert_eq!(back, message);
    }

    #[test]
    fn a_message_survives_the_proto_of_v0_3(message in message()) {
        let mut task = bare_task(protocol::types::TaskState::Working);
        task.history = Some(vec![message.clone()]);
        let written = rest_body(Dialect::V0_3, Method::GetTask, &answer(task))["history"][0].clone();
        let body = json!({"request": written}).to_string();
        let back = message_of(rest_call("POST", "/v1/message:send", body.as_bytes(), None).call);
        // That proto has no references.
        prop_assert_eq!(back, Message { reference_task_ids: None, ..message });
    }

    #[test]
    fn parts_survive_v0_1(message in message()) {
        let written = written(Dialect::V0_1, &message);
        let back = message_of(rpc("tasks/send", json!({"message": written}), None).call);
        prop_assert_eq!(back.parts, message.parts);
        prop_assert_eq!((back.role, back.metadata), (message.role, message.metadata));
    }

    #[test]
    fn snake_case_reads_like_camel_case(message in message(), length in 0..i32::MAX) {
        for (method, dialect) in [("SendMessage", Dialect::V1_0), ("message/send", Dialect::V0_3)] {
            let params = json!({
                "message": written(dialect, &message),
                "configuration": {"historyLength": length, "acceptedOutputModes": ["text/plain"], "returnImmediately": true, "blocking": false},
            });
            let camel = rpc(method, params.clone(), None).call;
            prop_assert!(camel.is_ok());
            prop_assert_eq!(rpc(method, snake_case(params), None).call, camel);
        }
        let params = json!({"contextId": "c", "pageSize": 3, "pageToken": "p", "historyLength": length, "includeArtifacts": true});
        let camel = call("ListTasks", params.clone());
        prop_assert!(matches!(camel, Ok(Call::ListTasks(_))));
        prop_assert_eq!(call("ListTasks", snake_case(params)), camel);
    }
}
