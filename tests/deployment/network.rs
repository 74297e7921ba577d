//! Nothing is open that need not be, and nothing lies unencrypted.

use serde_json::{Value, json};

use crate::stack::{Stack, every_stack, references, text};

#[test]
fn nothing_is_public_but_the_api() {
    for (name, stack) in every_stack() {
        for kind in ["AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EgressOnlyInternetGateway", "AWS::EC2::Route", "AWS::EC2::EIP"] {
            assert_eq!(stack.of_type(kind).count(), 0, "{name}: the VPC has a way out by {kind}");
        }
        // Documents come from a bucket of the operator's own.
        for kind in ["AWS::Lambda::Url", "AWS::S3::Bucket", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"] {
            assert_eq!(stack.of_type(kind).count(), 0, "{name}: {kind}");
        }
        assert!(stack.of_type("AWS::EC2::Subnet").all(|(_, subnet)| subnet["MapPublicIpOnLaunch"] == false), "{name}");
        assert!(stack.of_type("AWS::RDS::DBInstance").all(|(_, database)| database["PubliclyAccessible"] == false), "{name}");
    }
}

#[test]
fn security_groups_let_in_each_other_alone() {
    let Some(stack) = Stack::with(&[("Store", "postgres")]) else { return };
    let mut ways = Vec::new();
    for (id, rule) in stack.of_type("AWS::EC2::SecurityGroupIngress") {
        let group = |field: &str| references(&rule[field]).pop().unwrap_or_else(|| panic!("{id} names no {field}"));
        assert!(rule.get("CidrIp").is_none() && rule.get("CidrIpv6").is_none(), "{id}");
        ways.push(format!("{} -> {} {}-{}", group("SourceSecurityGroupId"), group("GroupId"), rule["FromPort"], rule["ToPort"]));
    }
    ways.sort();
    let expected = [
        "FunctionsGroup -> CacheGroup 6379-6380",
        "FunctionsGroup -> EndpointsGroup 443-443",
        "FunctionsGroup -> ProxyGroup 5432-5432",
        "ProxyGroup -> DatabaseGroup 5432-5432",
    ];
    assert_eq!(ways, expected);
    for (id, group) in stack.of_type("AWS::EC2::SecurityGroup") {
        assert!(group.get("SecurityGroupIngress").is_none(), "{id}");
        // Without a rule of its own a group may go anywhere.
        let out = group["SecurityGroupEgress"].as_array().unwrap();
        let anywhere: Vec<&Value> = out.iter().filter(|rule| rule["CidrIp"] == "0.0.0.0/0").collect();
        assert!(anywhere.iter().all(|rule| id == "FunctionsGroup" && rule["FromPort"] == 443 && rule["ToPort"] == 443), "{id}");
        assert!(!out.is_empty(), "{id}");
    }
}

#[test]
fn functions_live_in_the_vpc_and_reach_aws_by_endpoints() {
    let Some(stack) = Stack::with(&[("Store", "postgres")]) else { return };
    for (id, function) in stack.functions().filter(|(id, _)| *id != "DeliverPush") {
        assert_eq!(function["VpcConfig"]["SubnetIds"], json!([{"Ref": "SubnetA"}, {"Ref": "SubnetB"}]), "{id}");
    }
    let mut services = Vec::new();
    for (id, endpoint) in stack.of_type("AWS::EC2::VPCEndpoint") {
        services.push(text(&endpoint["ServiceName"]["Fn::Sub"]).rsplit('.').next().unwrap().to_owned());
        // Each leads to what is named, not to the whole service.
        for statement in endpoint["PolicyDocument"]["Statement"].as_array().unwrap() {
            assert_ne!(statement["Resource"], "*", "{id}");
        }
    }
    services.sort();
    assert_eq!(services, ["s3", "secretsmanager", "sqs"]);
    let zones: Vec<&Value> = stack.of_type("AWS::EC2::Subnet").map(|(_, subnet)| &subnet["AvailabilityZone"]).collect();
    assert!(zones.len() == 2 && zones[0] != zones[1], "{zones:?}");
}

#[test]
fn what_is_kept_is_encrypted_and_can_be_brought_back() {
    for (name, stack) in every_stack() {
        for (id, queue) in stack.of_type("AWS::SQS::Queue") {
            assert_eq!(queue["SqsManagedSseEnabled"], true, "{name}: {id}");
        }
        for (id, table) in stack.of_type("AWS::DynamoDB::Table") {
            // Each table is encrypted, with or without being asked.
            assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{name}");
            assert_eq!(
                (text(&table["DeletionProtectionEnabled"]), &stack.resources[id]["DeletionPolicy"]),
                ("true".into(), &json!("Retain")),
                "{name}"
            );
        }
        for (id, database) in stack.of_type("AWS::RDS::DBInstance") {
            assert_eq!((&database["StorageEncrypted"], &database["ManageMasterUserPassword"]), (&json!(true), &json!(true)), "{name}");
            assert_eq!(
                (text(&database["DeletionProtection"]), &stack.resources[id]["DeletionPolicy"]),
                ("true".into(), &json!("Snapshot")),
                "{name}"
            );
            assert!(text(&database["BackupRetentionPeriod"]).parse::<u32>().unwrap() >= 1, "{name}: no point-in-time recovery");
        }
        for (_, proxy) in stack.of_type("AWS::RDS::DBProxy") {
            assert_eq!(proxy["RequireTLS"], true, "{name}");
            assert!(proxy["Auth"].as_array().unwrap().iter().all(|auth| auth["IAMAuth"] == "REQUIRED"), "{name}");
        }
        assert!(stack.of_type("AWS::KMS::Key").all(|(_, key)| key["EnableKeyRotation"] == true), "{name}");
        for (id, secret) in stack.of_type("AWS::SecretsManager::Secret") {
            assert!(secret.get("SecretString").is_none(), "{name}: {id}");
            assert_eq!(secret.get("KmsKeyId").is_some(), id == "CredentialsKey", "{name}: {id}");
            assert!(secret["GenerateSecretString"]["PasswordLength"].as_u64().unwrap() >= 32, "{name}: {id}");
        }
    }
}
