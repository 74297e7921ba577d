//! What an error carries besides its code and message: `google.rpc` details (spec sections 9.5 and 11.6).

use serde_json::{Map, Value, json};

use crate::A2aError;

const DOMAIN: &str = "a2a-protocol.org";

/// The details of v1.0 and v0.3: an `ErrorInfo`, then what the error adds to it.
pub(crate) fn details(error: &A2aError) -> Value {
    let mut info = Map::from_iter([
        ("@type".to_owned(), "type.googleapis.com/google.rpc.ErrorInfo".into()),
        ("reason".to_owned(), error.reason().into()),
        ("domain".to_owned(), DOMAIN.into()),
    ]);
    let metadata = metadata(error);
    if !metadata.is_empty() {
        info.insert("metadata".to_owned(), metadata.into());
    }
    let mut details = vec![Value::Object(info)];
    match error {
        A2aError::InvalidParams { .. } => {
            details.push(json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": field_violations(error)}));
        }
        A2aError::RateLimited { retry_after_seconds }
        | A2aError::AddressBlocked { retry_after_seconds }
        | A2aError::Unavailable { retry_after_seconds } => {
            details.push(json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{retry_after_seconds}s")}));
        }
        _ => {}
    }
    details.into()
}

/// The same facts as one object, which is all that v0.1 allows `data` to be.
pub(crate) fn flat_details(error: &A2aError) -> Value {
    let mut data = Map::from_iter([("reason".to_owned(), error.reason().into())]);
    data.extend(metadata(error));
    if matches!(error, A2aError::InvalidParams { .. }) {
        data.insert("fieldViolations".to_owned(), field_violations(error));
    }
    data.into()
}

fn field_violations(error: &A2aError) -> Value {
    let A2aError::InvalidParams { violations } = error else {
        return Value::Null;
    };
    violations.iter().map(|violation| json!({"field": violation.field, "description": violation.description})).collect()
}

/// `ErrorInfo.metadata`: strings only.
fn metadata(error: &A2aError) -> Map<String, Value> {
    let pairs: &[(&str, &str)] = match error {
        A2aError::TaskNotFound { task_id } => &[("taskId", task_id)],
        A2aError::TaskNotCancelable { task_id, state } => &[("taskId", task_id), ("state", state)],
        A2aError::ContentTypeNotSupported { media_type, accepted } => &[("mediaType", media_type), ("accepted", accepted)],
        A2aError::ExtensionSupportRequired { uri } => &[("extension", uri)],
        A2aError::VersionNotSupported { version } => &[("version", version), ("supportedVersions", "0.3,1.0")],
        A2aError::MethodNotFound { method } => &[("method", method)],
        A2aError::MethodNotAllowed { method, path, allow } => &[("method", method), ("path", path), ("allow", allow)],
        A2aError::RouteNotFound { method, path } => &[("method", method), ("path", path)],
        A2aError::UnsupportedMediaType { content_type } => &[("contentType", content_type)],
        A2aError::PayloadTooLarge { limit_bytes } => return number("limitBytes", *limit_bytes),
        A2aError::Timeout { limit_seconds } => return number("limitSeconds", *limit_seconds),
        A2aError::RateLimited { retry_after_seconds }
        | A2aError::AddressBlocked { retry_after_seconds }
        | A2aError::Unavailable { retry_after_seconds } => {
            return number("retryAfterSeconds", *retry_after_seconds);
        }
        A2aError::PushNotificationNotSupported
        | A2aError::UnsupportedOperation { .. }
        | A2aError::InvalidAgentResponse { .. }
        | A2aError::ExtendedAgentCardNotConfigured
        | A2aError::ParseError { .. }
        | A2aError::InvalidRequest { .. }
        | A2aError::InvalidParams { .. }
        | A2aError::Internal
        | A2aError::Unauthenticated { .. }
        | A2aError::PermissionDenied { .. }
        | A2aError::HeadersTooLarge { .. } => &[],
    };
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect()
}

fn number(key: &str, value: impl ToString) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value.to_string().into())])
}
