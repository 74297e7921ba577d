//! Blocked addresses, and those that may become so: one partition, whose items are deleted by their time to live.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use engine::ports::{BlockStore, Offender, StoreError};

use super::{
    DynamoDbDatabase,
    attributes::{Attributes, number, text},
    database::Query,
    keys::{self, Item},
    schema::EXPIRES,
    transaction::Write,
};
use crate::{blocks, values::milliseconds};

const PARTITION: &str = "blocks";

#[async_trait]
impl BlockStore for DynamoDbDatabase {
    async fn offender(&self, address: &str) -> Result<Option<Offender>, StoreError> {
        self.get(key(address)).await?.as_ref().map(offender).transpose()
    }

    async fn put_offender(&self, offender: &Offender, _: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut item = key(&offender.address);
        item.insert("version".to_owned(), number(offender.version));
        item.insert("blocked_until".to_owned(), number(blocks::blocked_until(offender)));
        item.insert("known".to_owned(), text(blocks::written(offender)?));
        item.insert(EXPIRES.to_owned(), number(offender.forget_at.timestamp() + 1));
        let put = Write::put(item);
        self.write(match offender.version {
            1 => put.when("attribute_not_exists(#pk)", []),
            version => put.when("#version = :before", [(":before", number(version - 1))]),
        })
        .await
    }

    async fn blocked(&self, now: DateTime<Utc>) -> Result<Vec<Offender>, StoreError> {
        let values = vec![(":pk", text(PARTITION)), (":now", number(milliseconds(now)))];
        let items = self.query(Query { keys: "#pk = :pk", values, filter: Some("#blocked_until > :now"), ..Query::default() }).await?;
        blocks::latest_first(items.iter().map(offender).collect::<Result<_, _>>()?)
    }

    async fn forget_offender(&self, address: &str) -> Result<bool, StoreError> {
        self.write(Write::delete(key(address)).when("attribute_exists(#pk)", [])).await
    }
}

fn key(address: &str) -> Item {
    keys::key(PARTITION, address)
}

fn offender(item: &Item) -> Result<Offender, StoreError> {
    blocks::read(item.text("known")?)
}
