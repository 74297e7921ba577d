//! The table and the client that speaks to it: reads, and what its errors mean.

use std::{future::Future, sync::Arc, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    types::{AttributeValue, DeleteRequest, KeysAndAttributes, PutRequest, Select, WriteRequest},
};
use engine::ports::StoreError;
use futures::future::{BoxFuture, try_join_all};
use tokio::sync::{OnceCell, Semaphore};

use super::{
    attributes::{failed, names},
    keys::Item,
    known::KnownTasks,
    schema::INDEX,
    transaction::rest,
};

/// A request is given up after so long, and so is the connection that it needs.
const ATTEMPT: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(2);
/// A request with all its attempts.
const OPERATION: Duration = Duration::from_secs(12);
/// How often a request is sent that failed in a way that may pass.
const ATTEMPTS: u32 = 3;
/// Transactions of one process that are under way.
const TRANSACTIONS_AT_ONCE: usize = 64;
/// Items in one `BatchGetItem`, by DynamoDB's limits of 100 items and 16 MB: see [`super::blobs`].
const READ_AT_ONCE: usize = 40;
/// Items in one `BatchWriteItem`.
const WRITTEN_AT_ONCE: usize = 25;
/// How often what a batch left undone is tried again.
const TRIES: u32 = 12;

/// A DynamoDB table. Cheap to clone; the client is made when it is first needed.
#[derive(Clone)]
pub struct DynamoDbDatabase {
    inner: Arc<Inner>,
}

struct Inner {
    table: String,
    config: Box<dyn Fn() -> BoxFuture<'static, SdkConfig> + Send + Sync>,
    client: OnceCell<Client>,
    known: KnownTasks,
    transactions: Semaphore,
}

impl DynamoDbDatabase {
    /// The table of that name, with credentials, region and HTTP client as `config` says, which is asked once at most.
    pub fn new<F>(table: impl Into<String>, config: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = SdkConfig> + Send + 'static,
    {
        let inner = Inner {
            table: table.into(),
            config: Box::new(move || Box::pin(config())),
            client: OnceCell::new(),
            known: KnownTasks::default(),
            transactions: Semaphore::new(TRANSACTIONS_AT_ONCE),
        };
        DynamoDbDatabase { inner: Arc::new(inner) }
    }

    pub(super) fn table(&self) -> &str {
        &self.inner.table
    }

    pub(super) fn known(&self) -> &KnownTasks {
        &self.inner.known
    }

    /// A process has so many transactions under way; others wait here, and not with a timeout running.
    pub(super) fn transactions(&self) -> &Semaphore {
        &self.inner.transactions
    }

    pub(super) async fn client(&self) -> &Client {
        self.inner.client.get_or_init(async || Client::from_conf(patience(&(self.inner.config)().await))).await
    }

    /// An item as it is now.
    pub(super) async fn get(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let request = self.client().await.get_item().table_name(self.table()).set_key(Some(key)).consistent_read(true);
        Ok(request.send().await.map_err(store_error)?.item)
    }

    /// Those of these items that are there, in no order.
    pub(super) async fn get_all(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let batches = keys.chunks(READ_AT_ONCE).map(|batch| self.get_batch(batch.to_vec()));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    async fn get_batch(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let (mut found, mut left) = (Vec::new(), keys);
        let mut pause = super::transaction::FIRST_PAUSE;
        for _ in 0..TRIES {
            let wanted = KeysAndAttributes::builder().set_keys(Some(left)).consistent_read(true).build().map_err(failed)?;
            let mut answer = self.client().await.batch_get_item().request_items(self.table(), wanted).send().await.map_err(store_error)?;
            found.extend(answer.responses.as_mut().and_then(|tables| tables.remove(self.table())).unwrap_or_default());
            left = answer.unprocessed_keys.and_then(|mut tables| tables.remove(self.table())).map(|keys| keys.keys).unwrap_or_default();
            if left.is_empty() {
                return Ok(found);
            }
            rest(&mut pause).await;
        }
        Err(StoreError::Unavailable("DynamoDB left items of a batch unread again and again".into()))
    }

    /// Puts items, in no order and not together.
    pub(super) async fn put_all(&self, items: Vec<Item>, at_once: usize) -> Result<(), StoreError> {
        let request = |item| Ok(WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().map_err(failed)?).build());
        self.write_all(items.into_iter().map(request).collect::<Result<_, StoreError>>()?, at_once).await
    }

    /// Deletes items, in no order and not together.
    pub(super) async fn delete_all(&self, keys: Vec<Item>) -> Result<(), StoreError> {
        let request = |key| Ok(WriteRequest::builder().delete_request(DeleteRequest::builder().set_key(Some(key)).build().map_err(failed)?).build());
        self.write_all(keys.into_iter().map(request).collect::<Result<_, StoreError>>()?, WRITTEN_AT_ONCE).await
    }

    async fn write_all(&self, requests: Vec<WriteRequest>, at_once: usize) -> Result<(), StoreError> {
        let batches = requests.chunks(at_once.min(WRITTEN_AT_ONCE)).map(|batch| self.write_batch(batch.to_vec()));
        try_join_all(batches).await.map(drop)
    }

    async fn write_batch(&self, requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut left = requests;
        let mut pause = super::transaction::FIRST_PAUSE;
        for _ in 0..TRIES {
            let answer = self.client().await.batch_write_item().request_items(self.table(), left).send().await.map_err(store_error)?;
            left = answer.unprocessed_items.and_then(|mut tables| tables.remove(self.table())).unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            rest(&mut pause).await;
        }
        Err(StoreError::Unavailable("DynamoDB left items of a batch unwritten again and again".into()))
    }

    /// The items of a query.
    pub(super) async fn query(&self, query: Query) -> Result<Vec<Item>, StoreError> {
        let (mut items, mut looked_at, mut start) = (Vec::new(), 0, None);
        loop {
            let left = query.limit.map(|limit| limit - looked_at);
            if left == Some(0) {
                return Ok(items);
            }
            let answer = self.request(&query, left).await.set_exclusive_start_key(start).send().await.map_err(store_error)?;
            looked_at += usize::try_from(answer.scanned_count).unwrap_or(0);
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// What one request of a query finds, and where the next begins if it has more to look at.
    pub(super) async fn page(&self, query: &Query, start: Option<Item>) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let answer = self.request(query, query.limit).await.set_exclusive_start_key(start).send().await.map_err(store_error)?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// How many items a query has, without their content.
    pub(super) async fn count(&self, query: Query) -> Result<u64, StoreError> {
        let (mut count, mut start) = (0, None);
        loop {
            let request = self.request(&query, None).await.select(Select::Count).set_exclusive_start_key(start);
            let answer = request.send().await.map_err(store_error)?;
            count += u64::try_from(answer.count).unwrap_or(0);
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
    }

    async fn request(&self, query: &Query, limit: Option<usize>) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        let expressions = [Some(query.keys), query.filter, query.only].into_iter().flatten();
        let request = self.client().await.query().table_name(self.table()).key_condition_expression(query.keys);
        let request = if query.index { request.index_name(INDEX) } else { request.consistent_read(true) };
        request
            .set_filter_expression(query.filter.map(str::to_owned))
            .set_projection_expression(query.only.map(str::to_owned))
            .set_expression_attribute_names(Some(names(expressions)))
            .set_expression_attribute_values(Some(query.values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()))
            .set_scan_index_forward(query.backwards.then_some(false))
            .set_limit(limit.and_then(|limit| i32::try_from(limit).ok()))
    }
}

fn patience(config: &SdkConfig) -> aws_sdk_dynamodb::Config {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION).build();
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    aws_sdk_dynamodb::config::Builder::from(config).timeout_config(timeouts).retry_config(retries).build()
}

/// What to ask for. Attributes are `#name` in all expressions.
#[derive(Default)]
pub(super) struct Query {
    /// The condition on the keys.
    pub(super) keys: &'static str,
    /// What the expressions name.
    pub(super) values: Vec<(&'static str, AttributeValue)>,
    /// What is left out though it was looked at.
    pub(super) filter: Option<&'static str>,
    /// These attributes alone.
    pub(super) only: Option<&'static str>,
    /// In the index instead of the table, which is a moment behind.
    pub(super) index: bool,
    /// The greatest sort key first.
    pub(super) backwards: bool,
    /// Look at so many at most, left out or not.
    pub(super) limit: Option<usize>,
}

/// What an error of the SDK means to the engine: what may pass by itself, or is a bug or damage.
pub(super) fn store_error<E, R>(error: SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let passes = match &error {
        SdkError::ServiceError(context) => matches!(
            context.err().code(),
            Some(
                "ProvisionedThroughputExceededException"
                    | "RequestLimitExceeded"
                    | "ThrottlingException"
                    | "Throttling"
                    | "TransactionConflictException"
                    | "TransactionInProgressException"
                    | "InternalServerError"
                    | "InternalFailure"
                    | "ServiceUnavailable"
                    | "ExpiredTokenException"
            )
        ),
        SdkError::ConstructionFailure(_) => false,
        // No connection, no answer in time, or half an answer.
        _ => true,
    };
    if passes { StoreError::Unavailable(Box::new(Described(error))) } else { StoreError::Failed(Box::new(Described(error))) }
}

/// The SDK's errors say what they are only through their sources: this says it in one line.
#[derive(Debug)]
struct Described<E, R>(SdkError<E, R>);

impl<E, R> std::fmt::Display for Described<E, R>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DynamoDB: {}", aws_sdk_dynamodb::error::DisplayErrorContext(&self.0))
    }
}

impl<E, R> std::error::Error for Described<E, R>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
}
