//! What calls each function, and how its responses travel.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::stack::{Stack, references, text, transformed};

/// The function behind an alias that an event goes to.
fn function(target: &Value) -> String {
    let names = references(target);
    let alias = names.iter().find(|name| name.ends_with("Aliaslive")).unwrap_or_else(|| panic!("no alias in {target}"));
    alias.trim_end_matches("Aliaslive").to_owned()
}

/// Every route: its path, its method, its integration and the function that answers.
fn routes(stack: &Stack) -> Vec<(String, String, Value, String)> {
    let paths = stack.resources["Api"]["Properties"]["Body"]["paths"].as_object().unwrap();
    let mut routes = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            let integration = operation["x-amazon-apigateway-integration"].clone();
            let function = function(&integration["uri"]);
            routes.push((path.clone(), method.clone(), integration, function));
        }
    }
    routes
}

#[test]
fn streamed_routes_stream_and_all_others_are_whole() {
    let Some(stack) = Stack::with(&[]) else { return };
    let mut streamed = BTreeSet::new();
    for (path, method, integration, function) in routes(&stack) {
        let uri = text(&integration["uri"]["Fn::Sub"]);
        assert_eq!(integration["type"], "aws_proxy", "{method} {path}");
        if ["FrontDoor", "SendStreamingMessage", "SubscribeToTask"].contains(&function.as_str()) {
            streamed.insert(function);
            assert!(uri.contains(":lambda:path/2021-11-15/functions/") && uri.ends_with("/response-streaming-invocations"), "{method} {path}: {uri}");
            assert_eq!(integration["responseTransferMode"], "STREAM", "{method} {path}");
            assert_eq!(integration["timeoutInMillis"], 900_000, "{method} {path}");
        } else {
            assert!(uri.contains(":lambda:path/2015-03-31/functions/") && uri.ends_with("/invocations"), "{method} {path}: {uri}");
            assert_eq!((integration.get("responseTransferMode"), integration.get("timeoutInMillis")), (None, None), "{method} {path}");
        }
    }
    assert_eq!(streamed.len(), 3);
}

#[test]
fn every_function_is_called_by_a_route_a_queue_or_a_schedule() {
    let Some(stack) = Stack::with(&[]) else { return };
    let mut called: BTreeSet<String> = routes(&stack).into_iter().map(|(.., function)| function).collect();
    called.extend(stack.of_type("AWS::Lambda::EventSourceMapping").map(|(_, mapping)| function(&mapping["FunctionName"])));
    called.extend(stack.of_type("AWS::Events::Rule").map(|(_, rule)| function(&rule["Targets"])));
    assert_eq!(called, stack.functions().map(|(id, _)| id.to_owned()).collect());
}

#[test]
fn api_gateway_and_schedules_may_call_what_they_call() {
    let Some(stack) = Stack::with(&[]) else { return };
    let mut allowed = BTreeSet::new();
    for (id, permission) in stack.of_type("AWS::Lambda::Permission") {
        let principal = text(&permission["Principal"]);
        assert!(["apigateway.amazonaws.com", "events.amazonaws.com"].contains(&principal.as_str()), "{id}: {principal}");
        // Of this API and this rule, not of anybody's.
        assert!(references(&permission["SourceArn"]).iter().any(|name| stack.resources.contains_key(name)), "{id}");
        allowed.insert((function(&permission["FunctionName"]), text(&permission["SourceArn"]["Fn::Sub"][0])));
    }
    for (path, method, _, function) in routes(&stack) {
        // Variables of a path are `*` there.
        let pattern = path.split('/').map(|part| if part.starts_with('{') { "*" } else { part }).collect::<Vec<_>>().join("/");
        let verb = if method == "x-amazon-apigateway-any-method" { "*".to_owned() } else { method.to_uppercase() };
        let end = format!("/${{__Stage__}}/{verb}{pattern}");
        assert!(allowed.iter().any(|(of, arn)| *of == function && arn.ends_with(&end)), "{method} {path} may not call {function}: {end}");
    }
}

#[test]
fn new_versions_take_over_bit_by_bit_and_alarms_take_them_back() {
    let Some(stack) = Stack::with(&[]) else { return };
    for (id, _) in stack.functions() {
        let alias = &stack.resources[&format!("{id}Aliaslive")];
        let group = text(&alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"]["Ref"]);
        let group = &stack.resources[&group]["Properties"];
        assert_eq!(group["DeploymentConfigName"]["Fn::Sub"][1]["ConfigName"], "Canary10Percent5Minutes", "{id}");
        assert!(group["AutoRollbackConfiguration"]["Events"].as_array().unwrap().iter().any(|event| event == "DEPLOYMENT_STOP_ON_ALARM"), "{id}");
        let alarms = group["AlarmConfiguration"]["Alarms"].as_array().unwrap();
        assert!(alarms.iter().any(|alarm| alarm["Name"]["Ref"] == "ErrorsError"), "{id}");
        assert!(alarms.iter().all(|alarm| stack.resources[&text(&alarm["Name"]["Ref"])]["Type"] == "AWS::CloudWatch::Alarm"), "{id}");
    }
}

#[test]
fn what_api_gateway_answers_by_itself_has_the_security_headers_too() {
    let Some(template) = transformed() else { return };
    let responses = template["Resources"]["Api"]["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"].as_object().unwrap();
    assert!(responses.contains_key("DEFAULT_4XX") && responses.contains_key("DEFAULT_5XX"));
    for (kind, response) in responses {
        let names = [
            "X-Content-Type-Options",
            "X-Frame-Options",
            "X-XSS-Protection",
            "Strict-Transport-Security",
            "Content-Security-Policy",
            "Referrer-Policy",
        ];
        for name in names {
            let value = response["responseParameters"][format!("gatewayresponse.header.{name}")].as_str().unwrap_or_default();
            assert!(value.len() > 2 && value.starts_with('\'') && value.ends_with('\''), "{kind}: {name} is {value}");
        }
    }
}
