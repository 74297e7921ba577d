//! The closed set of errors that clients can see, with their codes in every binding (spec sections 3.3.2, 5.4, 9.5 and 11.6).

mod details;

pub(crate) use details::{details, flat_details};

/// One field that failed validation: its path as the client wrote it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// Such as `message.parts[0]`.
    pub field: String,
    /// What is wrong, and what would be right.
    pub description: String,
}

/// Everything that can go wrong with a call, as its client is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum A2aError {
    /// No such task, or not this caller's: the two look the same.
    #[error("task `{task_id}` not found")]
    TaskNotFound {
        /// As the client sent it.
        task_id: String,
    },
    /// Already in a terminal state.
    #[error("task `{task_id}` is {state} and can't be canceled")]
    TaskNotCancelable {
        /// The task.
        task_id: String,
        /// The state in the specification's words, such as `TASK_STATE_COMPLETED`.
        state: &'static str,
    },
    /// The agent's card declares no push notifications.
    #[error("push notifications are not supported by this agent")]
    PushNotificationNotSupported,
    /// Understood, but not possible here or now.
    #[error("this operation is not supported: {reason}")]
    UnsupportedOperation {
        /// What, and why not.
        reason: String,
    },
    /// A part's media type that no skill of the agent accepts.
    #[error("incompatible content type: `{media_type}` is not supported (takes {accepted})")]
    ContentTypeNotSupported {
        /// As the client sent it.
        media_type: String,
        /// What the agent takes, comma separated.
        accepted: String,
    },
    /// The agent broke the protocol.
    #[error("the agent's response is invalid: {reason}")]
    InvalidAgentResponse {
        /// What was wrong.
        reason: String,
    },
    /// Declared, but there is none.
    #[error("no extended agent card is configured")]
    ExtendedAgentCardNotConfigured,
    /// The card requires an extension that the request doesn't name.
    #[error("the extension `{uri}` is required (name it in A2A-Extensions)")]
    ExtensionSupportRequired {
        /// The extension.
        uri: String,
    },
    /// `A2A-Version` names another version.
    #[error("A2A version `{version}` is not supported (0.3 and 1.0 are)")]
    VersionNotSupported {
        /// As the client sent it.
        version: String,
    },
    /// The body is not JSON.
    #[error("invalid JSON payload: {reason}")]
    ParseError {
        /// Where and what.
        reason: String,
    },
    /// JSON, but no JSON-RPC request.
    #[error("request payload validation error: {reason}")]
    InvalidRequest {
        /// What is missing or wrong.
        reason: String,
    },
    /// No such method.
    #[error("method `{method}` not found")]
    MethodNotFound {
        /// As the client sent it.
        method: String,
    },
    /// Parameters that can't be used, each named.
    #[error("invalid parameters: {}", describe(.violations))]
    InvalidParams {
        /// At least one.
        violations: Vec<FieldViolation>,
    },
    /// Our fault. The cause is in the log, not here.
    #[error("internal error")]
    Internal,
    /// No or bad credentials.
    #[error("{reason}")]
    Unauthenticated {
        /// Why, without a hint to what would pass.
        reason: String,
    },
    /// The caller's role doesn't allow it.
    #[error("{reason}")]
    PermissionDenied {
        /// What role is needed.
        reason: String,
    },
    /// No such route.
    #[error("no route for {method} {path}")]
    RouteNotFound {
        /// HTTP method.
        method: String,
        /// Path as sent.
        path: String,
    },
    /// There is a route, but not with this HTTP method.
    #[error("{method} is not allowed on {path} (it takes {allow})")]
    MethodNotAllowed {
        /// HTTP method.
        method: String,
        /// Path as sent.
        path: String,
        /// Those that are, comma separated, as in `Allow`.
        allow: String,
    },
    /// A body over the limit.
    #[error("the request has more than {limit_bytes} bytes")]
    PayloadTooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// More or longer headers than are taken.
    #[error("the request's headers are too many or too long: {reason}")]
    HeadersTooLarge {
        /// What there is, and how much is taken.
        reason: String,
    },
    /// The HTTP request's own Content-Type (not a part's).
    #[error("content type `{content_type}` is not supported (send application/json)")]
    UnsupportedMediaType {
        /// As sent, or empty.
        content_type: String,
    },
    /// Too many requests.
    #[error("too many requests; try again in {retry_after_seconds} s")]
    RateLimited {
        /// Whole seconds, at least 1.
        retry_after_seconds: u64,
    },
    /// The address that it comes from isn't heard for a while.
    #[error("this address is blocked after too many wrong credentials, or by an admin; try again in {retry_after_seconds} s")]
    AddressBlocked {
        /// Whole seconds, at least 1.
        retry_after_seconds: u64,
    },
    /// Something that we need is away for a moment.
    #[error("temporarily unavailable; try again in {retry_after_seconds} s")]
    Unavailable {
        /// Whole seconds, at least 1.
        retry_after_seconds: u64,
    },
    /// Not done within the route's time.
    #[error("not finished within {limit_seconds} s")]
    Timeout {
        /// The limit.
        limit_seconds: u64,
    },
}

impl A2aError {
    /// A single invalid field.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        A2aError::InvalidParams { violations: vec![FieldViolation { field: field.into(), description: description.into() }] }
    }

    /// The JSON-RPC code. Those from -32010 on are this server's own, for what HTTP has a status for.
    pub const fn code(&self) -> i32 {
        self.row().0
    }

    /// The status in the HTTP+JSON binding.
    pub const fn http_status(&self) -> u16 {
        self.row().1
    }

    /// The canonical name of the status (`google.rpc.Code`).
    pub const fn rpc_status(&self) -> &'static str {
        self.row().2
    }

    /// `google.rpc.ErrorInfo.reason`: the specification's name in upper snake case, without `Error`.
    pub const fn reason(&self) -> &'static str {
        self.row().3
    }

    /// Whether JSON-RPC, too, answers with [`Self::http_status`] instead of 200: what the HTTP layer decided, not the method.
    pub const fn is_of_transport(&self) -> bool {
        matches!(
            self,
            A2aError::Unauthenticated { .. }
                | A2aError::PermissionDenied { .. }
                | A2aError::RouteNotFound { .. }
                | A2aError::MethodNotAllowed { .. }
                | A2aError::PayloadTooLarge { .. }
                | A2aError::HeadersTooLarge { .. }
                | A2aError::UnsupportedMediaType { .. }
                | A2aError::RateLimited { .. }
                | A2aError::AddressBlocked { .. }
                | A2aError::Unavailable { .. }
                | A2aError::Timeout { .. }
        )
    }

    /// The specification's name of the error, such as `TaskNotFoundError`; the `type` of a v0.3 HTTP answer.
    pub const fn type_name(&self) -> &'static str {
        match self {
            A2aError::TaskNotFound { .. } => "TaskNotFoundError",
            A2aError::TaskNotCancelable { .. } => "TaskNotCancelableError",
            A2aError::PushNotificationNotSupported => "PushNotificationNotSupportedError",
            A2aError::UnsupportedOperation { .. } => "UnsupportedOperationError",
            A2aError::ContentTypeNotSupported { .. } | A2aError::UnsupportedMediaType { .. } => "ContentTypeNotSupportedError",
            A2aError::InvalidAgentResponse { .. } => "InvalidAgentResponseError",
            A2aError::ExtendedAgentCardNotConfigured => "AuthenticatedExtendedCardNotConfiguredError",
            A2aError::ExtensionSupportRequired { .. } => "ExtensionSupportRequiredError",
            A2aError::VersionNotSupported { .. } => "VersionNotSupportedError",
            A2aError::ParseError { .. } => "JSONParseError",
            A2aError::InvalidRequest { .. } => "InvalidRequestError",
            A2aError::MethodNotFound { .. } | A2aError::RouteNotFound { .. } | A2aError::MethodNotAllowed { .. } => "MethodNotFoundError",
            A2aError::InvalidParams { .. } => "InvalidParamsError",
            A2aError::Internal => "InternalError",
            A2aError::Unauthenticated { .. } => "UnauthenticatedError",
            A2aError::PermissionDenied { .. } => "PermissionDeniedError",
            A2aError::PayloadTooLarge { .. } => "PayloadTooLargeError",
            A2aError::HeadersTooLarge { .. } => "HeadersTooLargeError",
            A2aError::RateLimited { .. } => "RateLimitedError",
            A2aError::AddressBlocked { .. } => "AddressBlockedError",
            A2aError::Unavailable { .. } => "UnavailableError",
            A2aError::Timeout { .. } => "TimeoutError",
        }
    }

    const fn row(&self) -> (i32, u16, &'static str, &'static str) {
        match self {
            A2aError::TaskNotFound { .. } => (-32001, 404, "NOT_FOUND", "TASK_NOT_FOUND"),
            A2aError::TaskNotCancelable { .. } => (-32002, 400, "FAILED_PRECONDITION", "TASK_NOT_CANCELABLE"),
            A2aError::PushNotificationNotSupported => (-32003, 400, "FAILED_PRECONDITION", "PUSH_NOTIFICATION_NOT_SUPPORTED"),
            A2aError::UnsupportedOperation { .. } => (-32004, 400, "FAILED_PRECONDITION", "UNSUPPORTED_OPERATION"),
            A2aError::ContentTypeNotSupported { .. } => (-32005, 400, "INVALID_ARGUMENT", "CONTENT_TYPE_NOT_SUPPORTED"),
            A2aError::InvalidAgentResponse { .. } => (-32006, 500, "INTERNAL", "INVALID_AGENT_RESPONSE"),
            A2aError::ExtendedAgentCardNotConfigured => (-32007, 400, "FAILED_PRECONDITION", "EXTENDED_AGENT_CARD_NOT_CONFIGURED"),
            A2aError::ExtensionSupportRequired { .. } => (-32008, 400, "FAILED_PRECONDITION", "EXTENSION_SUPPORT_REQUIRED"),
            A2aError::VersionNotSupported { .. } => (-32009, 400, "FAILED_PRECONDITION", "VERSION_NOT_SUPPORTED"),
            A2aError::ParseError { .. } => (-32700, 400, "INVALID_ARGUMENT", "PARSE_ERROR"),
            A2aError::InvalidRequest { .. } => (-32600, 400, "INVALID_ARGUMENT", "INVALID_REQUEST"),
            A2aError::MethodNotFound { .. } => (-32601, 404, "NOT_FOUND", "METHOD_NOT_FOUND"),
            A2aError::InvalidParams { .. } => (-32602, 400, "INVALID_ARGUMENT", "INVALID_PARAMS"),
            A2aError::Internal => (-32603, 500, "INTERNAL", "INTERNAL"),
            A2aError::Unauthenticated { .. } => (-32010, 401, "UNAUTHENTICATED", "UNAUTHENTICATED"),
            A2aError::PermissionDenied { .. } => (-32011, 403, "PERMISSION_DENIED", "PERMISSION_DENIED"),
            A2aError::MethodNotAllowed { .. } => (-32017, 405, "UNIMPLEMENTED", "METHOD_NOT_ALLOWED"),
            A2aError::RouteNotFound { .. } => (-32012, 404, "NOT_FOUND", "ROUTE_NOT_FOUND"),
            A2aError::PayloadTooLarge { .. } => (-32013, 413, "RESOURCE_EXHAUSTED", "PAYLOAD_TOO_LARGE"),
            A2aError::HeadersTooLarge { .. } => (-32018, 431, "RESOURCE_EXHAUSTED", "HEADERS_TOO_LARGE"),
            A2aError::UnsupportedMediaType { .. } => (-32005, 415, "INVALID_ARGUMENT", "UNSUPPORTED_MEDIA_TYPE"),
            A2aError::RateLimited { .. } => (-32014, 429, "RESOURCE_EXHAUSTED", "RATE_LIMITED"),
            A2aError::AddressBlocked { .. } => (-32018, 403, "PERMISSION_DENIED", "ADDRESS_BLOCKED"),
            A2aError::Unavailable { .. } => (-32015, 503, "UNAVAILABLE", "UNAVAILABLE"),
            A2aError::Timeout { .. } => (-32016, 504, "DEADLINE_EXCEEDED", "TIMEOUT"),
        }
    }
}

fn describe(violations: &[FieldViolation]) -> String {
    violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect::<Vec<_>>().join("; ")
}
