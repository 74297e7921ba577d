//! JSON-RPC 2.0 for every dialect: envelopes, ids, batches, notifications (spec section 9).

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Number, Value, value::RawValue};

use crate::{
    A2aError, Answer, Call, Dialect, Method,
    dialect::{ArtifactOrder, v0_1, v0_3, v1_0},
    error,
    types::StreamResponse,
    write::json,
};

/// The body of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// A single request. What is no request at all is one whose `call` is an error.
    One(RpcRequest),
    /// At least one, answered by one array; notifications are left out of it, and nothing but notifications gets no body at all.
    Batch(Vec<RpcRequest>),
}

/// One call, or why it is none.
#[derive(Debug, Clone, PartialEq)]
pub struct RpcRequest {
    /// To be echoed; `None` for a notification, which gets no answer.
    pub id: Option<RpcId>,
    /// As sent, for metrics and logs; empty where there is none.
    pub method: String,
    /// The one to answer in.
    pub dialect: Dialect,
    /// `params.tenant` (spec section 9.4), unless empty.
    pub tenant: Option<String>,
    /// What to do.
    pub call: Result<Call, A2aError>,
}

/// A request's id, echoed with its type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RpcId {
    /// Any text.
    String(String),
    /// An integer of up to 64 bits, exactly.
    Number(Number),
    /// Explicit, or of what is no request.
    Null,
}

impl Serialize for RpcId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            RpcId::String(text) => serializer.serialize_str(text),
            RpcId::Number(number) => number.serialize(serializer),
            RpcId::Null => serializer.serialize_unit(),
        }
    }
}

/// Reads a body. `version` is the `A2A-Version` header or query parameter.
///
/// The method's name tells the dialect; an explicit version only narrows what is taken: with `1.0` the names of v1.0 alone,
/// with `0.3` or without one the names of every dialect. The names that v0.1 and v0.3 share are read as v0.3.
///
/// A single call that can't be understood is answered even where it has no id, if it is not v1.0: both older schemas demand one.
pub fn parse(body: &[u8], version: Option<&str>) -> Incoming {
    match serde_json::from_slice(body) {
        Ok(Value::Array(members)) if members.is_empty() => {
            Incoming::One(no_request(version, RpcId::Null, "", "a batch must have at least one request"))
        }
        Ok(Value::Array(members)) => Incoming::Batch(members.into_iter().map(|member| request(member, version)).collect()),
        Ok(value) => {
            let mut request = request(value, version);
            if request.id.is_none() && request.call.is_err() && request.dialect != Dialect::V1_0 {
                request.id = Some(RpcId::Null);
            }
            Incoming::One(request)
        }
        Err(error) => Incoming::One(RpcRequest {
            id: Some(RpcId::Null),
            method: String::new(),
            dialect: answering(version),
            tenant: None,
            call: Err(A2aError::ParseError { reason: error.to_string() }),
        }),
    }
}

/// The longest id that a refusal echoes, in bytes of JSON.
pub const MAX_REFUSED_ID_BYTES: usize = 1024;

/// To whom a refusal goes that comes before the parameters are looked at: the id of a single request, and the dialect that it is in. `Null` where
/// there is no such id, or a very long one.
pub fn addressee(body: &[u8], version: Option<&str>) -> (RpcId, Dialect) {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        #[serde(borrow)]
        method: Option<&'a RawValue>,
    }
    // An array would be read as the members in their order.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let envelope = if is_object { serde_json::from_slice::<Envelope<'_>>(body).ok() } else { None };
    let Some(Envelope { id, method }) = envelope else { return (RpcId::Null, answering(version)) };
    fn short(value: Option<&RawValue>) -> Option<&str> {
        value.map(RawValue::get).filter(|json| json.len() <= MAX_REFUSED_ID_BYTES)
    }
    let id = match short(id).and_then(|json| serde_json::from_str(json).ok()) {
        Some(Value::String(text)) => RpcId::String(text),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => RpcId::Number(number),
        _ => RpcId::Null,
    };
    let method: Option<String> = short(method).and_then(|json| serde_json::from_str(json).ok());
    (id, method.map_or_else(|| answering(version), |method| recognise(&method, version).0))
}

/// The dialect of an answer to what names no method: v1.0's error data is readable to v0.3 as well.
fn answering(version: Option<&str>) -> Dialect {
    Dialect::requested(version).ok().flatten().unwrap_or_default()
}

fn no_request(version: Option<&str>, id: RpcId, method: &str, reason: &str) -> RpcRequest {
    RpcRequest {
        id: Some(id),
        method: method.to_owned(),
        dialect: answering(version),
        tenant: None,
        call: Err(A2aError::InvalidRequest { reason: reason.to_owned() }),
    }
}

fn request(value: Value, version: Option<&str>) -> RpcRequest {
    let Value::Object(mut envelope) = value else {
        return no_request(version, RpcId::Null, "", "a request must be an object");
    };
    let id = match envelope.remove("id") {
        None => None,
        Some(Value::Null) => Some(RpcId::Null),
        Some(Value::String(text)) => Some(RpcId::String(text)),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Some(RpcId::Number(number)),
        Some(_) => {
            return no_request(version, RpcId::Null, "", "`id` must be a string, an integer or null");
        }
    };
    let method = match envelope.remove("method") {
        Some(Value::String(method)) if !method.is_empty() => method,
        Some(_) => {
            return no_request(version, id.unwrap_or(RpcId::Null), "", "`method` must be a string, and not empty");
        }
        None => {
            return no_request(version, id.unwrap_or(RpcId::Null), "", "`method` is required");
        }
    };
    if envelope.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return no_request(version, id.unwrap_or(RpcId::Null), &method, "`jsonrpc` must be \"2.0\"");
    }
    let params = match envelope.remove("params") {
        Some(Value::Object(params)) => Ok(params),
        Some(Value::Null) | None => Ok(Map::new()),
        Some(Value::Array(_)) => Err(A2aError::invalid("params", "must be an object: parameters go by name")),
        Some(_) => {
            return no_request(version, id.unwrap_or(RpcId::Null), &method, "`params` must be an object");
        }
    };
    let tenant =
        params.as_ref().ok().and_then(|params| params.get("tenant")).and_then(Value::as_str).filter(|tenant| !tenant.is_empty()).map(str::to_owned);
    let (dialect, operation) = recognise(&method, version);
    let call = operation.and_then(|operation| {
        let params = params?;
        match dialect {
            Dialect::V1_0 => v1_0::call(operation, params),
            Dialect::V0_3 => v0_3::call(operation, params, v0_3::Form::JsonRpc),
            Dialect::V0_1 => v0_1::call(operation, params),
        }
    });
    RpcRequest { id, method, dialect, tenant, call }
}

fn recognise(method: &str, version: Option<&str>) -> (Dialect, Result<Method, A2aError>) {
    let requested = match Dialect::requested(version) {
        Ok(requested) => requested,
        Err(error) => return (Dialect::default(), Err(error)),
    };
    if let Some(operation) = v1_0::method(method) {
        return (Dialect::V1_0, Ok(operation));
    }
    let older = if requested == Some(Dialect::V1_0) {
        None
    } else {
        let v0_3 = v0_3::method(method).map(|operation| (Dialect::V0_3, operation));
        v0_3.or_else(|| v0_1::method(method).map(|operation| (Dialect::V0_1, operation)))
    };
    match older {
        Some((dialect, operation)) => (dialect, Ok(operation)),
        None => {
            let looks_like = if method.contains('/') { Dialect::V0_3 } else { Dialect::V1_0 };
            (requested.unwrap_or(looks_like), Err(A2aError::MethodNotFound { method: method.to_owned() }))
        }
    }
}

#[derive(Serialize)]
struct Success<'a, T> {
    jsonrpc: &'static str,
    id: &'a RpcId,
    result: T,
}

fn success(id: &RpcId, result: impl Serialize) -> String {
    json(&Success { jsonrpc: "2.0", id, result })
}

fn failure(id: &RpcId, dialect: Dialect, error: &A2aError) -> String {
    #[derive(Serialize)]
    struct ErrorObject {
        code: i32,
        message: String,
        data: Value,
    }
    #[derive(Serialize)]
    struct Failure<'a> {
        jsonrpc: &'static str,
        id: &'a RpcId,
        error: ErrorObject,
    }
    let data = match dialect {
        Dialect::V1_0 | Dialect::V0_3 => error::details(error),
        Dialect::V0_1 => error::flat_details(error),
    };
    json(&Failure { jsonrpc: "2.0", id, error: ErrorObject { code: error.code(), message: error.to_string(), data } })
}

/// The whole response to a call that is not streamed.
pub fn answer_body(id: &RpcId, dialect: Dialect, method: Method, outcome: Result<&Answer, &A2aError>) -> String {
    match (outcome, dialect) {
        (Err(error), dialect) => failure(id, dialect, error),
        (Ok(answer), Dialect::V1_0) => success(id, v1_0::Reply { method, answer }),
        (Ok(answer), Dialect::V0_3) => success(id, v0_3::Reply { form: v0_3::Form::JsonRpc, method, answer }),
        (Ok(answer), Dialect::V0_1) => success(id, v0_1::Reply(answer)),
    }
}

/// Writes the events of one stream, each as a response of its own.
#[derive(Debug, Clone)]
pub struct EventWriter {
    id: RpcId,
    dialect: Dialect,
    artifacts: ArtifactOrder,
}

impl EventWriter {
    /// A writer for the answer to the request of that id.
    pub fn new(id: RpcId, dialect: Dialect) -> Self {
        EventWriter { id, dialect, artifacts: ArtifactOrder::default() }
    }

    /// The payload of one server-sent event; `last` says that the stream ends with it.
    pub fn body(&mut self, event: Result<&StreamResponse, &A2aError>, last: bool) -> String {
        let id = &self.id;
        match (event, self.dialect) {
            (Err(error), dialect) => failure(id, dialect, error),
            (Ok(event), Dialect::V1_0) => success(id, v1_0::StreamResponse(event)),
            (Ok(event), Dialect::V0_3) => success(id, v0_3::StreamResponse { form: v0_3::Form::JsonRpc, event, last }),
            (Ok(event), Dialect::V0_1) => {
                let artifact_index = self.artifacts.index(event);
                success(id, v0_1::StreamResponse { event, last, artifact_index })
            }
        }
    }
}
