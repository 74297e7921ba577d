//! API keys: each as an item of their list, and as one that is found by its digest.

use async_trait::async_trait;
use engine::ports::{ApiKey, KeyStore, StoreError};

use super::{
    DynamoDbDatabase,
    attributes::{Attributes, from_json, text, to_json},
    database::Query,
    keys::{self, Item},
    transaction::{Transacted, Write},
};

/// The partition of the list.
const LIST: &str = "api-keys";

#[async_trait]
impl KeyStore for DynamoDbDatabase {
    async fn add_key(&self, key: &ApiKey) -> Result<bool, StoreError> {
        let is_new = |item| Write::put(item).when("attribute_not_exists(#pk)", []);
        let writes = vec![is_new(item(keys::key(LIST, &key.id), key)?), is_new(item(by_digest(&key.digest), key)?)];
        Ok(self.transact(writes).await? == Transacted::Done)
    }

    async fn key_of_digest(&self, digest: &str) -> Result<Option<ApiKey>, StoreError> {
        self.get(by_digest(digest)).await?.as_ref().map(api_key).transpose()
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let items = self.query(Query { keys: "#pk = :pk", values: vec![(":pk", text(LIST))], ..Query::default() }).await?;
        let mut keys = items.iter().map(api_key).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(keys)
    }

    async fn replace_key(&self, digest: &str, new: &ApiKey) -> Result<bool, StoreError> {
        let listed = Write::put(item(keys::key(LIST, &new.id), new)?);
        let mut writes = vec![listed.when("#digest = :digest AND #usable = :usable", [(":digest", text(digest)), (":usable", text("yes"))])];
        if new.digest == digest {
            writes.push(Write::put(item(by_digest(digest), new)?));
        } else {
            writes.push(Write::delete(by_digest(digest)));
            writes.push(Write::put(item(by_digest(&new.digest), new)?).when("attribute_not_exists(#pk)", []));
        }
        Ok(self.transact(writes).await? == Transacted::Done)
    }
}

fn by_digest(digest: &str) -> Item {
    keys::key(format!("api-key/{digest}"), "key")
}

fn item(mut item: Item, key: &ApiKey) -> Result<Item, StoreError> {
    item.insert("digest".to_owned(), text(&key.digest));
    item.insert("usable".to_owned(), text(if key.revoked_at.is_none() { "yes" } else { "no" }));
    item.insert("key".to_owned(), text(to_json(key)?));
    Ok(item)
}

fn api_key(item: &Item) -> Result<ApiKey, StoreError> {
    from_json(item.text("key")?)
}
