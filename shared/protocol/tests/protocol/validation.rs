//! Every parameter is validated before anything is done with it, and the error names it (spec sections 3.3.2 and 5.7).

use protocol::{A2aError, Call};
use serde_json::{Value, json};

use crate::samples::{call, fields, rpc};

fn wrong(method: &str, params: Value) -> Vec<String> {
    fields(call(method, params).unwrap_err())
}

fn send(message: Value) -> Value {
    json!({"message": message})
}

#[test]
fn a_message_needs_id_role_and_parts() {
    assert_eq!(wrong("SendMessage", json!({})), ["message"]);
    assert_eq!(wrong("SendMessage", send(json!(null))), ["message"]);
    assert_eq!(wrong("SendMessage", send(json!("text"))), ["message"]);
    assert_eq!(wrong("SendMessage", send(json!({}))), ["message.messageId", "message.role", "message.parts"]);
    assert_eq!(
        wrong("SendStreamingMessage", send(json!({"messageId": "", "role": "", "parts": []}))),
        ["message.messageId", "message.role", "message.parts"]
    );
    assert_eq!(
        wrong("SendMessage", send(json!({"parts": "invalid", "messageId": 7, "role": true}))),
        ["message.messageId", "message.role", "message.parts"]
    );
}

#[test]
fn an_unspecified_or_unknown_role_is_refused() {
    for role in [json!("ROLE_UNSPECIFIED"), json!(0), json!("user"), json!("ROLE_ADMIN"), json!(7)] {
        assert_eq!(wrong("SendMessage", send(json!({"messageId": "m", "role": role, "parts": [{"text": "x"}]}))), ["message.role"]);
    }
}

#[test]
fn a_part_has_exactly_one_content() {
    for part in [json!({}), json!({"metadata": {}}), json!({"text": "a", "url": "b"}), json!({"raw": "YQ==", "data": {}}), json!({"text": null})] {
        let message = json!({"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "fine"}, part]});
        assert_eq!(wrong("SendMessage", send(message)), ["message.parts[1]"]);
    }
}

#[test]
fn a_part_of_the_wrong_type_is_named() {
    for (part, field) in [
        (json!("text"), "message.parts[0]"),
        (json!(null), "message.parts[0]"),
        (json!({"text": 5}), "message.parts[0].text"),
        (json!({"raw": "???"}), "message.parts[0].raw"),
        (json!({"raw": [1]}), "message.parts[0].raw"),
        (json!({"url": {}}), "message.parts[0].url"),
        (json!({"text": "x", "metadata": []}), "message.parts[0].metadata"),
        (json!({"text": "x", "mediaType": 1}), "message.parts[0].mediaType"),
        (json!({"text": "x", "media_type": 1}), "message.parts[0].media_type"),
    ] {
        assert_eq!(wrong("SendMessage", send(json!({"messageId": "m", "role": "ROLE_USER", "parts": [part]}))), [field]);
    }
}

#[test]
fn fields_are_named_as_the_client_wrote_them() {
    let params = json!({
        "message": {"message_id": "", "role": "ROLE_USER", "reference_task_ids": ["t", 5], "parts": [{"text": "x"}]},
        "configuration": {"history_length": -1, "return_immediately": "yes", "accepted_output_modes": "text/plain"},
    });
    assert_eq!(
        wrong("SendMessage", params),
        [
            "message.message_id",
            "message.reference_task_ids[1]",
            "configuration.accepted_output_modes",
            "configuration.history_length",
            "configuration.return_immediately",
        ]
    );
}

#[test]
fn several_violations_are_reported_together() {
    let violations = wrong(
        "ListTasks",
        json!({"pageSize": 150, "historyLength": -5, "status": "TASK_STATE_RUNNING", "statusTimestampAfter": "yesterday", "includeArtifacts": 1}),
    );
    assert_eq!(violations, ["status", "pageSize", "historyLength", "statusTimestampAfter", "includeArtifacts"]);
}

#[test]
fn a_violation_says_what_would_be_right() {
    let A2aError::InvalidParams { violations } = call("ListTasks", json!({"pageSize": 150, "status": "RUNNING"})).unwrap_err() else { panic!() };
    assert!(violations[0].description.contains("TASK_STATE_WORKING") && violations[0].description.contains("`RUNNING`"));
    assert_eq!(violations[1].description, "must be between 1 and 100, got 150");
}

#[test]
fn numbers_have_their_limits() {
    for size in [json!(0), json!(101), json!(-1), json!(1.5), json!("ten"), json!(true), json!([]), json!(1e300)] {
        assert_eq!(wrong("ListTasks", json!({"pageSize": size})), ["pageSize"]);
    }
    for size in [json!(1), json!(100), json!("50")] {
        assert!(call("ListTasks", json!({"pageSize": size})).is_ok());
    }
    for length in [json!(-1), json!("-1"), json!(0.5), json!(4_294_967_296_i64), json!("")] {
        assert_eq!(wrong("GetTask", json!({"id": "t", "historyLength": length})), ["historyLength"]);
    }
    for length in [json!(0), json!(i32::MAX), json!("1e2")] {
        assert!(call("GetTask", json!({"id": "t", "historyLength": length})).is_ok());
    }
}

#[test]
fn timestamps_have_a_date_a_time_and_an_offset() {
    for time in ["2025-10-28", "2025-10-28T10:30:00", "10:30", "2025-13-28T10:30:00Z", ""] {
        assert_eq!(wrong("ListTasks", json!({"statusTimestampAfter": time})), ["statusTimestampAfter"]);
    }
    assert_eq!(wrong("ListTasks", json!({"statusTimestampAfter": 1_761_647_400})), ["statusTimestampAfter"]);
    for time in ["2025-10-28T10:30:00Z", "2025-10-28T10:30:00.123456789Z", "2025-10-28T10:30:00-08:00"] {
        assert!(call("ListTasks", json!({"statusTimestampAfter": time})).is_ok());
    }
}

#[test]
fn ids_are_required_where_the_proto_says_so() {
    for method in ["GetTask", "CancelTask", "SubscribeToTask"] {
        assert_eq!(wrong(method, json!({})), ["id"]);
        assert_eq!(wrong(method, json!({"id": ""})), ["id"]);
        assert_eq!(wrong(method, json!({"id": 5})), ["id"]);
    }
    for method in ["GetTaskPushNotificationConfig", "DeleteTaskPushNotificationConfig"] {
        assert_eq!(wrong(method, json!({})), ["taskId", "id"]);
    }
    assert_eq!(wrong("ListTaskPushNotificationConfigs", json!({})), ["taskId"]);
    assert_eq!(wrong("CreateTaskPushNotificationConfig", json!({})), ["taskId", "url"]);
}

#[test]
fn a_webhook_needs_an_absolute_url_and_its_authentication_a_scheme() {
    for url in ["hook", "/hook", "ftp://example.com", "https://", "javascript:alert(1)"] {
        assert_eq!(wrong("CreateTaskPushNotificationConfig", json!({"taskId": "t", "url": url})), ["url"]);
    }
    let config = json!({"taskId": "t", "url": "https://example.com", "authentication": {"credentials": "c"}});
    assert_eq!(wrong("CreateTaskPushNotificationConfig", config), ["authentication.scheme"]);
}

#[test]
fn older_dialects_are_validated_alike() {
    let v0_3 = |params: Value| fields(rpc("message/send", params, None).call.unwrap_err());
    assert_eq!(v0_3(json!({"": "not_a_dict"})), ["message"]);
    assert_eq!(v0_3(json!({"message": {"parts": "invalid"}})), ["message.messageId", "message.role", "message.parts"]);
    let parts = json!([{"kind": "text"}, {"kind": "video"}, {"kind": "file", "file": {}}, {"kind": "file", "file": {"bytes": "YQ==", "uri": "u"}},
        {"kind": "data", "data": 5}, {"kind": "file"}, {}, {"text": "a", "file": {"uri": "u"}}]);
    assert_eq!(
        v0_3(json!({"message": {"messageId": "m", "role": "user", "parts": parts}})),
        [
            "message.parts[0].text",
            "message.parts[1].kind",
            "message.parts[2].file",
            "message.parts[3].file",
            "message.parts[4].data",
            "message.parts[5].file",
            "message.parts[6]",
            "message.parts[7]",
        ]
    );
    assert_eq!(fields(rpc("tasks/send", json!({"message": {"role": "user", "parts": []}}), None).call.unwrap_err()), ["message.parts"]);
    assert_eq!(fields(rpc("tasks/get", json!({"id": "t", "historyLength": -1}), None).call.unwrap_err()), ["historyLength"]);
    assert_eq!(fields(rpc("tasks/pushNotificationConfig/set", json!({}), None).call.unwrap_err()), ["pushNotificationConfig", "taskId"]);
}

#[test]
fn keys_of_free_form_objects_stay_as_they_are() {
    let params = json!({"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"data": {"message_id": {"taskId": 1}}}],
        "metadata": {"skill_id": "s", "skillId": "t"}}, "metadata": {"a_b": {"c_d": null}}});
    let Ok(Call::SendMessage(send)) = call("SendMessage", params) else { panic!("not read") };
    assert_eq!(serde_json::to_value(&send.request.metadata).unwrap(), json!({"a_b": {"c_d": null}}));
    assert_eq!(serde_json::to_value(&send.request.message.metadata).unwrap(), json!({"skill_id": "s", "skillId": "t"}));
    assert_eq!(serde_json::to_value(&send.request.message.parts[0]).unwrap(), json!({"data": {"message_id": {"taskId": 1}}}));
}
