//! HTTP+JSON of v1.0 (spec section 11) and of v0.3.

mod route;

use serde_json::{Map, Value, json};

use self::route::{Matched, body_or_query, route};
pub use crate::dialect::FileBytes;
use crate::{
    A2aError, Answer, Call, Dialect, Method,
    dialect::{v0_3, v1_0},
    error,
    types::StreamResponse,
    write::json as text,
};

/// What a request to a REST route has to say.
#[derive(Debug, Clone, Copy, Default)]
pub struct RestRequest<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// After base path, stage and tenant, percent-encoded as sent, without a trailing slash. May begin with `/v1`.
    pub path: &'a str,
    /// Decoded.
    pub query: &'a [(String, String)],
    /// Perhaps empty.
    pub body: &'a [u8],
    /// The `A2A-Version` header or query parameter.
    pub version: Option<&'a str>,
    /// Counts in v0.3 only.
    pub file_bytes: FileBytes,
}

/// A request that has a route.
#[derive(Debug, Clone, PartialEq)]
pub struct RestCall {
    /// The one to answer in.
    pub dialect: Dialect,
    /// The route's operation.
    pub method: Method,
    /// `tenant` in the body or the query, unless empty. One in the path goes before it.
    pub tenant: Option<String>,
    /// What to do.
    pub call: Result<Call, A2aError>,
}

/// A request that has no route, or whose version is not spoken here.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The one to answer in.
    pub dialect: Dialect,
    /// [`A2aError::RouteNotFound`] or [`A2aError::VersionNotSupported`].
    pub error: A2aError,
}

/// Reads a request. `/v1` asks for v0.3, unless the version says otherwise; other paths are v1.0, unless the version says otherwise.
pub fn parse(request: RestRequest<'_>) -> Result<RestCall, Refused> {
    let dialect = dialect_of(request.path, request.version).map_err(|error| Refused { dialect: Dialect::default(), error })?;
    let Some(Matched { method, params }) = route(request.method, request.path) else {
        let error = A2aError::RouteNotFound { method: request.method.to_owned(), path: request.path.to_owned() };
        return Err(Refused { dialect, error });
    };
    let mut tenant = None;
    let call = body_or_query(request, method).and_then(|mut fields| {
        tenant = fields.get("tenant").and_then(Value::as_str).filter(|tenant| !tenant.is_empty()).map(str::to_owned);
        name_the_resource(&mut fields, dialect, method, params);
        match dialect {
            Dialect::V1_0 => v1_0::call(method, fields),
            Dialect::V0_3 | Dialect::V0_1 => v0_3::call(method, fields, v0_3::Form::Rest(request.file_bytes)),
        }
    });
    Ok(RestCall { dialect, method, tenant, call })
}

/// The dialect to answer in, also where there is no call: before parsing, and for what is refused without it.
pub fn dialect_of(path: &str, version: Option<&str>) -> Result<Dialect, A2aError> {
    let by_path = if path == "/v1" || path.starts_with("/v1/") { Dialect::V0_3 } else { Dialect::V1_0 };
    Ok(Dialect::requested(version)?.unwrap_or(by_path))
}

/// Ids in the path go before those in body and query.
fn name_the_resource(fields: &mut Map<String, Value>, dialect: Dialect, method: Method, params: route::Params) {
    let Some(task_id) = params.task_id else {
        return;
    };
    let of_task = matches!(method, Method::GetTask | Method::CancelTask | Method::SubscribeToTask);
    if of_task {
        fields.insert("id".to_owned(), task_id.into());
        return;
    }
    fields.insert("taskId".to_owned(), task_id.into());
    if let Some(config_id) = params.config_id {
        let name = if dialect == Dialect::V1_0 { "id" } else { "pushNotificationConfigId" };
        fields.insert(name.to_owned(), config_id.into());
    }
}

/// Who reads an answer: the dialect, and what is peculiar to a client of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// The one to answer in.
    pub dialect: Dialect,
    /// Counts in v0.3 only.
    pub file_bytes: FileBytes,
}

impl From<Dialect> for Reader {
    fn from(dialect: Dialect) -> Self {
        Reader { dialect, file_bytes: FileBytes::default() }
    }
}

/// The body of a successful answer.
pub fn answer_body(reader: impl Into<Reader>, method: Method, answer: &Answer) -> String {
    let Reader { dialect, file_bytes } = reader.into();
    match dialect {
        Dialect::V1_0 => text(&v1_0::Reply { method, answer }),
        Dialect::V0_3 | Dialect::V0_1 => text(&v0_3::Reply { form: v0_3::Form::Rest(file_bytes), method, answer }),
    }
}

/// The payload of one server-sent event; `last` says that the stream ends with it.
pub fn event_body(reader: impl Into<Reader>, event: Result<&StreamResponse, &A2aError>, last: bool) -> String {
    let Reader { dialect, file_bytes } = reader.into();
    match (event, dialect) {
        (Err(error), dialect) => error_body(dialect, error).1,
        (Ok(event), Dialect::V1_0) => text(&v1_0::StreamResponse(event)),
        (Ok(event), Dialect::V0_3 | Dialect::V0_1) => text(&v0_3::StreamResponse { form: v0_3::Form::Rest(file_bytes), event, last }),
    }
}

/// HTTP status and body of an error (spec section 11.6).
pub fn error_body(dialect: Dialect, error: &A2aError) -> (u16, String) {
    let (status, message) = (error.http_status(), error.to_string());
    let body = match dialect {
        Dialect::V1_0 => {
            json!({"error": {"code": status, "status": error.rpc_status(), "message": message, "details": error::details(error)}})
        }
        Dialect::V0_3 | Dialect::V0_1 => {
            json!({"code": error.code(), "type": error.type_name(), "message": message, "data": error::details(error)})
        }
    };
    (status, text(&body))
}
