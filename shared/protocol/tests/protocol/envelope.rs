//! JSON-RPC envelopes: ids, batches, notifications, and the five errors of JSON-RPC itself.

use protocol::{
    A2aError, Answer, Call, Dialect, Method,
    json_rpc::{self, Incoming, RpcId},
};
use serde_json::{Value, json};

use crate::samples::{one, one_of_bytes, rpc};

fn get_task(id: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "GetTask", "params": {"id": "t"}})
}

/// The id of an answer to a request with this id.
fn echoed(id: Value) -> Value {
    let request = one(&get_task(id), None);
    assert!(request.call.is_ok());
    let text = json_rpc::answer_body(&request.id.unwrap(), request.dialect, Method::GetTask, Ok(&Answer::Deleted));
    serde_json::from_str::<Value>(&text).unwrap()["id"].clone()
}

fn code(body: &[u8]) -> (Option<RpcId>, i32) {
    let request = one_of_bytes(body, None);
    (request.id, request.call.unwrap_err().code())
}

#[test]
fn an_id_is_echoed_with_its_type() {
    for id in [json!("7"), json!(7), json!(-7), json!(0), json!(""), json!(1_735_689_600_123_u64), json!(i64::MIN), json!(u64::MAX), Value::Null] {
        assert_eq!(echoed(id.clone()), id);
    }
}

#[test]
fn an_id_that_is_no_string_integer_or_null_is_an_invalid_request_with_null_id() {
    for id in [json!(1.5), json!(1e30), json!({"bad": "type"}), json!([1]), json!(true)] {
        assert_eq!(code(get_task(id).to_string().as_bytes()), (Some(RpcId::Null), -32600));
    }
}

#[test]
fn what_is_not_json_is_a_parse_error() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let nested = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{}}}"#, "{\"a\":".repeat(5_000));
    let truncated = r#"{"jsonrpc": "2.0", "method": "message/send", "params": {"a": true"#;
    let bodies: [&[u8]; 7] =
        [b"", b" ", b"{", truncated.as_bytes(), deep.as_bytes(), nested.as_bytes(), b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}"];
    for body in bodies {
        assert_eq!(code(body), (Some(RpcId::Null), -32700), "{}", String::from_utf8_lossy(&body[..body.len().min(60)]));
    }
}

#[test]
fn json_that_is_no_request_is_invalid() {
    for body in ["1", "null", "\"text\"", "[]", "{}", r#"{"invalid":"request"}"#] {
        assert_eq!(code(body.as_bytes()), (Some(RpcId::Null), -32600), "{body}");
    }
}

#[test]
fn an_invalid_request_keeps_an_id_that_could_be_read() {
    let id = || Some(RpcId::String("x".to_owned()));
    for body in [
        json!({"id": "x", "method": "GetTask", "params": {"id": "t"}}),
        json!({"jsonrpc": "1.0", "id": "x", "method": "GetTask", "params": {"id": "t"}}),
        json!({"jsonrpc": 2.0, "id": "x", "method": "GetTask", "params": {"id": "t"}}),
        json!({"jsonrpc": "2.0", "id": "x", "params": {}}),
        json!({"jsonrpc": "2.0", "id": "x", "method": 7}),
        json!({"jsonrpc": "2.0", "id": "x", "method": ""}),
        json!({"jsonrpc": "2.0", "id": "x", "method": "GetTask", "params": "text"}),
        json!({"jsonrpc": "2.0", "id": "x", "method": "GetTask", "params": 5}),
    ] {
        assert_eq!(code(body.to_string().as_bytes()), (id(), -32600), "{body}");
    }
}

#[test]
fn an_unknown_method_is_not_found() {
    for method in ["NoSuchMethod", "sendMessage", "message/ssend", "tasks/list", "rpc.discover"] {
        let request = rpc(method, json!({}), None);
        assert_eq!(request.call.unwrap_err(), A2aError::MethodNotFound { method: method.to_owned() });
        assert_eq!(request.method, method);
    }
}

#[test]
fn parameters_by_position_are_invalid() {
    assert_eq!(rpc("GetTask", json!(["t"]), None).call.unwrap_err().code(), -32602);
}

#[test]
fn parameters_may_be_left_out_where_none_is_needed() {
    for body in [
        json!({"jsonrpc": "2.0", "id": 6, "method": "GetExtendedAgentCard"}),
        json!({"jsonrpc": "2.0", "id": 6, "method": "ListTasks", "params": null}),
    ] {
        assert!(one(&body, None).call.is_ok());
    }
}

#[test]
fn a_batch_keeps_its_order_and_its_bad_members() {
    let body = json!([get_task(json!(1)), 1, get_task(json!({})), {"jsonrpc": "2.0", "method": "GetTask", "params": {"id": "t"}}]);
    let Incoming::Batch(members) = json_rpc::parse(body.to_string().as_bytes(), None) else { panic!("no batch") };
    let ids: Vec<_> = members.iter().map(|member| member.id.clone()).collect();
    assert_eq!(ids, [Some(RpcId::Number(1.into())), Some(RpcId::Null), Some(RpcId::Null), None]);
    let codes: Vec<_> = members.iter().map(|member| member.call.as_ref().err().map(A2aError::code)).collect();
    assert_eq!(codes, [None, Some(-32600), Some(-32600), None]);
}

#[test]
fn a_request_without_id_is_a_notification() {
    let request = one(&json!({"jsonrpc": "2.0", "method": "GetTask", "params": {"id": "t"}}), None);
    assert_eq!((request.id, request.call.is_ok()), (None, true));
    let request = one(
        &json!({"jsonrpc": "2.0", "method": "message/send", "params": {"message": {"messageId": "m", "role": "user", "parts": [{"kind": "text", "text": "x"}]}}}),
        None,
    );
    assert_eq!((request.id, request.call.is_ok()), (None, true));
    let request = one(&json!({"jsonrpc": "2.0", "method": "NoSuchMethod"}), None);
    assert_eq!((request.id, request.call.is_ok()), (None, false));
}

#[test]
fn a_v0_3_call_without_id_that_is_wrong_is_told_so() {
    for (method, code) in [("message/ssend", -32601), ("message/send", -32602)] {
        let request = one(&json!({"jsonrpc": "2.0", "method": method, "params": {"": "not_a_dict"}}), None);
        assert_eq!((request.id, request.call.unwrap_err().code()), (Some(RpcId::Null), code));
    }
}

#[test]
fn the_last_of_two_fields_of_one_name_counts() {
    let request = one_of_bytes(br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"GetTask","params":{"id":"a","id":"b"}}"#, None);
    assert_eq!(request.id, Some(RpcId::Number(2.into())));
    assert!(matches!(request.call, Ok(Call::GetTask(get)) if get.id == "b"));
}

#[test]
fn the_tenant_is_seen_beside_the_call() {
    let request = rpc("GetTask", json!({"id": "t", "tenant": "research"}), None);
    assert_eq!(request.tenant.as_deref(), Some("research"));
    assert!(matches!(request.call, Ok(Call::GetTask(get)) if get.tenant.as_deref() == Some("research")));
    assert_eq!(rpc("GetTask", json!({"id": "t", "tenant": ""}), None).tenant, None);
}

#[test]
fn every_method_of_every_dialect_is_known() {
    for method in Method::ALL {
        let request = rpc(method.name(), json!({}), Some("1.0"));
        assert_eq!(request.dialect, Dialect::V1_0);
        assert!(!matches!(request.call, Err(A2aError::MethodNotFound { .. })), "{}", method.name());
    }
    for (method, dialect) in [
        ("message/send", Dialect::V0_3),
        ("message/stream", Dialect::V0_3),
        ("tasks/get", Dialect::V0_3),
        ("tasks/cancel", Dialect::V0_3),
        ("tasks/resubscribe", Dialect::V0_3),
        ("tasks/pushNotificationConfig/set", Dialect::V0_3),
        ("tasks/pushNotificationConfig/get", Dialect::V0_3),
        ("tasks/pushNotificationConfig/list", Dialect::V0_3),
        ("tasks/pushNotificationConfig/delete", Dialect::V0_3),
        ("agent/getAuthenticatedExtendedCard", Dialect::V0_3),
        ("tasks/send", Dialect::V0_1),
        ("tasks/sendSubscribe", Dialect::V0_1),
        ("tasks/pushNotification/set", Dialect::V0_1),
        ("tasks/pushNotification/get", Dialect::V0_1),
    ] {
        for version in [None, Some(""), Some("0.3")] {
            let request = rpc(method, json!({}), version);
            assert_eq!(request.dialect, dialect, "{method}");
            assert!(!matches!(request.call, Err(A2aError::MethodNotFound { .. })), "{method}");
        }
        let request = rpc(method, json!({}), Some("1.0"));
        assert_eq!(request.dialect, Dialect::V1_0, "{method} is no method of v1.0");
        assert!(matches!(request.call, Err(A2aError::MethodNotFound { .. })), "{method} is no method of v1.0");
    }
}

#[test]
fn a_refusal_echoes_the_id_and_is_in_the_dialect_of_the_method() {
    let addressee = |body: &str, version| json_rpc::addressee(body.as_bytes(), version);
    let number = |n: u64| RpcId::Number(n.into());
    for (body, version, expected) in [
        (r#"{"id":7,"method":"GetTask"}"#, None, (number(7), Dialect::V1_0)),
        (r#" {"method":"tasks/send","params":{"id":"x"},"id":1735689600123}"#, None, (number(1_735_689_600_123), Dialect::V0_1)),
        (r#"{"id":"a\"b","method":"message/send"}"#, None, (RpcId::String("a\"b".into()), Dialect::V0_3)),
        (r#"{"id":"a","method":"nothing"}"#, Some("0.3"), (RpcId::String("a".into()), Dialect::V0_3)),
        (r#"{"id":1.5,"method":"GetTask"}"#, None, (RpcId::Null, Dialect::V1_0)),
        (r#"{"id":{"id":1},"method":5}"#, None, (RpcId::Null, Dialect::V1_0)),
        (r#"{"method":"tasks/get"}"#, None, (RpcId::Null, Dialect::V0_3)),
        (r#"[7,"GetTask"]"#, None, (RpcId::Null, Dialect::V1_0)),
        (r#"[{"id":7,"method":"GetTask"}]"#, Some("1.0"), (RpcId::Null, Dialect::V1_0)),
        (r#"{"id":7,"id":8}"#, None, (RpcId::Null, Dialect::V1_0)),
        ("{\"id\":7", None, (RpcId::Null, Dialect::V1_0)),
        ("", Some("0.3"), (RpcId::Null, Dialect::V0_3)),
    ] {
        assert_eq!(addressee(body, version), expected, "{body}");
    }
    let long = "x".repeat(json_rpc::MAX_REFUSED_ID_BYTES - 2);
    assert_eq!(addressee(&format!(r#"{{"id":"{long}"}}"#), None).0, RpcId::String(long.clone()));
    assert_eq!(addressee(&format!(r#"{{"id":"{long}x"}}"#), None).0, RpcId::Null);
}
