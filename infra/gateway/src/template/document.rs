//! The parts of a SAM template that are read, as they are written.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_yaml_ng::Value;

use super::GatewayResponse;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document {
    #[serde(default)]
    pub(super) globals: Globals,
    pub(super) resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Globals {
    #[serde(default)]
    pub(super) function: GlobalFunction,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GlobalFunction {
    pub(super) timeout: Option<u64>,
    pub(super) memory_size: Option<u32>,
    #[serde(default)]
    pub(super) environment: Environment,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Environment {
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Resource {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FunctionProperties {
    pub(super) code_uri: String,
    pub(super) timeout: Option<u64>,
    pub(super) memory_size: Option<u32>,
    /// A number, or what depends on a parameter that has none by default.
    pub(super) reserved_concurrent_executions: Option<serde_yaml_ng::Value>,
    #[serde(default)]
    pub(super) environment: Environment,
    #[serde(default)]
    pub(super) events: BTreeMap<String, EventDocument>,
}

#[derive(Deserialize)]
#[serde(tag = "Type", content = "Properties")]
pub(super) enum EventDocument {
    Api(ApiEvent),
    #[serde(rename = "SQS")]
    Sqs(SqsEvent),
    Schedule(ScheduleEvent),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ApiEvent {
    pub(super) path: String,
    pub(super) method: String,
    pub(super) response_transfer_mode: Option<String>,
    pub(super) timeout_in_millis: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SqsEvent {
    queue: Value,
    pub(super) batch_size: Option<u32>,
    #[serde(default)]
    pub(super) scaling_config: ScalingConfig,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ScalingConfig {
    pub(super) maximum_concurrency: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ScheduleEvent {
    pub(super) schedule: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ApiProperties {
    pub(super) stage_name: String,
    #[serde(default)]
    pub(super) gateway_responses: BTreeMap<String, GatewayResponseDocument>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GatewayResponseDocument {
    status_code: Option<u16>,
    #[serde(default)]
    response_templates: BTreeMap<String, String>,
    #[serde(default)]
    response_parameters: ResponseParameters,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct ResponseParameters {
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl SqsEvent {
    /// `run-task` for a reference to `RunTaskQueue`.
    pub(super) fn queue_name(&self) -> Result<String> {
        let id = match self.queue.get("Fn::GetAtt") {
            Some(Value::Sequence(parts)) => parts.first().and_then(Value::as_str),
            Some(attribute) => attribute.as_str().and_then(|attribute| attribute.split('.').next()),
            None => None,
        };
        let id = id.context("its queue is no `!GetAtt SomeQueue.Arn`")?;
        Ok(kebab_case(id.strip_suffix("Queue").unwrap_or(id)))
    }
}

fn kebab_case(pascal_case: &str) -> String {
    let mut name = String::with_capacity(pascal_case.len() + 4);
    for letter in pascal_case.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

impl From<GatewayResponseDocument> for GatewayResponse {
    fn from(document: GatewayResponseDocument) -> Self {
        let mut templates = document.response_templates;
        // API Gateway tells a value from a mapping by its quotes.
        let plain = |value: String| value.trim_matches('\'').to_owned();
        let headers = document.response_parameters.headers.into_iter().map(|(name, value)| (name, plain(value))).collect();
        GatewayResponse { status: document.status_code, body: templates.remove("application/json"), headers }
    }
}
