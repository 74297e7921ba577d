//! The table itself: made by an operator's command or a server's start, never by a function.

use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, IndexStatus, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
    TableStatus, TimeToLiveSpecification,
};
use engine::ports::StoreError;

use super::{
    attributes::failed,
    database::{DynamoDbDatabase, store_error},
};

/// The sparse index by `queue` and `due`.
pub(super) const INDEX: &str = "due";
/// Items with this attribute are deleted by DynamoDB some time after it: seconds since 1970.
pub(super) const EXPIRES: &str = "expires";
/// What the index has besides keys: all that it takes to hand out a job, and to tell active tasks.
const PROJECTED: [&str; 8] = ["state", "work", "generation", "handed", "delivery", "attempts", "hidden_until", "queued_at"];
/// Making a table takes some seconds.
const LOOKS: u32 = 120;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

impl DynamoDbDatabase {
    /// Makes the table if it isn't there, billed by the request, and waits until it can be used. Safe to call by many at once.
    ///
    /// # Errors
    /// If AWS can't be reached or doesn't allow it, or the table isn't ready within a minute.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        if !self.is_ready().await?.unwrap_or(false) {
            self.make().await?;
            self.wait().await?;
        }
        self.expire().await
    }

    /// Whether table and index are ready; `None` if there is no such table.
    async fn is_ready(&self) -> Result<Option<bool>, StoreError> {
        let described = match self.client().await.describe_table().table_name(self.table()).send().await {
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => return Ok(None),
            described => described.map_err(store_error)?,
        };
        let Some(table) = described.table else { return Ok(None) };
        let mut indexes = table.global_secondary_indexes().iter();
        let index = indexes.any(|index| index.index_name() == Some(INDEX) && matches!(index.index_status(), None | Some(IndexStatus::Active)));
        Ok(Some(table.table_status() == Some(&TableStatus::Active) && index))
    }

    async fn make(&self) -> Result<(), StoreError> {
        let key = |name: &str, key_type| KeySchemaElement::builder().attribute_name(name).key_type(key_type).build().map_err(failed);
        let attribute =
            |name: &str, attribute_type| AttributeDefinition::builder().attribute_name(name).attribute_type(attribute_type).build().map_err(failed);
        let projection = Projection::builder()
            .projection_type(ProjectionType::Include)
            .set_non_key_attributes(Some(PROJECTED.iter().map(|name| (*name).to_owned()).collect()))
            .build();
        let index = GlobalSecondaryIndex::builder()
            .index_name(INDEX)
            .key_schema(key("queue", KeyType::Hash)?)
            .key_schema(key("due", KeyType::Range)?)
            .projection(projection)
            .build()
            .map_err(failed)?;
        let request = self.client().await.create_table().table_name(self.table()).billing_mode(BillingMode::PayPerRequest);
        let made = request
            .key_schema(key("pk", KeyType::Hash)?)
            .key_schema(key("sk", KeyType::Range)?)
            .attribute_definitions(attribute("pk", ScalarAttributeType::S)?)
            .attribute_definitions(attribute("sk", ScalarAttributeType::S)?)
            .attribute_definitions(attribute("queue", ScalarAttributeType::S)?)
            .attribute_definitions(attribute("due", ScalarAttributeType::N)?)
            .global_secondary_indexes(index)
            .send()
            .await;
        match made {
            // Somebody else was faster.
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => Ok(()),
            made => made.map(drop).map_err(store_error),
        }
    }

    async fn wait(&self) -> Result<(), StoreError> {
        for _ in 0..LOOKS {
            if self.is_ready().await? == Some(true) {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Err(StoreError::Unavailable(format!("the table `{}` isn't ready, or has no index `{INDEX}`", self.table()).into()))
    }

    /// Has expired items deleted.
    async fn expire(&self) -> Result<(), StoreError> {
        let now = self.client().await.describe_time_to_live().table_name(self.table()).send().await.map_err(store_error)?;
        if now.time_to_live_description().is_some_and(|description| description.attribute_name() == Some(EXPIRES)) {
            return Ok(());
        }
        let wanted = TimeToLiveSpecification::builder().enabled(true).attribute_name(EXPIRES).build().map_err(failed)?;
        self.client().await.update_time_to_live().table_name(self.table()).time_to_live_specification(wanted).send().await.map_err(store_error)?;
        Ok(())
    }
}
