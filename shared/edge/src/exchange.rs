//! One request taken apart as far as every function needs it.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, Utc};
use engine::{
    Caller,
    ports::{AuditKind, AuditOutcome},
};
use guard::Standing;
use http::{HeaderMap, header::HOST, request::Parts, uri::Authority};
use lambda_http::{RequestExt, request::RequestContext};

use crate::{
    App, AuditEvent, asked,
    cards::Shown,
    path::{Place, Target, place, target},
    trace::Trace,
};

/// The scheme in the client's URL.
const FORWARDED_PROTO: &str = "x-forwarded-proto";
/// Left for the answer to get out before the function's own deadline.
const MARGIN: Duration = Duration::from_millis(500);

/// A request's head, and who it is from.
pub(crate) struct Exchange<'a> {
    pub http_method: &'a http::Method,
    pub headers: &'a HeaderMap,
    /// As it came.
    pub full_path: &'a str,
    pub target: Target<'a>,
    pub place: Place<'a>,
    /// Decoded.
    pub query: &'a [(String, String)],
    /// `A2A-Version`, perhaps empty.
    pub version: &'a str,
    pub request_id: Option<&'a str>,
    /// When it came: the time by which it is judged.
    pub came_at: DateTime<Utc>,
    /// `None` where the request isn't part of any.
    pub trace: Option<Trace<'a>>,
    pub caller: Caller,
    /// Where it comes from, as API Gateway saw it: never what a header says.
    pub address: Option<&'a str>,
    /// Requests a minute that its API key allows, in place of every other limit.
    pub own_limit: Option<u32>,
    /// What it was counted to, once it was.
    pub standing: Option<(&'static str, Standing)>,
    context: Option<&'a RequestContext>,
    until_deadline: Option<Duration>,
    time_left: Duration,
}

impl<'a> Exchange<'a> {
    pub fn new(app: &'a App, parts: &'a Parts, query: &'a [(String, String)]) -> Self {
        // Without the stage, which isn't part of the route.
        let full_path = Some(parts.raw_http_path()).filter(|path| !path.is_empty()).unwrap_or_else(|| parts.uri.path());
        let target = target(full_path, app.settings.base_path.as_deref(), |segment| app.engine.agent(segment).is_some());
        let context = parts.request_context_ref();
        let lambda = parts.lambda_context_ref();
        let (gateway_id, address) = match context {
            Some(RequestContext::ApiGatewayV1(context)) => (context.request_id.as_deref(), context.identity.source_ip.as_deref()),
            _ => (None, None),
        };
        // In Lambda the function's own time may end before that of a call.
        let deadline = lambda.map(|lambda| lambda.deadline).filter(|deadline| *deadline > 0);
        let came_at = app.ports.clock.now();
        let now = came_at.timestamp_millis();
        let until_deadline =
            deadline.map(|deadline| Duration::from_millis(deadline.saturating_sub(u64::try_from(now).unwrap_or(0))).saturating_sub(MARGIN));
        Exchange {
            http_method: &parts.method,
            headers: &parts.headers,
            full_path,
            target,
            place: place(target),
            query,
            version: asked::version(&parts.headers, query),
            request_id: gateway_id.or_else(|| lambda.map(|lambda| lambda.request_id.as_str())).filter(|id| !id.is_empty()),
            came_at,
            trace: Trace::of(&parts.headers),
            caller: Caller::anonymous(),
            address,
            own_limit: None,
            standing: None,
            context,
            until_deadline,
            time_left: until_deadline.map_or(app.settings.request_timeout, |left| left.min(app.settings.request_timeout)),
        }
    }

    /// What happens in this request, for the audit log.
    pub fn event(&self, kind: AuditKind, outcome: AuditOutcome, detail: &'static str) -> AuditEvent {
        AuditEvent {
            subject: self.caller.owner.clone(),
            address: self.address.map(str::to_owned),
            request_id: self.request_id.map(str::to_owned),
            method: self.place.name(),
            ..AuditEvent::new(kind, outcome, detail)
        }
    }

    /// `A2A-Version`; `None` where it isn't sent.
    pub fn sent_version(&self) -> Option<&'a str> {
        Some(self.version).filter(|version| !version.is_empty())
    }

    /// Whether it came by HTTPS, as API Gateway says, which writes over what a client says.
    pub fn is_https(&self) -> bool {
        self.headers.get(FORWARDED_PROTO).is_some_and(|scheme| scheme == "https")
    }

    /// Whether it comes from this machine.
    pub fn is_local(&self) -> bool {
        self.address.and_then(|address| address.parse().ok()).is_some_and(|address: IpAddr| address.to_canonical().is_loopback())
    }

    /// `traceparent` for what the request brings about.
    pub fn traceparent(&self) -> Option<String> {
        self.trace.as_ref().map(|trace| trace.parent(self.request_id))
    }

    /// How long a blocking call may take from now.
    pub fn time_left(&self) -> Duration {
        self.time_left
    }

    /// How long a stream may last from now; `None` where the function's time doesn't end.
    pub fn stream_left(&self) -> Option<Duration> {
        self.until_deadline
    }

    /// What the cards of this place depend on.
    pub async fn shown<'b>(&'b self, app: &App, base_url: &'b str) -> Shown<'b> {
        Shown { base_url, tenant: self.target.tenant, api_keys: app.guard.takes_api_keys(app.ports.clock.now()).await }
    }

    /// The URL that everything here is below, as this client knows it; without a trailing slash.
    pub fn base_url(&self, app: &App) -> String {
        if let Some(url) = &app.settings.public_url {
            return url.clone();
        }
        let (domain, staged_path) = match self.context {
            Some(RequestContext::ApiGatewayV1(context)) => (context.domain_name.as_deref(), context.path.as_deref()),
            _ => (None, None),
        };
        let is_authority = |host: &&str| host.parse::<Authority>().is_ok_and(|authority| !authority.as_str().contains('@'));
        let header = |name| self.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let host = header(HOST.as_str()).filter(is_authority).or(domain).unwrap_or("localhost");
        let scheme = match header(FORWARDED_PROTO) {
            Some(scheme @ ("http" | "https")) => scheme,
            _ if domain.is_some_and(|domain| domain.ends_with(".amazonaws.com")) => "https",
            _ => "http",
        };
        // API Gateway's own domain has the stage before the path.
        let stage = staged_path.and_then(|path| path.strip_suffix(self.full_path)).map_or("", |stage| stage.trim_end_matches('/'));
        let base_path = app.settings.base_path.as_deref().filter(|base| self.full_path.starts_with(*base)).unwrap_or("");
        format!("{scheme}://{host}{stage}{base_path}")
    }
}
