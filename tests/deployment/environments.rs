//! What functions are told: each environment, read as the functions read it.

use std::collections::BTreeMap;

use serde_json::Value;
use setup::{
    Settings,
    settings::{DatabaseUrl, Surroundings},
};

use crate::stack::{every_stack, references, substituted, text};

/// A value as AWS would fill it in.
fn filled(value: &Value) -> String {
    let Some((function, argument)) = value.as_object().and_then(|object| object.iter().next()) else { return text(value) };
    match function.as_str() {
        "Ref" | "Fn::GetAtt" => of(&references(value)[0]),
        "Fn::Sub" => {
            let mut whole = text(argument);
            for name in substituted(&text(argument)).map(str::to_owned).collect::<Vec<_>>() {
                whole = whole.replace(&format!("${{{name}}}"), &of(&name));
            }
            whole
        }
        other => panic!("`{other}` in an environment"),
    }
}

fn of(name: &str) -> String {
    match name {
        "RunTaskQueue" => "https://sqs.eu-west-1.amazonaws.com/123456789012/run".into(),
        "DeliverPushQueue" => "https://sqs.eu-west-1.amazonaws.com/123456789012/push.fifo".into(),
        "SecretKey" | "CredentialsKey" | "AdminApiKey" | "SystemApiKey" => {
            format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-aBcDeF")
        }
        "DatabaseProxy.Endpoint" => "a2a.proxy-abc.eu-west-1.rds.amazonaws.com".into(),
        "Cache.Endpoint.Address" => "a2a-abc.serverless.euw1.cache.amazonaws.com".into(),
        "Cache.Endpoint.Port" => "6379".into(),
        "TaskTable" => "a2a-TaskTable-ABC".into(),
        "AWS::StackName" => "a2a".into(),
        // Parameters of the stack with everything.
        "CorpusBucket" => "documents".into(),
        "CorpusKey" => "corpus.db".into(),
        "DomainName" => "agents.example.com".into(),
        other => panic!("`{other}` in an environment"),
    }
}

#[test]
fn every_functions_environment_can_be_read_with_either_store() {
    for (name, stack) in every_stack() {
        for (id, function) in stack.functions() {
            let variables = function["Environment"]["Variables"].as_object().unwrap();
            let mut environment: BTreeMap<&str, String> = variables.iter().map(|(name, value)| (name.as_str(), filled(value))).collect();
            let size: usize = environment.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(size < 4096, "{name}: {id} has {size} bytes of variables, and Lambda takes 4 KB");
            environment.insert("AWS_LAMBDA_FUNCTION_NAME", id.to_owned());
            let settings = Settings::from_vars(environment).unwrap_or_else(|error| panic!("{name}: {id}: {error}"));
            assert_eq!(settings.serving.surroundings, Surroundings::Lambda);
            let storage = settings.storage;
            let postgres = name.starts_with("postgres");
            assert_eq!(matches!(storage.database, DatabaseUrl::Postgres(_)), postgres, "{name}: {id}");
            assert_eq!(storage.redis.is_some(), postgres && id != "DeliverPush", "{name}: {id}");
            assert_eq!(storage.corpus.is_some(), name == "dynamodb with everything" && id != "DeliverPush", "{name}: {id}");
            let queues = storage.queue.unwrap();
            if id == "DeliverPush" {
                // It takes from the queue that others hand over to, and hands nothing on.
                assert!(queues.run_task.ends_with("/push.fifo") && queues.deliver_push.is_none(), "{queues:?}");
            } else {
                assert!(queues.run_task.ends_with("/run") && queues.deliver_push.is_some_and(|url| url.ends_with("/push.fifo")), "{id}");
            }
            let security = settings.security;
            let called = !["RunTask", "DeliverPush", "Sweep"].contains(&id);
            assert_eq!((security.admin_api_key.is_some(), security.system_api_key.is_some()), (called, called), "{name}: {id}");
            assert_eq!(security.credentials_key.is_some(), called || id == "DeliverPush", "{name}: {id}");
            assert_eq!(security.secret_key.is_some(), called || id == "DeliverPush", "{name}: {id}");
        }
    }
}

#[test]
fn a_blocking_call_ends_before_its_function_and_its_route() {
    for (name, stack) in every_stack() {
        for (id, function) in stack.functions() {
            let patience = text(&function["Environment"]["Variables"]["A2A_REQUEST_TIMEOUT_SECONDS"]).parse::<u64>().unwrap();
            let timeout = function["Timeout"].as_u64().unwrap();
            assert!(patience < timeout, "{name}: {id}");
            assert!(timeout > 60 || id == "DeliverPush" || patience < 29, "{name}: {id} answers after API Gateway has given up");
        }
    }
}
