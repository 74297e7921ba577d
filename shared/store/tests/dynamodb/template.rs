//! The table that template.yaml describes is the one that the code makes and needs.

use aws_sdk_dynamodb::types::{AttributeDefinition, KeySchemaElement};
use serde_yaml_ng::Value;

use super::*;

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// Pairs of two members of each item, in their order or sorted.
fn pairs(items: &Value, members: [&str; 2]) -> Vec<(String, String)> {
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    items.as_sequence().unwrap().iter().map(|item| (text(item, members[0]), text(item, members[1]))).collect()
}

fn keys(schema: &[KeySchemaElement]) -> Vec<(String, String)> {
    schema.iter().map(|key| (key.attribute_name().to_owned(), key.key_type().as_str().to_owned())).collect()
}

fn attributes(definitions: &[AttributeDefinition]) -> Vec<(String, String)> {
    definitions.iter().map(|attribute| (attribute.attribute_name().to_owned(), attribute.attribute_type().as_str().to_owned())).collect()
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

#[tokio::test]
async fn the_templates_table_is_the_one_that_migrate_makes() {
    let template: Value = serde_yaml_ng::from_str(TEMPLATE).unwrap();
    let described = &template["Resources"]["TaskTable"]["Properties"];

    let table = Table::new().await;
    let client = Client::new(&tests::servers::aws_config_at(&table.recorder.url()));
    let made = client.describe_table().table_name(&table.name).send().await.unwrap().table.unwrap();
    assert_eq!(pairs(&described["KeySchema"], ["AttributeName", "KeyType"]), keys(made.key_schema()));
    let types = pairs(&described["AttributeDefinitions"], ["AttributeName", "AttributeType"]);
    assert_eq!(sorted(types), sorted(attributes(made.attribute_definitions())));
    assert_eq!(described["BillingMode"].as_str(), made.billing_mode_summary().and_then(|billing| billing.billing_mode()).map(|mode| mode.as_str()));

    let (indexes, made_indexes) = (described["GlobalSecondaryIndexes"].as_sequence().unwrap(), made.global_secondary_indexes());
    assert_eq!((indexes.len(), made_indexes.len()), (1, 1));
    assert_eq!(indexes[0]["IndexName"].as_str(), made_indexes[0].index_name());
    assert_eq!(pairs(&indexes[0]["KeySchema"], ["AttributeName", "KeyType"]), keys(made_indexes[0].key_schema()));
    let (projection, made_projection) = (&indexes[0]["Projection"], made_indexes[0].projection().unwrap());
    assert_eq!(projection["ProjectionType"].as_str(), made_projection.projection_type().map(|kind| kind.as_str()));
    let projected = projection["NonKeyAttributes"].as_sequence().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(sorted(projected), sorted(made_projection.non_key_attributes().to_vec()));

    let expiry = client.describe_time_to_live().table_name(&table.name).send().await.unwrap().time_to_live_description.unwrap();
    assert_eq!(described["TimeToLiveSpecification"]["AttributeName"].as_str(), expiry.attribute_name());
    assert_eq!(described["TimeToLiveSpecification"]["Enabled"].as_bool(), Some(true));
}
