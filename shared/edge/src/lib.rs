//! What the HTTP functions share: an event of API Gateway becomes a call, what came of it a response. One pipeline for all of them.

mod admin;
mod agents;
mod answers;
pub mod api_gateway;
mod app;
mod asked;
mod audit;
mod blocks;
mod body;
mod cards;
mod exchange;
mod heads;
mod health;
mod json_rpc;
mod limits;
mod observe;
mod path;
mod perform;
mod respond;
mod rest;
mod serve;
mod signing;
mod sse;
mod threats;
mod trace;
mod work;

pub use answers::Answers;
pub use app::{App, EdgeSettings};
pub use audit::{Audit, AuditEvent};
pub use body::Body;
pub use cards::DefaultCard;
pub use health::measure;
pub use observe::{count_refusal, listened_to, turn_end};
pub use protocol::Method;
pub use serve::{MAX_BODY_BYTES, Serves, refuse, serve};
pub use signing::{SigningKey, SigningKeyError, SigningKeySource};
pub use trace::{Trace, span_id};
pub use work::{ScheduledEvent, SqsBatchResponse, SqsEvent, Swept, sweep, work};

/// An event of API Gateway (REST, payload v1) as an HTTP request.
pub type Request = lambda_http::Request;

/// What a function answers.
pub type Response = http::Response<Body>;
