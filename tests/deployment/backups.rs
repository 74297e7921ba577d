//! What is kept of the data when something is lost: any moment of some days, and what remains when a stack goes.

use crate::stack::{Stack, text};

/// The only resource of a type, with its policies.
fn only(stack: &Stack, kind: &str) -> serde_json::Value {
    let mut found = stack.resources.values().filter(|resource| resource["Type"] == kind);
    let resource = found.next().unwrap_or_else(|| panic!("no {kind}")).clone();
    assert!(found.next().is_none(), "more than one {kind}");
    resource
}

#[test]
fn the_database_can_be_restored_to_any_moment_of_a_week_or_of_so_many_days() {
    for (days, expected) in [(None, 7.0), (Some("35"), 35.0)] {
        let parameters: Vec<_> = [("Store", "postgres")].into_iter().chain(days.map(|days| ("BackupDays", days))).collect();
        let Some(stack) = Stack::with(&parameters) else { return };
        let database = only(&stack, "AWS::RDS::DBInstance");
        assert_eq!((&database["DeletionPolicy"], &database["UpdateReplacePolicy"]), (&"Snapshot".into(), &"Snapshot".into()));
        let properties = &database["Properties"];
        // RDS keeps its log for so long, up to five minutes ago; with 0 days it would keep none.
        assert_eq!(text(&properties["BackupRetentionPeriod"]).parse::<f64>().ok(), Some(expected));
        assert_eq!((&properties["StorageEncrypted"], &properties["CopyTagsToSnapshot"]), (&true.into(), &true.into()));
        assert_eq!(text(&properties["DeletionProtection"]), "true");
    }
}

#[test]
fn days_of_backups_are_what_rds_takes_and_never_none() {
    let Some(template) = crate::stack::transformed() else { return };
    let days = &template["Parameters"]["BackupDays"];
    assert_eq!((days["MinValue"].as_f64(), days["MaxValue"].as_f64()), (Some(1.0), Some(35.0)));
}

#[test]
fn the_table_can_be_restored_to_any_moment_and_outlives_its_stack() {
    let Some(stack) = Stack::with(&[("Store", "dynamodb")]) else { return };
    let table = only(&stack, "AWS::DynamoDB::Table");
    assert_eq!((&table["DeletionPolicy"], &table["UpdateReplacePolicy"]), (&"Retain".into(), &"Retain".into()));
    assert_eq!(table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(text(&table["Properties"]["DeletionProtectionEnabled"]), "true");
}
