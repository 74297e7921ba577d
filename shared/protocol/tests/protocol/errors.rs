//! Every error in every binding and dialect (spec sections 3.3.2, 5.4, 9.5 and 11.6).

use protocol::{
    A2aError, Dialect, FieldViolation, Method,
    json_rpc::{self, EventWriter, RpcId},
    rest,
};
use serde_json::{Value, json};

use crate::samples::id;

fn text(text: &str) -> String {
    text.to_owned()
}

/// Every error with its JSON-RPC code, HTTP status, status name, reason and v0.3 type.
fn all() -> Vec<(A2aError, i32, u16, &'static str, &'static str, &'static str)> {
    let violations = vec![FieldViolation { field: text("message.parts"), description: text("must not be empty") }];
    vec![
        (A2aError::TaskNotFound { task_id: text("t") }, -32001, 404, "NOT_FOUND", "TASK_NOT_FOUND", "TaskNotFoundError"),
        (
            A2aError::TaskNotCancelable { task_id: text("t"), state: "TASK_STATE_COMPLETED" },
            -32002,
            400,
            "FAILED_PRECONDITION",
            "TASK_NOT_CANCELABLE",
            "TaskNotCancelableError",
        ),
        (
            A2aError::PushNotificationNotSupported,
            -32003,
            400,
            "FAILED_PRECONDITION",
            "PUSH_NOTIFICATION_NOT_SUPPORTED",
            "PushNotificationNotSupportedError",
        ),
        (
            A2aError::UnsupportedOperation { reason: text("no") },
            -32004,
            400,
            "FAILED_PRECONDITION",
            "UNSUPPORTED_OPERATION",
            "UnsupportedOperationError",
        ),
        (
            A2aError::ContentTypeNotSupported { media_type: text("image/png"), accepted: text("text/plain") },
            -32005,
            400,
            "INVALID_ARGUMENT",
            "CONTENT_TYPE_NOT_SUPPORTED",
            "ContentTypeNotSupportedError",
        ),
        (A2aError::InvalidAgentResponse { reason: text("no") }, -32006, 500, "INTERNAL", "INVALID_AGENT_RESPONSE", "InvalidAgentResponseError"),
        (
            A2aError::ExtendedAgentCardNotConfigured,
            -32007,
            400,
            "FAILED_PRECONDITION",
            "EXTENDED_AGENT_CARD_NOT_CONFIGURED",
            "AuthenticatedExtendedCardNotConfiguredError",
        ),
        (
            A2aError::ExtensionSupportRequired { uri: text("https://example.com/x") },
            -32008,
            400,
            "FAILED_PRECONDITION",
            "EXTENSION_SUPPORT_REQUIRED",
            "ExtensionSupportRequiredError",
        ),
        (
            A2aError::VersionNotSupported { version: text("0.5") },
            -32009,
            400,
            "FAILED_PRECONDITION",
            "VERSION_NOT_SUPPORTED",
            "VersionNotSupportedError",
        ),
        (A2aError::ParseError { reason: text("no") }, -32700, 400, "INVALID_ARGUMENT", "PARSE_ERROR", "JSONParseError"),
        (A2aError::InvalidRequest { reason: text("no") }, -32600, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "InvalidRequestError"),
        (A2aError::MethodNotFound { method: text("m") }, -32601, 404, "NOT_FOUND", "METHOD_NOT_FOUND", "MethodNotFoundError"),
        (A2aError::InvalidParams { violations }, -32602, 400, "INVALID_ARGUMENT", "INVALID_PARAMS", "InvalidParamsError"),
        (A2aError::Internal, -32603, 500, "INTERNAL", "INTERNAL", "InternalError"),
        (A2aError::Unauthenticated { reason: text("no") }, -32010, 401, "UNAUTHENTICATED", "UNAUTHENTICATED", "UnauthenticatedError"),
        (A2aError::PermissionDenied { reason: text("no") }, -32011, 403, "PERMISSION_DENIED", "PERMISSION_DENIED", "PermissionDeniedError"),
        (A2aError::RouteNotFound { method: text("GET"), path: text("/x") }, -32012, 404, "NOT_FOUND", "ROUTE_NOT_FOUND", "MethodNotFoundError"),
        (A2aError::HeadersTooLarge { reason: "r".into() }, -32018, 431, "RESOURCE_EXHAUSTED", "HEADERS_TOO_LARGE", "HeadersTooLargeError"),
        (A2aError::PayloadTooLarge { limit_bytes: 10 }, -32013, 413, "RESOURCE_EXHAUSTED", "PAYLOAD_TOO_LARGE", "PayloadTooLargeError"),
        (
            A2aError::UnsupportedMediaType { content_type: text("text/plain") },
            -32005,
            415,
            "INVALID_ARGUMENT",
            "UNSUPPORTED_MEDIA_TYPE",
            "ContentTypeNotSupportedError",
        ),
        (A2aError::RateLimited { retry_after_seconds: 3 }, -32014, 429, "RESOURCE_EXHAUSTED", "RATE_LIMITED", "RateLimitedError"),
        (A2aError::AddressBlocked { retry_after_seconds: 3 }, -32018, 403, "PERMISSION_DENIED", "ADDRESS_BLOCKED", "AddressBlockedError"),
        (A2aError::Unavailable { retry_after_seconds: 3 }, -32015, 503, "UNAVAILABLE", "UNAVAILABLE", "UnavailableError"),
        (A2aError::Timeout { limit_seconds: 29 }, -32016, 504, "DEADLINE_EXCEEDED", "TIMEOUT", "TimeoutError"),
    ]
}

fn in_json_rpc(dialect: Dialect, error: &A2aError) -> Value {
    serde_json::from_str(&json_rpc::answer_body(&id(), dialect, Method::GetTask, Err(error))).unwrap()
}

fn in_rest(dialect: Dialect, error: &A2aError) -> (u16, Value) {
    let (status, body) = rest::error_body(dialect, error);
    (status, serde_json::from_str(&body).unwrap())
}

fn strings_only(metadata: &Value) -> bool {
    metadata.as_object().is_none_or(|metadata| metadata.values().all(Value::is_string))
}

#[test]
fn sections_5_4_and_9_5_every_error_has_its_json_rpc_form() {
    for (error, code, _, _, reason, _) in all() {
        for dialect in [Dialect::V1_0, Dialect::V0_3] {
            let body = in_json_rpc(dialect, &error);
            assert!(body.get("result").is_none());
            assert_eq!((&body["jsonrpc"], &body["id"]), (&json!("2.0"), &json!(1)));
            assert_eq!(body["error"]["code"], code);
            assert_eq!(body["error"]["message"], error.to_string());
            let info = &body["error"]["data"][0];
            assert_eq!(info["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
            assert_eq!((&info["reason"], &info["domain"]), (&json!(reason), &json!("a2a-protocol.org")));
            assert!(strings_only(&info["metadata"]), "{info}");
            assert!(body["error"]["data"].as_array().unwrap().iter().all(|detail| detail["@type"].is_string()));
        }
        let body = in_json_rpc(Dialect::V0_1, &error);
        assert!(body["error"]["data"].is_object(), "v0.1 allows no list there");
        assert_eq!((&body["error"]["code"], &body["error"]["data"]["reason"]), (&json!(code), &json!(reason)));
    }
}

#[test]
fn sections_5_4_and_11_6_every_error_has_its_http_form() {
    for (error, code, status, name, reason, kind) in all() {
        let (sent, body) = in_rest(Dialect::V1_0, &error);
        assert_eq!(sent, status);
        assert_eq!((&body["error"]["code"], &body["error"]["status"]), (&json!(status), &json!(name)));
        assert_eq!(body["error"]["message"], error.to_string());
        assert_eq!(body["error"]["details"][0]["reason"], reason);
        let (sent, body) = in_rest(Dialect::V0_3, &error);
        assert_eq!(sent, status);
        assert_eq!((&body["code"], &body["type"], &body["message"]), (&json!(code), &json!(kind), &json!(error.to_string())));
    }
}

#[test]
fn an_invalid_parameter_is_named_in_a_bad_request() {
    let error = A2aError::invalid("message.parts[0].text", "must be a string");
    let detail = json!({
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": "message.parts[0].text", "description": "must be a string"}],
    });
    assert_eq!(in_json_rpc(Dialect::V1_0, &error)["error"]["data"][1], detail);
    assert_eq!(in_rest(Dialect::V1_0, &error).1["error"]["details"][1], detail);
    assert_eq!(in_json_rpc(Dialect::V0_1, &error)["error"]["data"]["fieldViolations"], detail["fieldViolations"]);
}

#[test]
fn a_missing_task_is_told_in_full() {
    let error = A2aError::TaskNotFound { task_id: text("t-1") };
    let detail = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "TASK_NOT_FOUND", "domain": "a2a-protocol.org", "metadata": {"taskId": "t-1"},
    });
    let expected = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32001, "message": "task `t-1` not found", "data": [detail]}});
    assert_eq!(in_json_rpc(Dialect::V1_0, &error), expected);
    let expected = json!({"error": {"code": 404, "status": "NOT_FOUND", "message": "task `t-1` not found", "details": [detail]}});
    assert_eq!(in_rest(Dialect::V1_0, &error), (404, expected));
}

#[test]
fn what_passes_says_when_to_try_again() {
    let data = in_json_rpc(Dialect::V1_0, &A2aError::RateLimited { retry_after_seconds: 3 })["error"]["data"].clone();
    assert_eq!(data[1], json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}));
}

#[test]
fn a_stream_tells_its_error_as_an_event() {
    let error = A2aError::Internal;
    for dialect in [Dialect::V1_0, Dialect::V0_3, Dialect::V0_1] {
        let body: Value = serde_json::from_str(&EventWriter::new(RpcId::Null, dialect).body(Err(&error), true)).unwrap();
        assert_eq!((&body["id"], &body["error"]["code"]), (&Value::Null, &json!(-32603)));
        assert_eq!(rest::event_body(dialect, Err(&error), true), rest::error_body(dialect, &error).1);
    }
}
