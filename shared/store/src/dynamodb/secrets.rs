//! Secrets as items, which DynamoDB encrypts at rest as everything else.

use async_trait::async_trait;
use engine::ports::StoreError;

use super::{
    DynamoDbDatabase,
    attributes::{Attributes, failed, text},
    keys,
    transaction::Write,
};
use crate::SharedSecrets;

#[async_trait]
impl SharedSecrets for DynamoDbDatabase {
    async fn shared_secret(&self, name: &str, new: String) -> Result<String, StoreError> {
        let key = keys::key("secrets", name);
        let mut kept = self.get(key.clone()).await?;
        if kept.is_none() {
            let mut item = key.clone();
            item.insert("value".to_owned(), text(new));
            self.write(Write::put(item).when("attribute_not_exists(#pk)", [])).await?;
            kept = self.get(key).await?;
        }
        kept.ok_or_else(|| failed(format!("the secret `{name}` was deleted")))?.text("value").map(str::to_owned)
    }
}
