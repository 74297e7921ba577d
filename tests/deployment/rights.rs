//! Who may do what: roles name what they may touch, one by one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::stack::{Stack, every_stack, text};

/// The only actions for which no resource is named, and why.
const UNNAMED: [(&str, &str); 8] = [
    ("xray:PutTraceSegments", "X-Ray knows no resources"),
    ("xray:PutTelemetryRecords", "X-Ray knows no resources"),
    ("ec2:CreateNetworkInterface", "the interface isn't there yet"),
    ("ec2:DescribeNetworkInterfaces", "EC2 takes no resource for it"),
    ("ec2:DescribeSubnets", "EC2 takes no resource for it"),
    ("ec2:DeleteNetworkInterface", "Lambda names its interfaces when it makes them"),
    ("ec2:AssignPrivateIpAddresses", "Lambda names its interfaces when it makes them"),
    ("ec2:UnassignPrivateIpAddresses", "Lambda names its interfaces when it makes them"),
];

/// The only policies of Amazon's, and who has them.
const AMAZONS: [(&str, &str); 2] = [
    // One for each account and region, for the logs of all APIs there.
    ("ApiLogRole", "policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"),
    // CodeDeploy's own service, which moves aliases; no function has it.
    ("CodeDeployServiceRole", "policy/service-role/AWSCodeDeployRoleForLambda"),
];

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

/// All that a role allows.
fn statements(stack: &Stack, role: &str) -> Vec<Value> {
    let role = &stack.resources[role]["Properties"];
    let mut documents: Vec<Value> = list(&role["Policies"]).iter().map(|policy| policy["PolicyDocument"].clone()).collect();
    for policy in list(&role["ManagedPolicyArns"]) {
        if let Some(id) = policy["Ref"].as_str() {
            documents.push(stack.resources[id]["Properties"]["PolicyDocument"].clone());
        }
    }
    documents.iter().flat_map(|document| list(&document["Statement"])).collect()
}

fn actions(stack: &Stack, role: &str) -> BTreeSet<String> {
    statements(stack, role).iter().flat_map(|statement| list(&statement["Action"])).map(|action| text(&action)).collect()
}

/// What a function may do besides running: services' actions, in short.
fn rights(stack: &Stack, function: &str) -> BTreeSet<String> {
    let common = ["logs:", "xray:", "ec2:"];
    let actions = actions(stack, &format!("{function}Role"));
    actions.into_iter().filter(|action| !common.iter().any(|prefix| action.starts_with(prefix))).collect()
}

#[test]
fn each_function_has_a_role_of_its_own() {
    for (name, stack) in every_stack() {
        let roles: BTreeSet<String> = stack.functions().map(|(_, function)| text(&function["Role"]["Fn::GetAtt"][0])).collect();
        assert_eq!(roles.len(), 19, "{name}");
        assert_eq!(roles, stack.functions().map(|(id, _)| format!("{id}Role")).collect(), "{name}");
    }
}

#[test]
fn no_right_is_to_everything_but_where_aws_takes_no_name() {
    for (name, stack) in every_stack() {
        for (role, properties) in stack.of_type("AWS::IAM::Role") {
            for statement in statements(&stack, role) {
                assert_eq!(statement["Effect"], "Allow", "{name}: {role}");
                for action in list(&statement["Action"]).iter().map(text) {
                    assert!(!action.contains('*'), "{name}: {role} may `{action}`");
                    let unnamed = list(&statement["Resource"]).iter().any(|resource| text(resource).contains('*'));
                    assert!(!unnamed || UNNAMED.iter().any(|(known, _)| *known == action), "{name}: {role} may `{action}` on anything");
                    assert!(!list(&statement["Resource"]).is_empty(), "{name}: {role}: {statement}");
                }
            }
            for policy in list(&properties["ManagedPolicyArns"]).iter().filter(|policy| policy.get("Ref").is_none()) {
                let known = AMAZONS.iter().any(|(of, end)| *of == role && policy.to_string().contains(end));
                assert!(known, "{name}: {role} has {policy}");
            }
        }
    }
}

#[test]
fn who_calls_webhooks_may_touch_nothing_but_its_queue_and_its_keys() {
    for (name, stack) in every_stack() {
        for statement in statements(&stack, "DeliverPushRole") {
            let allowed = ["FunctionLog", "DeliverPushQueue", "DeliverPushDeadLetters", "SecretKey", "CredentialsKey", "CredentialsMasterKey"];
            for resource in list(&statement["Resource"]).into_iter().filter(|resource| resource != "*") {
                let named = crate::stack::references(&resource);
                assert!(named.iter().all(|id| allowed.contains(&id.as_str())), "{name}: {statement}");
            }
        }
        assert!(stack.resources["DeliverPush"]["Properties"].get("VpcConfig").is_none(), "{name}");
    }
}

#[test]
fn functions_may_do_what_their_work_takes_and_no_more() {
    let Some(stack) = Stack::with(&[("Store", "dynamodb")]) else { return };
    let reads = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"];
    let writes = ["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"];
    let keys = ["secretsmanager:GetSecretValue"];
    let seals = ["kms:Decrypt", "secretsmanager:GetSecretValue"];
    let audits = ["dynamodb:BatchWriteItem", "dynamodb:PutItem"];
    let works = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
    let sends = ["sqs:SendMessage"];
    let signs = ["dynamodb:PutItem"];
    let depth = ["sqs:GetQueueAttributes"];
    let admits = ["dynamodb:DeleteItem", "dynamodb:PutItem"];
    let expected: BTreeMap<&str, Vec<&[&str]>> = BTreeMap::from([
        ("FrontDoor", vec![&keys[..], &reads, &writes, &sends, &seals]),
        ("SendMessage", vec![&keys[..], &reads, &writes, &sends, &seals]),
        ("SendStreamingMessage", vec![&keys[..], &reads, &writes, &sends, &seals]),
        ("CancelTask", vec![&keys[..], &reads, &writes, &sends]),
        ("CreatePushNotificationConfig", vec![&keys[..], &reads, &writes, &sends, &seals]),
        ("DeletePushNotificationConfig", vec![&keys[..], &reads, &writes]),
        ("GetTask", vec![&keys[..], &audits, &reads]),
        ("ListTasks", vec![&keys[..], &audits, &reads]),
        ("SubscribeToTask", vec![&keys[..], &audits, &reads]),
        ("ListPushNotificationConfigs", vec![&keys[..], &audits, &reads, &seals]),
        ("GetPushNotificationConfig", vec![&keys[..], &audits, &reads, &seals]),
        ("GetExtendedAgentCard", vec![&keys[..], &audits, &reads, &signs]),
        ("AgentCard", vec![&keys[..], &audits, &reads, &signs]),
        ("Agents", vec![&keys[..], &audits, &reads]),
        ("Health", vec![&keys[..], &audits, &reads, &depth]),
        ("Admin", vec![&keys[..], &audits, &reads, &depth, &admits]),
        ("RunTask", vec![&reads[..], &writes, &works, &sends]),
        ("DeliverPush", vec![&keys[..], &works, &sends, &seals]),
        ("Sweep", vec![&reads[..], &writes, &sends]),
    ]);
    for (function, expected) in &expected {
        let expected: BTreeSet<String> = expected.iter().flat_map(|actions| actions.iter()).map(|action| (*action).to_owned()).collect();
        assert_eq!(rights(&stack, function), expected, "{function}");
    }
    assert_eq!(expected.len(), stack.functions().count());
    // Who may have a key opened may so for one secret, and not by asking KMS.
    let opens = &stack.resources["CredentialsPolicy"]["Properties"]["PolicyDocument"]["Statement"][1];
    let conditions = &opens["Condition"]["StringEquals"];
    assert_eq!(conditions["kms:EncryptionContext:SecretARN"], json!({"Ref": "CredentialsKey"}));
    assert_eq!(conditions["kms:ViaService"], json!({"Fn::Sub": "secretsmanager.${AWS::Region}.amazonaws.com"}));
    // Those who write little write to what they name.
    let statement = &stack.resources["KeysPolicy"]["Properties"]["PolicyDocument"]["Statement"][1];
    assert_eq!(statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"], json!(["audit", "blocks"]));
    for (policy, keys) in [("SigningKeyPolicy", json!(["secrets"])), ("ApiKeysPolicy", json!(["api-keys", "api-key/*", "blocks"]))] {
        let statement = &stack.resources[policy]["Properties"]["PolicyDocument"]["Statement"][0];
        let conditions = statement["Condition"].as_object().unwrap();
        assert!(conditions.values().all(|condition| condition["dynamodb:LeadingKeys"] == keys), "{policy}");
    }

    let Some(stack) = Stack::with(&[("Store", "postgres")]) else { return };
    for (function, _) in stack.functions() {
        let rights = rights(&stack, function);
        assert!(!rights.iter().any(|right| right.starts_with("dynamodb:")), "{function}: {rights:?}");
        assert_eq!(rights.contains("rds-db:connect"), function != "DeliverPush", "{function}: {rights:?}");
    }
}
