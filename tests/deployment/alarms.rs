//! The alarms and their thresholds.

use crate::stack::{Stack, text};

#[test]
fn alarms_stand_where_they_should_and_are_told() {
    let Some(stack) = Stack::with(&[("AlarmEmail", "ops@example.com")]) else { return };
    let microseconds = 1_000_000.0;
    let expected = [
        ("ResponseTime", "GreaterThanThreshold", [1.0 * microseconds, 5.0 * microseconds, 10.0 * microseconds]),
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
fn alarms_read_lines_that_functions_write() {
    let Some(stack) = Stack::with(&[]) else { return };
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/");
    let written =
        |path: &str, line: &str| assert!(std::fs::read_to_string(format!("{sources}{path}")).unwrap().contains(line), "{path} writes no {line}");
    let pattern = |id: &str| text(&stack.resources[id]["Properties"]["FilterPattern"]);
    for filter in ["ResponseTimes", "InternalErrors", "AgentCalls"] {
        assert!(pattern(filter).contains(r#"$.target = "a2a::request""#), "{filter}");
    }
    for line in [r#"target: "a2a::request""#, "method = self.method", "status = status.as_u16()", "outcome,", "duration_us = "] {
        written("edge/src/observe.rs", line);
    }
    assert!(pattern("AgentFailures").contains(r#"$.message = "the agent failed""#));
    written("engine/src/run_task.rs", r#""the agent failed""#);
    // Where functions and Lambda write them.
    for (id, function) in stack.functions() {
        assert_eq!(
            (&function["LoggingConfig"]["LogFormat"], text(&function["LoggingConfig"]["LogGroup"]["Ref"])),
            (&"JSON".into(), "FunctionLog".into()),
            "{id}"
        );
        // Which the alarm takes for all: one function with another size would make it wrong.
        assert_eq!(function["MemorySize"], stack.resources["FrontDoor"]["Properties"]["MemorySize"], "{id}");
    }
    assert!(stack.of_type("AWS::Logs::LogGroup").all(|(_, group)| text(&group["RetentionInDays"]) == "30"));
}
