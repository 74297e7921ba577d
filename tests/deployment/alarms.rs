//! The alarms and their thresholds.

use crate::stack::{Stack, text};

#[test]
fn alarms_stand_where_they_should_and_are_told() {
    let Some(stack) = Stack::with(&[("AlarmEmail", "ops@example.com")]) else { return };
    let expected = [
        ("ResponseTime", "GreaterThanThreshold", [1.0, 5.0, 10.0]),
        ("Errors", "GreaterThanThreshold", [5.0, 10.0, 25.0]),
        ("Memory", "GreaterThanThreshold", [80.0, 90.0, 95.0]),
        ("AgentAvailability", "LessThanThreshold", [90.0, 80.0, 70.0]),
    ];
    for (name, comparison, thresholds) in expected {
        for (level, threshold) in ["Warning", "Error", "Critical"].into_iter().zip(thresholds) {
            let alarm = &stack.resources[&format!("{name}{level}")]["Properties"];
            assert_eq!((alarm["Threshold"].as_f64(), alarm["ComparisonOperator"].as_str()), (Some(threshold), Some(comparison)), "{name}{level}");
        }
    }
    for name in ["RunTaskDeadLettersAlarm", "DeliverPushDeadLettersAlarm", "Throttles", "WorkerErrors"] {
        assert_eq!(stack.resources[name]["Properties"]["Threshold"], 0, "{name}");
    }
    for (id, alarm) in stack.of_type("AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["AlarmActions"][0]["Ref"], "AlarmTopic", "{id}");
        // A stack that nobody uses is well.
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{id}");
    }
    assert_eq!(stack.of_type("AWS::SNS::Subscription").count(), 1);
}

#[test]
fn functions_write_their_metrics_where_alarms_read_them() {
    let Some(stack) = Stack::with(&[]) else { return };
    for (id, alarm) in stack.of_type("AWS::CloudWatch::Alarm") {
        for namespace in namespaces(alarm).into_iter().filter(|namespace| !namespace.starts_with("AWS/")) {
            for (function, described) in stack.functions() {
                let variables = &described["Environment"]["Variables"];
                assert_eq!(variables["A2A_METRICS_NAMESPACE"]["Fn::Sub"], namespace.as_str(), "{function} counts elsewhere than {id} looks");
                assert_eq!(variables["A2A_LOG_FORMAT"], "json", "{function}");
            }
        }
    }
    // Where functions and Lambda write them.
    for (id, function) in stack.functions() {
        assert_eq!(
            (&function["LoggingConfig"]["LogFormat"], text(&function["LoggingConfig"]["LogGroup"]["Ref"])),
            (&"JSON".into(), "FunctionLog".into()),
            "{id}"
        );
        // The alarm takes the smallest for all: one function with another size would make it wrong.
        assert_eq!(function["MemorySize"], stack.resources["FrontDoor"]["Properties"]["MemorySize"], "{id}");
    }
    assert!(stack.of_type("AWS::Logs::LogGroup").all(|(_, group)| text(&group["RetentionInDays"]) == "30"));
}

/// Of the metrics that an alarm looks at.
fn namespaces(alarm: &serde_json::Value) -> Vec<String> {
    let named = |value: &serde_json::Value| value.as_str().or(value["Fn::Sub"].as_str()).map(str::to_owned);
    let of_expression = alarm["Metrics"].as_array().into_iter().flatten().filter_map(|query| named(&query["MetricStat"]["Metric"]["Namespace"]));
    named(&alarm["Namespace"]).into_iter().chain(of_expression).collect()
}
