//! What template.yaml says that the gateway acts upon: functions, their events and times, and the API's error responses.

mod document;
mod rate;
mod tags;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, anyhow, ensure};
use http::Method;

use document::{ApiProperties, Document, EventDocument, FunctionProperties, Globals};

/// The template that the binary was built with.
pub const BUILT_IN: &str = include_str!("../../../template.yaml");

/// How long API Gateway waits on a route that names no time of its own.
const BUFFERED_ROUTE: Duration = Duration::from_secs(29);
/// How long Lambda lets a function run that names no time of its own.
const DEFAULT_FUNCTION_SECONDS: u64 = 3;
/// Lambda's memory where a function names none.
const DEFAULT_MEMORY_MB: u32 = 128;

/// The variables that belong to the deployment. The others say where things are, which is this machine's business.
const DEPLOYED: [&str; 1] = ["A2A_REQUEST_TIMEOUT_SECONDS"];

/// A deployment as it is described.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// By logical id.
    pub functions: Vec<Function>,
    /// The stage of the API.
    pub stage: String,
    /// Type of the response (`REQUEST_TOO_LARGE`) to status and body, as far as the template sets them.
    pub responses: BTreeMap<String, GatewayResponse>,
}

/// A function and what calls it.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// The folder of its crate: `front-door`.
    pub name: String,
    /// When it is killed.
    pub timeout: Duration,
    /// Its memory on AWS.
    pub memory_mb: u32,
    /// How many invocations may run at the same time, where it says so.
    pub reserved_concurrency: Option<usize>,
    /// Environment variables of [`DEPLOYED`].
    pub variables: BTreeMap<String, String>,
    /// In no order.
    pub events: Vec<Event>,
}

/// What calls a function.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A route of the API.
    Route(Route),
    /// Batches of a queue.
    Queue {
        /// In the queue's own words: `run-task` for `RunTaskQueue`.
        queue: String,
        /// Messages of one call at most.
        batch_size: u32,
        /// Calls at the same time at most.
        max_concurrency: usize,
    },
    /// The clock.
    Schedule {
        /// The time between calls.
        every: Duration,
    },
}

/// A route of the API.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// `None` for any.
    pub method: Option<Method>,
    /// In API Gateway's syntax: `/tasks/{id}`, `/{proxy+}`.
    pub path: String,
    /// Whether the response goes out as it comes, or whole at its end.
    pub streamed: bool,
    /// How long the API waits for the response's end.
    pub timeout: Duration,
}

/// What the API itself answers where no function does.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayResponse {
    /// `None` for the type's own.
    pub status: Option<u16>,
    /// JSON, with `$context.…` variables; `None` for API Gateway's own.
    pub body: Option<String>,
    /// By their names.
    pub headers: BTreeMap<String, String>,
}

impl Template {
    /// Reads YAML with CloudFormation's tags.
    ///
    /// # Errors
    /// Name the resource that can't be understood.
    pub fn parse(yaml: &str) -> Result<Self> {
        let document: Document = serde_yaml_ng::from_value(tags::resolve(serde_yaml_ng::from_str(yaml)?))?;
        let mut template = Template { functions: Vec::new(), stage: String::new(), responses: BTreeMap::new() };
        for (id, resource) in document.resources {
            let about = || format!("the resource `{id}`");
            match resource.kind.as_str() {
                "AWS::Serverless::Function" => {
                    let properties = serde_yaml_ng::from_value(resource.properties).with_context(about)?;
                    template.functions.push(function(properties, &document.globals).with_context(about)?);
                }
                "AWS::Serverless::Api" => {
                    let api: ApiProperties = serde_yaml_ng::from_value(resource.properties).with_context(about)?;
                    template.stage = api.stage_name;
                    template.responses = api.gateway_responses.into_iter().map(|(kind, response)| (kind, response.into())).collect();
                }
                _ => {}
            }
        }
        ensure!(!template.functions.is_empty(), "it has no AWS::Serverless::Function");
        Ok(template)
    }
}

fn function(properties: FunctionProperties, globals: &Globals) -> Result<Function> {
    let name = properties.code_uri.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty() && *name != ".");
    let name = name.ok_or_else(|| anyhow!("its CodeUri `{}` names no crate's folder", properties.code_uri))?.to_owned();
    let seconds = properties.timeout.or(globals.function.timeout).unwrap_or(DEFAULT_FUNCTION_SECONDS);
    let memory_mb = properties.memory_size.or(globals.function.memory_size).unwrap_or(DEFAULT_MEMORY_MB);
    let events = properties.events.into_iter().map(|(id, event)| self::event(event).with_context(|| format!("its event `{id}`")));
    let events = events.collect::<Result<_>>()?;
    let described = globals.function.environment.variables.iter().chain(&properties.environment.variables);
    let variables = described.filter(|(name, _)| DEPLOYED.contains(&name.as_str()));
    let variables = variables.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    Ok(Function {
        name,
        timeout: Duration::from_secs(seconds),
        memory_mb,
        reserved_concurrency: properties.reserved_concurrent_executions.and_then(|number| number.as_u64()?.try_into().ok()),
        variables,
        events,
    })
}

fn event(event: EventDocument) -> Result<Event> {
    Ok(match event {
        EventDocument::Api(api) => Event::Route(Route {
            method: match api.method.to_ascii_uppercase().as_str() {
                "ANY" => None,
                method => Some(method.parse().with_context(|| format!("the method `{method}`"))?),
            },
            path: api.path,
            // The only value that streams: SAM ignores every other one.
            streamed: api.response_transfer_mode.as_deref() == Some("RESPONSE_STREAM"),
            timeout: api.timeout_in_millis.map_or(BUFFERED_ROUTE, Duration::from_millis),
        }),
        EventDocument::Sqs(sqs) => Event::Queue {
            queue: sqs.queue_name()?,
            batch_size: sqs.batch_size.unwrap_or(10),
            max_concurrency: sqs.scaling_config.maximum_concurrency.unwrap_or(10),
        },
        EventDocument::Schedule(schedule) => Event::Schedule { every: rate::parse(&schedule.schedule)? },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_template_describes_every_function_and_its_triggers() {
        let template = Template::parse(BUILT_IN).unwrap();
        let of = |name: &str| template.functions.iter().find(|function| function.name == name).unwrap();
        assert_eq!(template.functions.len(), 19);
        assert_eq!(of("send-message").timeout, Duration::from_secs(30));
        assert_eq!(of("front-door").timeout, Duration::from_secs(900));
        assert!(matches!(&of("run-task").events[..], [Event::Queue { queue, batch_size: 1, .. }] if queue == "run-task"));
        assert!(matches!(&of("deliver-push").events[..], [Event::Queue { queue, .. }] if queue == "deliver-push"));
        assert_eq!(of("sweep").events, [Event::Schedule { every: Duration::from_secs(60) }]);
        assert_eq!(template.responses["REQUEST_TOO_LARGE"].status, Some(413));
    }

    #[test]
    fn a_function_streams_on_all_of_its_routes_or_on_none() {
        let template = Template::parse(BUILT_IN).unwrap();
        let mut streamed = Vec::new();
        for function in &template.functions {
            let modes: Vec<_> = function.events.iter().filter_map(mode).collect();
            assert!(modes.windows(2).all(|pair| pair[0] == pair[1]), "{}", function.name);
            if let Some((true, timeout)) = modes.first() {
                assert_eq!(*timeout, Duration::from_secs(900), "{}", function.name);
                streamed.push(function.name.as_str());
            }
        }
        assert_eq!(streamed, ["front-door", "send-streaming-message", "subscribe-to-task"]);
    }

    fn mode(event: &Event) -> Option<(bool, Duration)> {
        match event {
            Event::Route(route) => Some((route.streamed, route.timeout)),
            _ => None,
        }
    }

    #[test]
    fn what_can_not_be_understood_is_named() {
        let error = |yaml: &str| format!("{:#}", Template::parse(yaml).unwrap_err());
        assert_eq!(error("Resources: {}"), "it has no AWS::Serverless::Function");
        let odd = "Resources: { Odd: { Type: AWS::Serverless::Function, Properties: { CodeUri: functions/odd, Events: { Tick: { Type: Schedule, Properties: { Schedule: cron(1) } } } } } }";
        assert_eq!(error(odd), "the resource `Odd`: its event `Tick`: `cron(1)` is no rate such as `rate(1 minute)`");
    }

    #[test]
    fn reserved_concurrency_is_a_number_or_none() {
        let of = |reserved: &str| {
            let yaml = format!("Resources: {{ One: {{ Type: AWS::Serverless::Function, Properties: {{ CodeUri: f/one, {reserved} }} }} }}");
            Template::parse(&yaml).unwrap().functions[0].reserved_concurrency
        };
        assert_eq!(of("ReservedConcurrentExecutions: 3"), Some(3));
        assert_eq!(of("ReservedConcurrentExecutions: !If [Has, 3, !Ref 'AWS::NoValue']"), None);
        assert_eq!(of("Timeout: 3"), None);
    }

    #[test]
    fn parameters_stand_for_their_defaults() {
        let yaml = "
            Parameters: { Seconds: { Type: Number, Default: 7 } }
            Resources:
              One: { Type: AWS::Serverless::Function, Properties: { CodeUri: functions/one, Timeout: !Ref Seconds } }";
        assert_eq!(Template::parse(yaml).unwrap().functions[0].timeout, Duration::from_secs(7));
    }
}
