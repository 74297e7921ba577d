//! What the API answers where no function does: statuses and bodies are the template's `GatewayResponses`.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use crate::{body::ResponseBody, template::GatewayResponse};

/// API Gateway's types of responses that occur here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// There is no such path or method.
    NoRoute,
    /// The request can't be read.
    BadRequest,
    /// The function failed.
    FunctionFailed,
    /// The function took too long for its route.
    FunctionTimedOut,
    /// As many of the function run as may at the same time.
    FunctionThrottled,
}

/// The responses, ready to be sent.
pub struct GatewayResponses {
    templates: BTreeMap<String, GatewayResponse>,
}

impl GatewayResponses {
    /// Those of a template.
    pub fn new(templates: BTreeMap<String, GatewayResponse>) -> Self {
        GatewayResponses { templates }
    }

    /// A response whose message, where the template asks for it, is `message`.
    pub fn response(&self, kind: Kind, message: &str) -> Response<ResponseBody> {
        let (name, default, status) = match kind {
            Kind::NoRoute => ("MISSING_AUTHENTICATION_TOKEN", "DEFAULT_4XX", StatusCode::FORBIDDEN),
            Kind::BadRequest => ("BAD_REQUEST_BODY", "DEFAULT_4XX", StatusCode::BAD_REQUEST),
            Kind::FunctionFailed => ("INTEGRATION_FAILURE", "DEFAULT_5XX", StatusCode::BAD_GATEWAY),
            // Lambda's 429 is no configuration error, but that is what API Gateway makes of it.
            Kind::FunctionThrottled => ("API_CONFIGURATION_ERROR", "DEFAULT_5XX", StatusCode::INTERNAL_SERVER_ERROR),
            Kind::FunctionTimedOut => ("INTEGRATION_TIMEOUT", "DEFAULT_5XX", StatusCode::GATEWAY_TIMEOUT),
        };
        let own = self.templates.get(name);
        let default = self.templates.get(default);
        let message = serde_json::Value::from(message).to_string();
        let template = own.and_then(|own| own.body.as_deref()).or_else(|| default.and_then(|default| default.body.as_deref()));
        let body = template.unwrap_or(r#"{"message":$context.error.messageString}"#).replace("$context.error.messageString", &message);
        let mut response = Response::new(ResponseBody::whole(body));
        let set = own.and_then(|own| own.status).and_then(|status| StatusCode::from_u16(status).ok());
        *response.status_mut() = set.unwrap_or(status);
        for (name, value) in own.or(default).iter().flat_map(|template| &template.headers) {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::template::{BUILT_IN, Template};

    async fn parts(responses: &GatewayResponses, kind: Kind) -> (u16, serde_json::Value) {
        let response = responses.response(kind, "a \"quoted\" reason");
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap())
    }

    #[tokio::test]
    async fn every_response_is_json_whose_code_is_the_status() {
        let responses = GatewayResponses::new(Template::parse(BUILT_IN).unwrap().responses);
        for (kind, expected) in [
            (Kind::NoRoute, 404),
            (Kind::BadRequest, 400),
            (Kind::FunctionFailed, 502),
            (Kind::FunctionTimedOut, 504),
            (Kind::FunctionThrottled, 500),
        ] {
            let (status, body) = parts(&responses, kind).await;
            assert_eq!(status, expected);
            assert_eq!(body["error"]["code"], expected);
            assert!(body["error"]["message"].is_string());
        }
        assert_eq!(parts(&responses, Kind::BadRequest).await.1["error"]["message"], "a \"quoted\" reason");
    }

    #[test]
    fn every_response_has_the_security_headers() {
        let responses = GatewayResponses::new(Template::parse(BUILT_IN).unwrap().responses);
        for kind in [Kind::NoRoute, Kind::BadRequest, Kind::FunctionFailed, Kind::FunctionTimedOut, Kind::FunctionThrottled] {
            let response = responses.response(kind, "x");
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("x-xss-protection", "0"),
                ("strict-transport-security", "max-age=31536000; includeSubDomains"),
                ("content-security-policy", "sandbox"),
                ("referrer-policy", "no-referrer"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(response.headers().get(name).map(|value| value.to_str().unwrap()), Some(value), "{kind:?}: {name}");
            }
        }
    }

    #[tokio::test]
    async fn a_template_that_sets_nothing_gets_api_gateways_own() {
        let responses = GatewayResponses::new(BTreeMap::new());
        assert_eq!(parts(&responses, Kind::NoRoute).await, (403, serde_json::json!({"message": "a \"quoted\" reason"})));
    }
}
