//! What the HTTP functions share: an event of API Gateway becomes a call, what came of it a response. One pipeline for all of them.

mod app;
mod body;
mod serve;
mod work;

pub use app::{App, EdgeSettings};
pub use body::Body;
pub use protocol::Method;
pub use serve::{Serves, serve};
pub use work::{ScheduledEvent, SqsBatchResponse, SqsEvent, Swept, sweep, work};

/// An event of API Gateway (REST, payload v1) as an HTTP request.
pub type Request = lambda_http::Request;

/// What a function answers.
pub type Response = http::Response<Body>;
